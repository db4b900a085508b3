//! `danas prepare`.

use danas_data::{ClassCount, ColumnCount, DataSpace, PrepareOptions, PreparedSet, SkippedFile};
use serde::Serialize;

use crate::args::PrepareCommand;
use crate::commands::inspect;
use crate::config::{MAX_THREADS, within};
use crate::interrupt;
use crate::message::{Failure, Outcome, Status, from_data};
use crate::output::{self, Table};
use crate::pipeline::{self, Found};
use crate::progress::Screen;
use crate::units::readable_bytes;

/// What `--json` prints of a prepared folder.
#[derive(Debug, Serialize)]
pub(super) struct Json<'a> {
    folder: String,
    source: &'a str,
    counts: Vec<ClassCount>,
    columns: Vec<ColumnCount>,
    bytes: u64,
    finest: usize,
    data_space: &'a DataSpace,
    skipped: &'a [SkippedFile],
}

impl<'a> Json<'a> {
    pub(super) fn of(set: &'a PreparedSet) -> Self {
        Json {
            folder: set.folder().display().to_string(),
            source: set.source(),
            counts: set.counts(),
            columns: set.column_counts(),
            bytes: set.bytes(),
            finest: set.finest(),
            data_space: set.space(),
            skipped: set.skipped(),
        }
    }
}

/// Prepares a source, or goes on with it.
pub(crate) fn prepare(command: &PrepareCommand) -> Outcome<Status> {
    let threads = command.threads;
    pipeline::use_threads(
        threads
            .map(|n| within("threads", n, MAX_THREADS))
            .transpose()?,
    )?;
    let screen = Screen::new(command.quiet);
    let source = command.data.parse().map_err(from_data)?;
    let found = Found::at(&source, &command.reading.scan_options(command.seed))?;
    let Found::Listed(catalogue) = &found else {
        return Err(
            Failure::input_text(format!("{} is prepared already", command.data))
                .hint("prepare the source that it was made from"),
        );
    };
    let suggested = found.suggested_space()?;
    let space = match &command.resolutions {
        Some(given) => DataSpace::new(given.pixels().to_vec(), suggested.colours),
        None => Ok(suggested),
    };
    let options = PrepareOptions::new(space.map_err(from_data)?);
    interrupt::install();
    let set = pipeline::prepare(&screen, catalogue, &command.out, &options)?;
    if command.json {
        output::print_json(&Json::of(&set))?;
    } else {
        output::print(&text(&set))?;
    }
    Ok(Status::Done)
}

/// What a prepared folder holds, for people.
pub(super) fn text(set: &PreparedSet) -> String {
    let table = classes(&set.counts());
    let columns = set.column_counts();
    let columns = match columns.is_empty() {
        true => String::new(),
        false => format!("\n{}", inspect::columns(&columns)),
    };
    let sides = set.space().resolutions.iter().map(ToString::to_string);
    format!(
        "{}: prepared from {}, {} on disk, shorter side at most {} pixels\n\n{table}{columns}\nsplit: {}\nfiles not used: {}\n\
         for: --resolutions {}\n\nsearch it with: danas search --data {} --board NAME\n",
        set.folder().display(),
        set.source(),
        readable_bytes(set.bytes()),
        set.finest(),
        set.rule(),
        set.skipped().len(),
        sides.collect::<Vec<_>>().join(","),
        set.folder().display(),
    )
}

/// How many examples of each class the parts have.
pub(super) fn classes(counts: &[ClassCount]) -> Table {
    let staged = counts.iter().any(|count| count.pretraining > 0);
    let headings: &[&str] = match staged {
        true => &["class", "pretraining", "train", "validation", "test"],
        false => &["class", "train", "validation", "test"],
    };
    let mut table = Table::new(headings);
    for count in counts {
        let first = staged.then_some(count.pretraining).into_iter();
        let cells = first.chain([count.train, count.validation, count.test]);
        table.row(std::iter::once(count.class.clone()).chain(cells.map(|cell| cell.to_string())));
    }
    table
}
