//! Lists within messages.

use crate::catalogue::SkippedFile;
use crate::readers::Dropped;

/// What there is of classes, where there should be two.
pub(super) fn found_classes(found: &[String]) -> String {
    match found {
        [] => "no class folder".to_owned(),
        names => format!("only the class {}", list(names)),
    }
}

/// Names in quotes, at most a dozen.
pub(super) fn list(names: &[String]) -> String {
    const SHOWN: usize = 12;
    let mut text = names
        .iter()
        .take(SHOWN)
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}

/// What was left out, a line each.
pub(super) fn lines(dropped: &[Dropped]) -> String {
    let lines = dropped.iter().map(|dropped| format!("\n  {dropped}"));
    lines.collect()
}

/// Some of the files that cannot be used, a line each.
pub(super) fn first_few(skipped: &[SkippedFile]) -> String {
    const SHOWN: usize = 5;
    let mut text = String::new();
    for file in skipped.iter().take(SHOWN) {
        text.push_str(&format!("\n  {file}"));
    }
    if skipped.len() > SHOWN {
        text.push_str(&format!("\n  and {} more", skipped.len() - SHOWN));
    }
    text
}
