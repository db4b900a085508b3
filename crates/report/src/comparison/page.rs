//! A comparison as Markdown.

use std::fmt::Write as _;

use super::{Cell, Comparison, Row};

/// The whole page.
pub(super) fn text(comparison: &Comparison, cells: &[Cell<'_>], chart: &str) -> String {
    let mut page = format!(
        "# Searching data and network together: {}\n\n\
         Made by `danas compare` {} for {} with {} threads. Accuracies are those of the recommended int8 file on the test \
         split; ± is half the 95 % interval of the mean over seeds (Student's t). Differences are taken seed by seed. \
         The hypervolume is that of the finished files, over test error and the shares of the allowed RAM and flash that they \
         need: 1 would be no error at no cost.\n",
        comparison.source, comparison.version, comparison.board, comparison.threads
    );
    if cells.is_empty() {
        page.push_str("\nNo search is finished yet.\n");
        return page;
    }
    let _ = write!(page, "\n![Accuracy against time]({chart})\n");
    for cell in cells {
        let _ = write!(page, "\n## {} of RAM/flash, {}\n\n", cell.limits, cell.time);
        page.push_str(&table(cell));
        let _ = write!(page, "\n{}\n", verdict(cell));
    }
    page
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
            "| {}{mark} | {} | {} | {:.3} | {} |",
            row.method,
            mean(row),
            by_seed(row),
            row.hypervolume(),
            inputs.join(", ")
        );
    }
    table
}

fn mean(row: &Row<'_>) -> String {
    match row.accuracy() {
        Some((mean, Some(half))) => format!("{:.1} ± {:.1} %", 100.0 * mean, 100.0 * half),
        Some((mean, None)) => format!("{:.1} %", 100.0 * mean),
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
    let searched = cell.rows.iter().find(|row| !row.fixed);
    let (Some(searched), Some(fixed)) = (searched, cell.best_fixed()) else {
        return "There is no fixed data configuration that always fits to compare with.".to_owned();
    };
    let Some((difference, half)) = searched.advantage(fixed) else {
        return format!(
            "`{}` and the best fixed data configuration have no seed in common that found anything.",
            searched.method
        );
    };
    let points = format!("{:+.1} points", 100.0 * difference);
    match half {
        None => format!(
            "`{}` against the best fixed one: {points}, from one seed, which decides nothing.",
            searched.method
        ),
        Some(half) => {
            let word = match difference {
                d if d > half => "it wins",
                d if d < -half => "it **loses**",
                _ => "a tie",
            };
            format!(
                "`{}` against the best fixed one: {points} ± {:.1}: {word}.",
                searched.method,
                100.0 * half
            )
        }
    }
}
