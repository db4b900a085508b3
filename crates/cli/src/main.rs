//! The `danas` command line: examples and a board in, verified int8 models out.
//!
//! This crate owns the order of the steps, the clock, the progress on the screen and the messages, nothing else.

mod args;
mod clock;
mod commands;
mod config;
mod interrupt;
mod memory;
mod message;
mod model_file;
mod output;
mod pipeline;
mod progress;
mod result;
mod units;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;

use args::{Arguments, Command};
use message::{Outcome, Status};

fn main() -> ExitCode {
    let started = Instant::now();
    message::install_panic_message();
    catch_unwind(AssertUnwindSafe(|| run(started)))
        .unwrap_or(Status::Internal)
        .into()
}

/// Parses, does what was asked, and says what went wrong.
fn run(started: Instant) -> Status {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Where help cannot be printed, neither can a message about that.
            let _ = error.print();
            return if error.use_stderr() {
                Status::Input
            } else {
                Status::Done
            };
        }
    };
    dispatch(arguments.command, started).unwrap_or_else(|failure| failure.report())
}

fn dispatch(command: Command, started: Instant) -> Outcome<Status> {
    match command {
        Command::Search(command) => commands::search(*command, started),
        Command::Audit(command) => commands::audit(&command, started),
        Command::Compare(command) => commands::compare(&command),
        Command::Report(command) => commands::report(&command),
        Command::Export(command) => commands::export(&command),
        Command::Evaluate(command) => commands::evaluate(&command),
        Command::Bench(command) => commands::bench(&command),
        Command::Boards(command) => commands::boards(&command),
        Command::Inspect(command) => commands::inspect(&command),
        Command::Prepare(command) => commands::prepare(&command),
        Command::Completions { shell } => commands::completions(shell),
    }
}
