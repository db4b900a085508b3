//! `danas inspect` of a .tflite file.

use std::path::Path;

use danas_device::{Operation, OperatorKind, format_bytes, format_count};
use danas_space::Shape;
use serde::Serialize;

use crate::args::InspectCommand;
use crate::commands::model_cost::ModelCost;
use crate::message::{Outcome, Status};
use crate::model_file::ModelFile;
use crate::output::{self, Table, plural};

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Json {
    model: String,
    input: Shape,
    outputs: usize,
    operators: Vec<Line>,
    #[serde(flatten)]
    cost: ModelCost,
}

/// An operator.
#[derive(Debug, Serialize)]
struct Line {
    #[serde(flatten)]
    operation: Operation,
    macs: u64,
}

/// Shows the operators of a file and what it costs.
pub(crate) fn inspect_model(command: &InspectCommand) -> Outcome<Status> {
    let file = ModelFile::read(Path::new(&command.data))?;
    let program = file.network.program();
    let lines = program.operations().iter().map(|operation| Line {
        operation: *operation,
        macs: operation.macs(),
    });
    let json = Json {
        model: command.data.clone(),
        input: file.network.input(),
        outputs: file.network.outputs(),
        operators: lines.collect(),
        cost: ModelCost::of(&file, &command.board)?,
    };
    if command.json {
        output::print_json(&json)?;
    } else {
        output::print(&text(&json))?;
    }
    Ok(Status::Done)
}

fn text(json: &Json) -> String {
    let mut table = Table::new(&["", "operator", "window", "input", "output", "MACs"]);
    for (index, line) in json.operators.iter().enumerate() {
        let Operation {
            kind,
            input,
            output,
            ..
        } = line.operation;
        let is_shape = matches!(
            kind,
            OperatorKind::Pack | OperatorKind::Shape | OperatorKind::StridedSlice
        );
        table.row([
            index.to_string(),
            kind.name().to_string(),
            window(&line.operation),
            input.to_string(),
            if is_shape {
                "a shape".to_string()
            } else {
                output.to_string()
            },
            match line.macs {
                0 => String::new(),
                macs => format_count(macs),
            },
        ]);
    }
    format!(
        "{}: {}, input {}, {}, {}, {} MACs\n\n{table}\n{}\n{}",
        json.model,
        plural(json.operators.len(), "operator"),
        json.input,
        plural(json.outputs, "output"),
        format_bytes(json.cost.model_bytes),
        format_count(json.cost.macs),
        json.cost.lines(),
        json.cost.table()
    )
}

/// A window in words, for example `3x3 /2`; nothing where there is none.
fn window(operation: &Operation) -> String {
    let has_window = matches!(
        operation.kind,
        OperatorKind::AveragePool
            | OperatorKind::Convolution
            | OperatorKind::Depthwise
            | OperatorKind::MaxPool
    );
    if !has_window {
        return String::new();
    }
    let pair = |[rows, columns]: [usize; 2]| {
        if rows == columns {
            rows.to_string()
        } else {
            format!("{rows}x{columns}")
        }
    };
    let window = &operation.window;
    let [rows, columns] = window.kernel;
    let mut text = format!("{rows}x{columns}");
    if window.stride != [1, 1] {
        text.push_str(&format!(" /{}", pair(window.stride)));
    }
    if window.dilation != [1, 1] {
        text.push_str(&format!(" dilated {}", pair(window.dilation)));
    }
    text
}
