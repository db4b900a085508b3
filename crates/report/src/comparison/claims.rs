//! What a comparison says, reckoned from its cells.

use super::{Cell, Role, Row};

/// What became of searching the data configuration too, against the best fixed one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Verdict {
    /// Better by more than the interval.
    Wins,
    /// Worse by more than the interval.
    Loses,
    /// The interval holds zero.
    Ties,
    /// There is one seed, which has no interval.
    OneSeed,
}

/// A difference of accuracies, and what it means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Difference {
    pub(super) verdict: Verdict,
    /// Mean over the seeds, 0 to 1.
    pub(super) mean: f64,
    /// Half the width of its interval.
    pub(super) half: Option<f64>,
}

impl Difference {
    /// That of a method to another on the same seeds; `None` where no seed found anything with both.
    pub(super) fn of(row: &Row<'_>, other: &Row<'_>) -> Option<Self> {
        let (mean, half) = row.advantage(other)?;
        let verdict = match half {
            None => Verdict::OneSeed,
            Some(half) if mean > half => Verdict::Wins,
            Some(half) if mean < -half => Verdict::Loses,
            Some(_) => Verdict::Ties,
        };
        Some(Difference {
            verdict,
            mean,
            half,
        })
    }
}

/// In how many cells searching the data configuration wins, loses and ties against the best fixed one, of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    pub(super) wins: usize,
    pub(super) loses: usize,
    pub(super) ties: usize,
    pub(super) cells: usize,
}

impl Tally {
    /// Of the cells in which there is anything to hold it against.
    pub(super) fn of(cells: &[Cell<'_>]) -> Self {
        let mut tally = Tally::default();
        for cell in cells {
            let pair = cell.searched().zip(cell.best_fixed());
            let Some(difference) = pair.and_then(|(row, fixed)| Difference::of(row, fixed)) else {
                continue;
            };
            tally.cells += 1;
            match difference.verdict {
                Verdict::Wins => tally.wins += 1,
                Verdict::Loses => tally.loses += 1,
                Verdict::Ties => tally.ties += 1,
                Verdict::OneSeed => {}
            }
        }
        tally
    }
}

/// A method's accuracy in its longest searches, and the shortest time in which searching both reaches it.
pub(super) struct Lead<'c, 'a> {
    /// The limits.
    pub(super) limits: &'a str,
    /// The other method's longest searches.
    pub(super) other: (&'c Cell<'a>, &'c Row<'a>, f64),
    /// The name of the method that is held against it.
    pub(super) searched: &'a str,
    /// The first of its times in which it is as accurate on average, and its accuracy then.
    pub(super) reached: Option<(&'c Cell<'a>, f64)>,
}

/// The leads over all baselines, limit by limit.
pub(super) fn leads<'c, 'a>(cells: &'c [Cell<'a>]) -> Vec<Lead<'c, 'a>> {
    let mut leads: Vec<Lead<'c, 'a>> = Vec::new();
    let mut by_time: Vec<&Cell<'a>> = cells.iter().collect();
    by_time.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    for cell in &by_time {
        for row in cell.rows.iter().filter(|row| row.role == Role::Baseline) {
            let known = |lead: &Lead<'_, '_>| {
                lead.limits == cell.limits && lead.other.1.method == row.method
            };
            let (Some((accuracy, _)), Some(searched), false) =
                (row.accuracy(), cell.searched(), leads.iter().any(known))
            else {
                continue;
            };
            let shortest_first = by_time.iter().rev();
            let of_limits = shortest_first.filter(|other| other.limits == cell.limits);
            let mut means = of_limits.filter_map(|other| {
                let (mean, _) = other.searched()?.accuracy()?;
                Some((*other, mean))
            });
            leads.push(Lead {
                limits: cell.limits,
                other: (cell, row, accuracy),
                searched: searched.method,
                reached: means.find(|(_, mean)| *mean >= accuracy),
            });
        }
    }
    leads
}
