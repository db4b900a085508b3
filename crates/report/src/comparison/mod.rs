//! The page about a comparison: ways to search, under several limits and for several times, over seeds.

mod chart;
mod claims;
mod page;
mod panels;
mod quality;

use danas_measure::mean_interval;

/// A search of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// The limits, in words.
    pub limits: String,
    /// The time that it was given, in words.
    pub time: String,
    /// The same in seconds.
    pub seconds: f64,
    /// Seconds of the same clock that it took, from loading to the report.
    pub took: f64,
    /// How was searched, in words.
    pub method: String,
    /// What the method is in the comparison.
    pub role: Role,
    /// The seed.
    pub seed: u64,
    /// What the recommended int8 file reaches in the comparison's measure on the test split, 0 to 1; `None` if nothing met the
    /// limits.
    pub accuracy: Option<f64>,
    /// The same on the validation split.
    pub validation: Option<f64>,
    /// Seconds of the search's clock at which a candidate within the limits got a better score than all before, with the
    /// score (the measure on validation with the weights at hand, 0 to 1); both ascending.
    pub progress: Vec<(f64, f64)>,
    /// Of the finished files, over test error and the shares of RAM and flash that they need, 0 to 1.
    pub hypervolume: f64,
    /// The recommended data configuration, in words; empty if nothing met the limits.
    pub data: String,
}

/// What a method is in a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// What the others are held against: data configuration and network searched together, as the program does by itself.
    Searched,
    /// The network alone is searched, with this data configuration.
    Fixed,
    /// Another way to search both.
    Baseline,
    /// No search: a network that others have designed, trained for the whole time.
    Network,
}

impl Role {
    /// What it means, in words, that a method has no result.
    pub fn nothing(self) -> &'static str {
        match self {
            Role::Network => "does not fit",
            Role::Searched | Role::Fixed | Role::Baseline => "nothing fits",
        }
    }
}

/// What was compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The examples, as the user named them.
    pub source: String,
    /// The board, in words.
    pub board: String,
    /// What the time of the searches is, in words: for example `2 threads`.
    pub clock: String,
    /// What is measured, in words: `accuracy`, `balanced accuracy`, `F1 of person`.
    pub measure: String,
    /// Version of danas.
    pub version: String,
    /// Every search.
    pub searches: Vec<Search>,
}

/// A comparison for people.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparisonPage {
    /// Markdown; refers to the pictures by the names they were given.
    pub page: String,
    /// An SVG file: accuracy against the time of the searches.
    pub chart: String,
    /// An SVG file: the best score against the time within the searches.
    pub quality: String,
}

impl Comparison {
    /// Tables, what they say, and two pictures, which the page looks for under the names `chart` and `quality`.
    pub fn page(&self, chart: &str, quality: &str) -> ComparisonPage {
        let cells = self.cells();
        ComparisonPage {
            page: page::text(self, &cells, [chart, quality]),
            chart: chart::draw(&cells, &self.measure).to_string(),
            quality: quality::draw(&cells, &self.measure).to_string(),
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
                    role: search.role,
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
    role: Role,
    searches: Vec<&'a Search>,
}

impl<'a> Cell<'a> {
    fn minutes(&self) -> f64 {
        self.seconds / 60.0
    }

    /// The searches of a method.
    fn row(&self, method: &str) -> Option<&Row<'a>> {
        self.rows.iter().find(|row| row.method == method)
    }

    /// The searches that the others are held against.
    fn searched(&self) -> Option<&Row<'a>> {
        self.rows.iter().find(|row| row.role == Role::Searched)
    }

    /// The fixed data configuration that was best on the test split: known only in hindsight.
    fn best_fixed(&self) -> Option<&Row<'a>> {
        let fixed = self.rows.iter().filter(|row| row.role == Role::Fixed);
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

    /// Mean hypervolume, and half the width of the interval of the mean where there are two seeds or more.
    fn hypervolume(&self) -> Option<(f64, Option<f64>)> {
        let volumes: Vec<f64> = self.searches.iter().map(|s| s.hypervolume).collect();
        mean_interval(&volumes)
    }

