//! What a .tflite file costs, for `danas evaluate` and `danas inspect`.

use std::collections::BTreeMap;

use danas_device::{Board, Cost, Limits, Target, format_bytes};
use serde::Serialize;

use crate::args::BoardChoice;
use crate::commands::boards;
use crate::message::Outcome;
use crate::model_file::ModelFile;
use crate::output::Table;

/// What a file costs on one board, and how long it takes on all of them; part of what `--json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct ModelCost {
    /// The board that memory and flash are stated for.
    pub(crate) board: String,
    #[serde(flatten)]
    pub(crate) needs: Needs,
    pub(crate) host_arena_bytes: u64,
    pub(crate) model_bytes: u64,
    pub(crate) macs: u64,
    /// Milliseconds by board.
    latency_ms: BTreeMap<String, f64>,
    boards: Vec<OnBoard>,
}

/// Memory and flash.
#[derive(Debug, Serialize)]
pub(crate) struct Needs {
    pub(crate) arena_bytes: u64,
    pub(crate) head_bytes: u64,
    pub(crate) scratch_bytes: u64,
    pub(crate) persistent_bytes: u64,
    pub(crate) flash_bytes: u64,
    pub(crate) runtime_bytes: u64,
}

/// What a file costs on a board.
#[derive(Debug, Serialize)]
struct OnBoard {
    name: String,
    #[serde(flatten)]
    needs: Needs,
    latency_ms: f64,
    /// Whether RAM and flash suffice.
    fits: bool,
    #[serde(skip)]
    usable: [u64; 2],
}

impl Needs {
    fn of(cost: &Cost) -> Self {
        Needs {
            arena_bytes: cost.arena_bytes,
            head_bytes: cost.head_bytes,
            scratch_bytes: cost.scratch_bytes,
            persistent_bytes: cost.persistent_bytes,
            flash_bytes: cost.flash_bytes,
            runtime_bytes: cost.runtime_bytes,
        }
    }
}

impl ModelCost {
    /// What a file costs on the board asked for, and on all others.
    ///
    /// # Errors
    /// If there is no such board.
    pub(crate) fn of(file: &ModelFile, choice: &BoardChoice) -> Outcome<Self> {
        let program = file.network.program();
        let target = |board: &Board| Target::new(Some(board.clone()), Limits::default());
        let cost = |target: &Target| target.cost_of_program(&program, &file.offsets, file.bytes);
        let catalogue = choice.boards_file.as_deref();
        let board = match &choice.board {
            Some(name) => boards::board(name, catalogue)?,
            None => Board::generic(),
        };
        let boards = boards::catalogue(catalogue)?.into_iter().map(|board| {
            let target = target(&board);
            let cost = cost(&target);
            OnBoard {
                needs: Needs::of(&cost),
                latency_ms: cost.latency_ms,
                fits: target.violation(&cost) == 0.0,
                usable: [board.usable_ram_bytes(), board.usable_flash_bytes()],
                name: board.name,
            }
        });
        let boards: Vec<OnBoard> = boards.collect();
        let main = cost(&target(&board));
        Ok(ModelCost {
            board: board.name,
            needs: Needs::of(&main),
            host_arena_bytes: main.host_arena_bytes,
            model_bytes: main.model_bytes,
            macs: main.macs,
            latency_ms: boards
                .iter()
                .map(|board| (board.name.clone(), board.latency_ms))
                .collect(),
            boards,
        })
    }

    /// Memory and flash of the board asked for, in lines.
    pub(crate) fn lines(&self) -> String {
        let needs = &self.needs;
        format!(
            "arena {} on {}: {} of activations with the input and scratch ({} of it scratch alone), {} of the runtime's \
             structures, {} only while loading; {} in the x86-64 reference runtime\nflash {}: the file's {} and {} of runtime code for its \
             operators\n",
            format_bytes(needs.arena_bytes),
            self.board,
            format_bytes(needs.head_bytes),
            format_bytes(needs.scratch_bytes),
            format_bytes(needs.persistent_bytes),
            format_bytes(needs.arena_bytes - needs.head_bytes - needs.persistent_bytes),
            format_bytes(self.host_arena_bytes),
            format_bytes(needs.flash_bytes),
            format_bytes(self.model_bytes),
            format_bytes(needs.runtime_bytes),
        )
    }

    /// A row per board.
    pub(crate) fn table(&self) -> Table {
        let mut table = Table::new(&["board", "RAM", "of", "flash", "of", "latency", "fits"]);
        for board in &self.boards {
            table.row([
                board.name.clone(),
                format_bytes(board.needs.arena_bytes),
                format_bytes(board.usable[0]),
                format_bytes(board.needs.flash_bytes),
                format_bytes(board.usable[1]),
                format!("{:.1} ms", board.latency_ms),
                if board.fits { "yes" } else { "no" }.to_string(),
            ]);
        }
        table
    }
}
