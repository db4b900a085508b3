//! `danas boards`, and finding the board that was asked for.

use std::path::Path;

use danas_device::{Board, boards as built_in, boards_with, find, format_bytes};

use crate::args::BoardsCommand;
use crate::message::{Blame, Failure, Outcome, Status};
use crate::output::{self, Table};

/// Lists the boards.
pub(crate) fn boards(command: &BoardsCommand) -> Outcome<Status> {
    let boards = catalogue(command.boards_file.as_deref())?;
    if command.json {
        output::print_json(&boards)?;
        return Ok(Status::Done);
    }
    let mut table = Table::new(&[
        "name", "board", "core", "MHz", "RAM", "flash", "latency", "power",
    ]);
    for board in &boards {
        table.row([
            board.name.clone(),
            board.title.clone(),
            board.core.to_string(),
            board.mhz.to_string(),
            format_bytes(board.usable_ram_bytes()),
            format_bytes(board.usable_flash_bytes()),
            if board.published {
                "published"
            } else {
                "extrapolated"
            }
            .to_string(),
            board.power.as_ref().map_or_else(
                || "-".to_string(),
                |power| format!("{} mW", power.milliwatts),
            ),
        ]);
    }
    output::print(&format!(
        "{table}\nRAM and flash are what is left for a model and its runtime beside a small application. Latency is published where \
         somebody measured a known network on the chip, power is what it was measured to draw.\n"
    ))?;
    Ok(Status::Done)
}

/// The built-in boards, and those of a user's file.
pub(crate) fn catalogue(file: Option<&Path>) -> Outcome<Vec<Board>> {
    match file {
        Some(file) => boards_with(file).or_input(),
        None => Ok(built_in().to_vec()),
    }
}

/// The board of this name.
pub(crate) fn board(name: &str, file: Option<&Path>) -> Outcome<Board> {
    let boards = catalogue(file)?;
    find(&boards, name).cloned().map_err(|error| {
        let hint = match error.nearest.first() {
            Some(nearest) => format!("did you mean `{nearest}`? `danas boards` lists all of them"),
            None => "`danas boards` lists all of them".to_string(),
        };
        Failure::input(error).hint(hint)
    })
}
