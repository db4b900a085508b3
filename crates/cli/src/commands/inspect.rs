//! `danas inspect`.

use std::collections::BTreeSet;
use std::path::Path;

use danas_data::{
    ColumnCount, DuplicateFile, Duplicates, Inspection, LoadEvent, PreparedSet, ReadLimits, Sizes,
    holds_examples, inspect as look,
};

use crate::args::InspectCommand;
use crate::commands::inspect_model::inspect_model;
use crate::commands::prepare;
use crate::message::{Outcome, Status, from_data};
use crate::output::{self, Table, plural};
use crate::pipeline::Found;
use crate::progress::Screen;

/// Groups of equal files and skipped files that are named; `--json` has all.
const MOST_NAMED: usize = 10;

/// Shows what is at a source of examples, or in a model's file.
pub(crate) fn inspect(command: &InspectCommand) -> Outcome<Status> {
    let path = Path::new(&command.data);
    if path.is_file() && !holds_examples(path) {
        return inspect_model(command);
    }
    let source = command.data.parse().map_err(from_data)?;
    let catalogue = match Found::at(&source, &command.reading.scan_options(command.seed))? {
        Found::Listed(catalogue) => catalogue,
        Found::Prepared(set) => return inspect_prepared(&set, command.json),
    };
    let task = Screen::new(command.json).task("pictures", "pictures");
    let told = |event: LoadEvent<'_>| {
        if let LoadEvent::Decoded { done, total } = event {
            task.update(done as f64 / total.max(1) as f64, done as u64, String::new);
        }
    };
    let inspection = look(&catalogue, &ReadLimits::default(), &told).map_err(from_data)?;
    drop(task);
    if command.json {
        output::print_json(&inspection)?;
    } else {
        output::print(&text(&inspection))?;
    }
    // A source that a search would refuse is wrong input here as well, but shown first.
    Ok(if inspection.refused.is_some() {
        Status::Input
    } else {
        Status::Done
    })
}

/// Shows what is in a prepared folder, and checks every pixel of it.
fn inspect_prepared(set: &PreparedSet, json: bool) -> Outcome<Status> {
    let task = Screen::new(json).task("pictures", "pictures");
    let told = |done: usize, total: usize| {
        task.update(done as f64 / total.max(1) as f64, done as u64, String::new);
    };
    set.verify(&told).map_err(from_data)?;
    task.finish("all pixels are as they were written");
    if json {
        output::print_json(&prepare::Json::of(set))?;
    } else {
        output::print(&prepare::text(set))?;
    }
    Ok(Status::Done)
}

