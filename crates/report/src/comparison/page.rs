//! A comparison as Markdown.

use std::fmt::Write as _;

use super::claims::{Difference, Lead, Tally, Verdict, leads};
use super::{Cell, Comparison, Row};

/// The whole page; the two pictures are found under these names.
pub(super) fn text(
    comparison: &Comparison,
    cells: &[Cell<'_>],
    [chart, quality]: [&str; 2],
) -> String {
    let mut page = format!(
        "# Searching data and network together: {}\n\n\
         Made by `danas compare` {} for {}; time is that of {}. Accuracies are those of the recommended int8 file on the \
         test split; ± is half the 95 % interval of the mean over seeds (Student's t). Differences are taken seed by seed. \
         The hypervolume is that of the finished files, over test error and the shares of the allowed RAM and flash that they \
         need: 1 would be no error at no cost.\n",
        comparison.source, comparison.version, comparison.board, comparison.clock
    );
    if cells.is_empty() {
        page.push_str("\nNo search is finished yet.\n");
        return page;
    }
    page.push_str(&tally(cells));
    let _ = write!(page, "\n![Accuracy against time]({chart})\n");
    for cell in cells {
        let _ = write!(page, "\n## {} of RAM/flash, {}\n\n", cell.limits, cell.time);
        page.push_str(&table(cell));
        let _ = write!(page, "\n{}\n", verdict(cell));
    }
    page.push_str(&quality_section(cells, quality));
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
fn quality_section(cells: &[Cell<'_>], quality: &str) -> String {
    let mut text = format!(
        "\n## Quality per minute\n\n![Validation accuracy against time]({quality})\n\n\
         Lines: the best score so far in the longest searches, mean over the seeds. A score is the validation accuracy that a \
         candidate has in the search: with a supernet's weights as they are, or after the short training that a method without \
         shared weights gives it. It is no accuracy of a finished model, and scores of different methods are different things. \
         Dots: validation accuracy of the recommended int8 file at the end of searches of that time, mean over the seeds. Both are \
         of models chosen on these very pictures, and so a little high; the table's accuracies are not.\n"
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

fn table(cell: &Cell<'_>) -> String {
    let mut table = String::from(
        "| method | int8 test accuracy, mean | by seed | hypervolume | recommended inputs |\n|---|---|---|---|---|\n",
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
            "| {}{mark} | {} | {} | {} | {} |",
            row.method,
            with_interval(row.accuracy(), 100.0, 1, " %"),
            by_seed(row),
            with_interval(row.hypervolume(), 1.0, 3, ""),
            inputs.join(", ")
        );
    }
    table
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
        None => "nothing fits".to_owned(),
    });
    seeds.collect::<Vec<_>>().join(", ")
}

/// Whether searching the data configuration was worth it.
fn verdict(cell: &Cell<'_>) -> String {
    let (Some(searched), Some(fixed)) = (cell.searched(), cell.best_fixed()) else {
        return "There is no fixed data configuration that always fits to compare with.".to_owned();
    };
    let Some(difference) = Difference::of(searched, fixed) else {
        return format!(
            "`{}` and the best fixed data configuration have no seed in common that found anything.",
            searched.method
        );
    };
    let points = format!("{:+.1} points", 100.0 * difference.mean);
    let interval = difference.half.unwrap_or(0.0) * 100.0;
    let words = match difference.verdict {
        Verdict::OneSeed => format!("{points}, from one seed, which decides nothing"),
        Verdict::Wins => format!("{points} ± {interval:.1}: it wins"),
        Verdict::Loses => format!("{points} ± {interval:.1}: it **loses**"),
        Verdict::Ties => format!("{points} ± {interval:.1}: a tie"),
    };
    format!("`{}` against the best fixed one: {words}.", searched.method)
}
