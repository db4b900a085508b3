//! Writes the page of a made-up search: `cargo run -p danas-report --example sample -- OUT.html [KIND]`.
//! KIND is one of `usual` (the default), `infeasible`, `two`, `forty`, `hundred`, `hostile`, `single`, `unfinished`,
//! `large`, `balanced`, `rare` or `empty`.

use std::process::ExitCode;

mod made_up;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(path) = arguments.first() else {
        eprintln!("expected the path of the page to write");
        return ExitCode::FAILURE;
    };
    let kind = arguments.get(1).map_or("usual", String::as_str);
    let Some(summary) = made_up::by_name(kind) else {
        eprintln!("no made-up search is called {kind}");
        return ExitCode::FAILURE;
    };
    let written = danas_report::render(&summary)
        .map_err(|error| error.to_string())
        .and_then(|page| std::fs::write(path, page).map_err(|error| format!("{path}: {error}")));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
