//! The page about a comparison: ways to search, under several limits and for several times, over seeds.

mod chart;
mod page;

use crate::statistics::mean_interval;

/// A search of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// The limits, in words.
    pub limits: String,
    /// The time that it was given, in words.
    pub time: String,
    /// The same in seconds.
    pub seconds: f64,
    /// How was searched, in words.
    pub method: String,
    /// Whether the data configuration was fixed.
    pub fixed: bool,
    /// The seed.
    pub seed: u64,
    /// Test accuracy of the recommended int8 file, 0 to 1; `None` if nothing met the limits.
    pub accuracy: Option<f64>,
    /// Of the finished files, over test error and the shares of RAM and flash that they need, 0 to 1.
    pub hypervolume: f64,
    /// The recommended data configuration, in words; empty if nothing met the limits.
    pub data: String,
}

/// What was compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The examples, as the user named them.
    pub source: String,
    /// The board, in words.
    pub board: String,
    /// The machine's threads that were computed with.
    pub threads: usize,
    /// Version of danas.
    pub version: String,
    /// Every search.
    pub searches: Vec<Search>,
}

/// A comparison for people.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparisonPage {
    /// Markdown; refers to the chart by the name it was given.
    pub page: String,
    /// An SVG file.
    pub chart: String,
}

impl Comparison {
    /// Tables, what they say, and a picture, which the page looks for under the name `chart`.
    pub fn page(&self, chart: &str) -> ComparisonPage {
        let cells = self.cells();
        ComparisonPage {
            page: page::text(self, &cells, chart),
            chart: chart::draw(&cells).to_string(),
        }
    }

    /// The searches by limits and time, in their order.
    fn cells(&self) -> Vec<Cell<'_>> {
        let mut cells = Vec::<Cell<'_>>::new();
        for search in &self.searches {
            let place = cells
                .iter()
                .position(|cell| cell.limits == search.limits && cell.time == search.time);
            let place = place.unwrap_or_else(|| {
                cells.push(Cell {
                    limits: &search.limits,
                    time: &search.time,
                    seconds: search.seconds,
                    rows: Vec::new(),
                });
                cells.len() - 1
            });
            let rows = &mut cells[place].rows;
            match rows.iter_mut().find(|row| row.method == search.method) {
                Some(row) => row.searches.push(search),
                None => rows.push(Row {
                    method: &search.method,
                    fixed: search.fixed,
                    searches: vec![search],
                }),
            }
        }
        cells
    }
}

/// The searches under the same limits and for the same time.
struct Cell<'a> {
    limits: &'a str,
    time: &'a str,
    seconds: f64,
    rows: Vec<Row<'a>>,
}

/// The searches of a method.
struct Row<'a> {
    method: &'a str,
    fixed: bool,
    searches: Vec<&'a Search>,
}

impl<'a> Cell<'a> {
    /// The fixed data configuration that was best on the test split: known only in hindsight.
    fn best_fixed(&self) -> Option<&Row<'a>> {
        let fixed = self.rows.iter().filter(|row| row.fixed);
        let known = fixed.filter_map(|row| Some((row, row.accuracy()?.0)));
        known
            .max_by(|(_, a), (_, b)| a.total_cmp(b))
            .map(|(row, _)| row)
    }
}

impl Row<'_> {
    /// The accuracies of the seeds that found anything.
    fn accuracies(&self) -> Vec<f64> {
        self.searches.iter().filter_map(|s| s.accuracy).collect()
    }

    /// Mean accuracy, and half the width of the interval of the mean where there are two seeds or more; `None` if a seed
    /// found nothing.
    fn accuracy(&self) -> Option<(f64, Option<f64>)> {
        let accuracies = self.accuracies();
        (accuracies.len() == self.searches.len()).then(|| mean_interval(&accuracies))?
    }

    /// The mean of this method's accuracies minus the other's on the same seeds, with half the width of its interval.
    fn advantage(&self, other: &Row<'_>) -> Option<(f64, Option<f64>)> {
        let difference = |own: &&Search| {
            let same_seed = other.searches.iter().find(|s| s.seed == own.seed)?;
            Some(own.accuracy? - same_seed.accuracy?)
        };
        let differences: Vec<f64> = self.searches.iter().filter_map(difference).collect();
        mean_interval(&differences)
    }

    fn hypervolume(&self) -> f64 {
        let sum: f64 = self.searches.iter().map(|s| s.hypervolume).sum();
        sum / self.searches.len().max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(method: &str, seed: u64, accuracy: Option<f64>) -> Search {
        Search {
            limits: "256KiB/1MiB".into(),
            time: "10m".into(),
            seconds: 600.0,
            method: method.into(),
            fixed: method.starts_with("fixed"),
            seed,
            accuracy,
            hypervolume: 0.5,
            data: "96x96 rgb".into(),
        }
    }

    fn comparison(searched: [f64; 3], fixed: [f64; 3]) -> Comparison {
        let mut searches = Vec::new();
        for seed in 0..3 {
            searches.push(search("searched", seed, Some(searched[seed as usize])));
            searches.push(search("fixed 96x96 rgb", seed, Some(fixed[seed as usize])));
            searches.push(search("fixed 32x32 mono", seed, Some(0.5)));
            searches.push(search("fixed 224x224 rgb", seed, None));
        }
        Comparison {
            source: "photos".into(),
            board: "a board".into(),
            threads: 2,
            version: "0.1.0".into(),
            searches,
        }
    }

    #[test]
    fn a_win_is_called_so_only_where_the_interval_says_so() {
        let clear = comparison([0.95, 0.96, 0.95], [0.90, 0.905, 0.90]).page("chart.svg");
        assert!(clear.page.contains("wins"), "{}", clear.page);
        let lost = comparison([0.90, 0.905, 0.90], [0.95, 0.96, 0.95]).page("chart.svg");
        assert!(lost.page.contains("**loses**"), "{}", lost.page);
        let tie = comparison([0.95, 0.90, 0.93], [0.92, 0.94, 0.91]).page("chart.svg");
        assert!(tie.page.contains("a tie"), "{}", tie.page);
        for page in [clear, lost, tie] {
            assert!(page.page.contains("chart.svg"));
            assert!(page.page.contains("nothing fits"));
            assert!(
                page.page
                    .contains("fixed 96x96 rgb (best fixed, in hindsight)")
            );
            assert!(page.chart.starts_with("<svg") && page.chart.contains("</svg>"));
            assert!(!page.page.contains("NaN") && !page.chart.contains("NaN"));
        }
    }

    #[test]
    fn one_seed_has_no_interval_and_no_verdict() {
        let mut one = comparison([0.95; 3], [0.9; 3]);
        one.searches.retain(|search| search.seed == 0);
        let page = one.page("chart.svg");
        assert!(page.page.contains("one seed"), "{}", page.page);
        let mut rows = page.page.lines().filter(|line| line.starts_with('|'));
        assert!(!rows.any(|row| row.contains('±')), "{}", page.page);
        let nothing = Comparison {
            searches: Vec::new(),
            ..one
        };
        assert!(nothing.page("chart.svg").page.contains("No search"));
    }
}