    /// Mean seconds that a search took.
    fn took(&self) -> Option<f64> {
        self.mean(|search| Some(search.took))
    }

    /// Mean validation accuracy of the recommended files; `None` if a seed found nothing.
    fn validation(&self) -> Option<f64> {
        self.mean(|search| search.validation)
    }

    /// The mean of a number of every search; `None` if one of them has none.
    fn mean(&self, of: impl Fn(&Search) -> Option<f64>) -> Option<f64> {
        let values: Vec<f64> = (self.searches.iter())
            .map(|search| of(search))
            .collect::<Option<_>>()?;
        mean_interval(&values).map(|(mean, _)| mean)
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
            took: 590.0,
            method: method.into(),
            role: match method {
                "searched" => Role::Searched,
                "separate" => Role::Baseline,
                "MobileNetV2" => Role::Network,
                _ => Role::Fixed,
            },
            seed,
            accuracy,
            validation: accuracy,
            progress: vec![(60.0 + seed as f64, 0.6), (300.0, 0.8)],
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
            clock: "2 threads".into(),
            measure: "accuracy".into(),
            version: "0.1.0".into(),
            searches,
        }
    }

    #[test]
    fn a_win_is_called_so_only_where_the_interval_says_so() {
        let clear =
            comparison([0.95, 0.96, 0.95], [0.90, 0.905, 0.90]).page("chart.svg", "quality.svg");
        assert!(clear.page.contains("wins"), "{}", clear.page);
        let lost =
            comparison([0.90, 0.905, 0.90], [0.95, 0.96, 0.95]).page("chart.svg", "quality.svg");
        assert!(lost.page.contains("**loses**"), "{}", lost.page);
        let tie =
            comparison([0.95, 0.90, 0.93], [0.92, 0.94, 0.91]).page("chart.svg", "quality.svg");
        assert!(tie.page.contains("a tie"), "{}", tie.page);
        for page in [clear, lost, tie] {
            assert!(page.page.contains("chart.svg") && page.page.contains("quality.svg"));
            assert!(!page.quality.contains("NaN") && page.quality.contains("stroke"));
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
    fn a_row_tells_how_far_the_method_is_behind_and_what_it_took() {
        let page = comparison([0.95, 0.96, 0.95], [0.90, 0.91, 0.90]).page("", "");
        let row = |start: &str| {
            let mut lines = page.page.lines();
            lines
                .find(|line| line.starts_with(start))
                .unwrap()
                .to_owned()
        };
        let of = |start| {
            row(start)
                .split('|')
                .map(|cell| cell.trim().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(of("| searched")[4], "");
        assert_eq!(of("| fixed 96x96")[4], "5.0 ± 0.0");
        assert_eq!(of("| fixed 224x224")[4], "");
        assert_eq!(of("| searched")[6], "9\u{a0}min\u{a0}50\u{a0}s");
    }

    #[test]
    fn a_standard_network_is_held_against_or_does_not_fit() {
        let with = |reached: [Option<f64>; 3]| {
            let mut whole = comparison([0.95, 0.96, 0.95], [0.9; 3]);
            let seeds = reached.into_iter().enumerate();
            (whole.searches)
                .extend(seeds.map(|(seed, reached)| search("MobileNetV2", seed as u64, reached)));
            whole.measure = "balanced accuracy".into();
            whole.page("chart.svg", "quality.svg")
        };
        let beaten = with([Some(0.9), Some(0.91), Some(0.9)]);
        let sentence = "`searched` against `MobileNetV2`: +5.0 points ± 0.0: it wins.";
        assert!(beaten.page.contains(sentence), "{}", beaten.page);
        assert!(
            beaten
                .page
                .contains("| int8 test balanced accuracy, mean |")
        );
        assert!(beaten.chart.contains("int8 test balanced accuracy, %"));
        let too_large = with([None; 3]).page;
        assert!(
            too_large.contains("`MobileNetV2` does not fit."),
            "{too_large}"
        );
        assert!(
            too_large.contains("| MobileNetV2 | – | does not fit, does not fit, does not fit |")
        );
        // Nothing is said of a search that nobody asked for.
        let mut alone = comparison([0.9; 3], [0.9; 3]);
        alone.searches = vec![search("MobileNetV2", 0, Some(0.9))];
        let page = alone.page("", "").page;
        assert!(page.contains("\n`MobileNetV2` fits.\n"), "{page}");
    }

    #[test]
    fn nothing_is_said_of_fixed_data_where_none_was_tried() {
        let mut without = comparison([0.95; 3], [0.9; 3]);
        assert!(without.page("", "").page.contains("the best fixed one"));
        (without.searches).retain(|search| search.role != Role::Fixed);
        let page = without.page("", "").page;
        assert!(page.contains("| searched | 95.0"), "{page}");
        assert!(!page.contains("fixed"), "{page}");
    }

    #[test]
    fn one_seed_has_no_interval_and_no_verdict() {
        let mut one = comparison([0.95; 3], [0.9; 3]);
        one.searches.retain(|search| search.seed == 0);
        let page = one.page("chart.svg", "quality.svg");
        assert!(page.page.contains("one seed"), "{}", page.page);
        let mut rows = page.page.lines().filter(|line| line.starts_with('|'));
        assert!(!rows.any(|row| row.contains('±')), "{}", page.page);
        let nothing = Comparison {
            searches: Vec::new(),
            ..one
        };
        assert!(
            nothing
                .page("chart.svg", "quality.svg")
                .page
                .contains("No search")
        );
    }

    #[test]
    fn what_is_won_in_less_time_is_reckoned_from_the_means() {
        let at = |method: &str, seconds: f64, accuracies: [f64; 2]| {
            let seeds = accuracies.into_iter().enumerate();
            let searches = seeds.map(move |(seed, accuracy)| Search {
                time: format!("{} min", seconds / 60.0),
                seconds,
                ..search(method, seed as u64, Some(accuracy))
            });
            searches.collect::<Vec<_>>()
        };
        let page = |searches: [Vec<Search>; 4]| {
            let whole = Comparison {
                searches: searches.concat(),
                ..comparison([0.9; 3], [0.8; 3])
            };
            whole.page("chart.svg", "quality.svg").page
        };
        let tenth = page([
            at("searched", 60.0, [0.91, 0.93]),
            at("separate", 60.0, [0.7, 0.7]),
            at("searched", 600.0, [0.95, 0.96]),
            at("separate", 600.0, [0.9, 0.92]),
        ]);
        assert!(tenth.contains("0.10 of the time"), "{tenth}");
        let never = page([
            at("searched", 60.0, [0.81, 0.83]),
            at("separate", 60.0, [0.7, 0.7]),
            at("searched", 600.0, [0.85, 0.86]),
            at("separate", 600.0, [0.9, 0.92]),
        ]);
        assert!(never.contains("**never**"), "{never}");
    }

    #[test]
    fn scores_are_averaged_from_when_all_seeds_have_one() {
        let comparison = comparison([0.9; 3], [0.8; 3]);
        let cells = comparison.cells();
        let progress = cells[0].rows[0].progress();
        let times: Vec<f64> = progress.iter().map(|(seconds, _)| *seconds).collect();
        assert_eq!(times, [62.0, 300.0]);
        assert!((progress[0].1 - 0.6).abs() < 1e-12 && (progress[1].1 - 0.8).abs() < 1e-12);
    }

    #[test]
    fn cells_are_counted_by_who_wins() {
        let lost = comparison([0.90, 0.905, 0.90], [0.95, 0.96, 0.95]);
        let page = lost.page("chart.svg", "quality.svg").page;
        assert!(page.contains("wins 0 of 1"), "{page}");
        assert!(page.contains("loses 1"), "{page}");
    }
}