fn text(inspection: &Inspection) -> String {
    let table = prepare::classes(&inspection.counts);
    let survey = &inspection.survey;
    let mut text = format!(
        "{}: {} in {}\nrecognised as {}\n\n{table}\nsplit: {}\nsize: {} wide, {} high, shorter side {}\ncolour: {} of {} pictures\n",
        inspection.source,
        plural(survey.pictures, "picture"),
        plural(inspection.counts.len(), "class"),
        inspection.recognised,
        inspection.rule_in_words,
        sizes(&survey.width),
        sizes(&survey.height),
        sizes(&survey.shorter),
        survey.coloured,
        survey.colour_sampled
    );
    if !inspection.unused.is_empty() {
        text.push_str(&format!(
            "parts not used: {} (--split-map changes it; --pretrain-split NAME trains on one before the others)\n",
            inspection.unused.join(", ")
        ));
    }
    if !inspection.columns.is_empty() {
        text.push_str(&format!("\n{}\n", columns(&inspection.columns)));
    }
    let groups = |title: &str, groups: &[Duplicates]| {
        let mut lines = format!("{title}: {}\n", groups.len());
        for group in groups.iter().take(MOST_NAMED) {
            lines.push_str(&format!("  {}\n", equal_files(&group.files)));
        }
        if groups.len() > MOST_NAMED {
            lines.push_str(&format!("  and {} more\n", groups.len() - MOST_NAMED));
        }
        lines
    };
    text.push_str(&groups(
        "same picture in two splits",
        &inspection.duplicates_across_splits,
    ));
    text.push_str(&groups(
        "same picture in two classes",
        &inspection.contradictions,
    ));
    text.push_str(&format!(
        "same picture again in its split: {}\n",
        inspection.duplicates_within_split
    ));
    let skipped: Vec<String> = survey
        .undecodable
        .iter()
        .chain(&inspection.skipped)
        .map(ToString::to_string)
        .collect();
    text.push_str(&format!("files not used: {}\n", skipped.len()));
    for file in skipped.iter().take(MOST_NAMED) {
        text.push_str(&format!("  {file}\n"));
    }
    if skipped.len() > MOST_NAMED {
        text.push_str(&format!("  and {} more\n", skipped.len() - MOST_NAMED));
    }
    for dropped in &inspection.dropped {
        text.push_str(&format!("{dropped}\n"));
    }
    let space = &inspection.data_space;
    let join = |items: Vec<String>| items.join(",");
    text.push_str(&format!(
        "\nsensible to search: --resolutions {} --colours {}\n",
        join(space.resolutions.iter().map(ToString::to_string).collect()),
        join(space.colours.iter().map(ToString::to_string).collect())
    ));
    if let Some(refused) = &inspection.refused {
        text.push_str(&format!("\na search would refuse this: {refused}\n"));
    }
    text
}

/// Some of the files with equal pixels, those of different parts and classes first.
fn equal_files(files: &[DuplicateFile]) -> String {
    const MOST: usize = 4;
    let mut seen = BTreeSet::new();
    let (mut named, rest): (Vec<_>, Vec<_>) = files
        .iter()
        .partition(|file| seen.insert((file.split, &file.class)));
    named.extend(rest);
    let names = named.iter().take(MOST);
    let names: Vec<String> = names
        .map(|file| format!("{} ({})", file.path, file.split))
        .collect();
    let more = match named.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    names.join(" = ") + &more
}

/// The extra columns: how many examples have a 1, of those that are known.
pub(super) fn columns(columns: &[ColumnCount]) -> Table {
    // In the order of the parts, of which the last is rare.
    let headings = ["column", "train", "validation", "test", "pretraining"];
    let known = |column: &ColumnCount| column.ones[3] + column.zeros[3];
    let parts = 3 + usize::from(columns.iter().any(|column| known(column) > 0));
    let mut table = Table::new(&headings[..=parts]);
    for column in columns {
        let cell = |split: usize| {
            let known = column.ones[split] + column.zeros[split];
            match known {
                0 => "-".to_string(),
                _ => format!("{} of {known}", column.ones[split]),
            }
        };
        table.row(std::iter::once(column.column.clone()).chain((0..parts).map(cell)));
    }
    table
}

fn sizes(sizes: &Sizes) -> String {
    if sizes.min == sizes.max {
        return sizes.min.to_string();
    }
    format!("{} to {} (median {})", sizes.min, sizes.max, sizes.median)
}

#[cfg(test)]
mod tests {
    use danas_data::Split;

    use super::*;

    #[test]
    fn of_many_equal_files_some_of_all_parts_are_named() {
        let file = |split, number: usize| DuplicateFile {
            split,
            class: "cat".to_string(),
            path: format!("{number}.jpg"),
        };
        let mut files: Vec<DuplicateFile> = (0..5).map(|i| file(Split::Train, i)).collect();
        assert!(equal_files(&files[..4]).ends_with("= 3.jpg (train)"));
        files.push(file(Split::Test, 5));
        assert_eq!(
            equal_files(&files),
            "0.jpg (train) = 5.jpg (test) = 1.jpg (train) = 2.jpg (train) and 2 more"
        );
    }
}
