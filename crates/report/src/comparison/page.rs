//! A comparison as Markdown.

use std::fmt::Write as _;

use super::claims::{Difference, Lead, Tally, Verdict, leads};
use super::{Cell, Comparison, Role, Row};
use crate::format::seconds;

/// The whole page; the two pictures are found under these names.
pub(super) fn text(
    comparison: &Comparison,
    cells: &[Cell<'_>],
    [chart, quality]: [&str; 2],
) -> String {
    let mut page = format!(
        "# Searching data and network together: {}\n\n\
         Made by `danas compare` {} for {}; time is that of {}. What is measured is the {} of the recommended int8 file on the \
         test split; ± is half the 95 % interval of the mean over seeds (Student's t). Differences are taken seed by seed. \
         The hypervolume is that of the finished files, over what they lack of a perfect measure and the shares of the allowed RAM and flash that they \
         need: 1 would be no error at no cost. What a search took is the mean over seeds, from loading to its report.\n",
        comparison.source,
        comparison.version,
        comparison.board,
        comparison.clock,
        comparison.measure
    );
    if cells.is_empty() {
        page.push_str("\nNo search is finished yet.\n");
        return page;
    }
    page.push_str(&tally(cells));
    let _ = write!(page, "\n![The measure against time]({chart})\n");
    for cell in cells {
        let _ = write!(page, "\n## {} of RAM/flash, {}\n\n", cell.limits, cell.time);
        page.push_str(&table(cell, &comparison.measure));
        if let Some(verdict) = verdict(cell) {
            let _ = write!(page, "\n{verdict}\n");
        }
        for network in cell.rows.iter().filter(|row| row.role == Role::Network) {
            let _ = write!(page, "\n{}\n", against_network(cell, network));
        }
    }
    page.push_str(&quality_section(cells, &comparison.measure, quality));
    page
}

/// In how many cells searching both wins.
fn tally(cells: &[Cell<'_>]) -> String {
    let tally = Tally::of(cells);
    let undecided = tally.cells - tally.wins - tally.loses - tally.ties;
    if tally.cells == 0 {
        return String::new();
    }
    let undecided = match undecided {
        0 => String::new(),
        cells => format!("; {cells} have one seed, which decides nothing"),
    };
    format!(
        "\nSearching data and network together wins {} of {} cells against the fixed data configuration that is best there in \
         hindsight, loses {} and ties in {}{undecided}.\n",
        tally.wins, tally.cells, tally.loses, tally.ties
    )
}

/// How soon what is known.
fn quality_section(cells: &[Cell<'_>], measure: &str, quality: &str) -> String {
    let mut text = format!(
        "\n## Quality per minute\n\n![Validation accuracy against time]({quality})\n\n\
         Lines: the best score so far in the longest searches, mean over the seeds. A score is the validation {measure} that a \
         candidate has in the search: with a supernet's weights as they are, or after the short training that a method without \
         shared weights gives it. It says nothing of a finished model, and scores of different methods are different things. \
         Dots: validation {measure} of the recommended int8 file at the end of searches of that time, mean over the seeds. Both are \
         of models chosen on these very pictures, and so a little high; what the tables say is not.\n"
    );
    for lead in leads(cells) {
        let _ = write!(text, "\n{}\n", sentence(&lead));
    }
    text
}

/// In which part of the time searching both reaches what another method reaches in all of it.
fn sentence(lead: &Lead<'_, '_>) -> String {
    let (cell, row, accuracy) = lead.other;
    let theirs = format!(
        "what `{}` reaches in {} ({:.1} %, mean of {})",
        row.method,
        cell.time,
        100.0 * accuracy,
        seeds(row)
    );
    match lead.reached {
        Some((own, mean)) => format!(
            "Under {}, `{}` reaches {theirs} in {}, which is {:.2} of the time, with {:.1} %.",
            lead.limits,
            lead.searched,
            own.time,
            own.seconds / cell.seconds,
            100.0 * mean
        ),
        None => format!(
            "Under {}, `{}` **never** reaches {theirs} in the times that were tried.",
            lead.limits, lead.searched
        ),
    }
}

fn seeds(row: &Row<'_>) -> String {
    match row.searches.len() {
        1 => "one seed".to_owned(),
        count => format!("{count} seeds"),
    }
}

fn table(cell: &Cell<'_>, measure: &str) -> String {
    let held_against = cell.searched();
    let (ahead_by, rule) = match held_against {
        Some(searched) => (format!(" `{}` is ahead by |", searched.method), "---|"),
        None => (String::new(), ""),
    };
    let mut table = format!(
        "| method | int8 test {measure}, mean | by seed |{ahead_by} hypervolume | took | recommended inputs |\n\
         |---|---|---|{rule}---|---|---|\n",
    );
    let best = cell.best_fixed().map(|row| row.method);
    for row in &cell.rows {
        let mark = if best == Some(row.method) {
            " (best fixed, in hindsight)"
        } else {
            ""
        };
        let mut inputs: Vec<&str> = row.searches.iter().map(|s| s.data.as_str()).collect();
        inputs.dedup();
        let _ = writeln!(
            table,
            "| {}{mark} | {} | {} |{} {} | {} | {} |",
            row.method,
            with_interval(row.accuracy(), 100.0, 1, " %"),
            by_seed(row),
            held_against.map_or_else(String::new, |searched| ahead(searched, row)),
            with_interval(row.hypervolume(), 1.0, 3, ""),
            row.took().map_or_else(String::new, seconds),
            inputs.join(", ")
        );
    }
    table
}

/// A field of the table: by how many points the searches that the others are held against are better than these; empty
/// for themselves.
fn ahead(searched: &Row<'_>, row: &Row<'_>) -> String {
    let difference = (row.role != Role::Searched).then(|| searched.advantage(row));
    match difference.flatten() {
        Some(difference) => format!(" {} |", with_interval(Some(difference), 100.0, 1, "")),
        None => "  |".to_string(),
    }
}

/// A mean with half its interval, where there is one.
fn with_interval(
    mean: Option<(f64, Option<f64>)>,
    scale: f64,
    decimals: usize,
    unit: &str,
) -> String {
    match mean {
        Some((mean, Some(half))) => {
            let (mean, half) = (scale * mean, scale * half);
            format!("{mean:.decimals$} ± {half:.decimals$}{unit}")
        }
        Some((mean, None)) => format!("{:.decimals$}{unit}", scale * mean),
        None => "–".to_owned(),
    }
}

fn by_seed(row: &Row<'_>) -> String {
    let seeds = row.searches.iter().map(|search| match search.accuracy {
        Some(accuracy) => format!("{:.1}", 100.0 * accuracy),
        None => search.role.nothing().to_owned(),
    });
    seeds.collect::<Vec<_>>().join(", ")
}

/// Whether searching the data configuration was worth it; `None` where no fixed one was tried.
fn verdict(cell: &Cell<'_>) -> Option<String> {
    let tried = cell.rows.iter().any(|row| row.role == Role::Fixed);
    tried.then(|| against_fixed(cell))
}

fn against_fixed(cell: &Cell<'_>) -> String {
    let (Some(searched), Some(fixed)) = (cell.searched(), cell.best_fixed()) else {
        return "There is no fixed data configuration that always fits to compare with.".to_owned();
    };
    match Difference::of(searched, fixed) {
        Some(difference) => format!(
            "`{}` against the best fixed one: {}.",
            searched.method,
            words(&difference)
        ),
        None => format!(
            "`{}` and the best fixed data configuration have no seed in common that found anything.",
            searched.method
        ),
    }
}

/// Whether searching was worth it against a network of others.
fn against_network(cell: &Cell<'_>, network: &Row<'_>) -> String {
    let name = network.method;
    if network.accuracies().is_empty() {
        return format!("`{name}` does not fit.");
    }
    let Some(searched) = cell.searched() else {
        return format!("`{name}` fits.");
    };
    match Difference::of(searched, network) {
        Some(difference) => format!(
            "`{}` against `{name}`: {}.",
            searched.method,
            words(&difference)
        ),
        None => format!("`{name}` fits; no search found anything."),
    }
}

/// A difference, and what it means.
fn words(difference: &Difference) -> String {
    let points = format!("{:+.1} points", 100.0 * difference.mean);
    let interval = difference.half.unwrap_or(0.0) * 100.0;
    match difference.verdict {
        Verdict::OneSeed => format!("{points}, from one seed, which decides nothing"),
        Verdict::Wins => format!("{points} ± {interval:.1}: it wins"),
        Verdict::Loses => format!("{points} ± {interval:.1}: it **loses**"),
        Verdict::Ties => format!("{points} ± {interval:.1}: a tie"),
    }
}
