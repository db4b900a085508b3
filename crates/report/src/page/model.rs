//! The recommended model: its memory and its layers.

use danas_study::{CostRecord, LayerRecord, ModelRecord};
use serde::Serialize;

use crate::chart::memory;
use crate::format;
use crate::resolve::{Finished, Resolved};

/// From this number of layers on, their table is folded.
const LONG: usize = 24;

/// The section's contents.
#[derive(Debug, Serialize)]
pub(super) struct Model<'a> {
    id: u64,
    data: &'a str,
    summary: &'a str,
    path: &'a str,
    host_arena: String,
    weights: String,
    macs: String,
    splits: Vec<Split>,
    memory: Option<String>,
    /// The tensors alive at the peak, largest first: name and size.
    at_peak: Vec<(&'a str, String)>,
    layers: Vec<Layer<'a>>,
    long: bool,
}

/// A memory divided into its parts.
#[derive(Debug, Serialize)]
struct Split {
    name: &'static str,
    total: String,
    limit: Option<String>,
    over: bool,
    parts: Vec<Part>,
}

#[derive(Debug, Serialize)]
struct Part {
    name: &'static str,
    class: &'static str,
    words: String,
    bar: f64,
}

#[derive(Debug, Serialize)]
struct Layer<'a> {
    number: usize,
    name: &'a str,
    operator: &'a str,
    output: String,
    macs: Amount,
    weights: Amount,
    alive: Amount,
    peak: bool,
}

/// A number with a bar in percent of the largest one of its column.
#[derive(Debug, Serialize)]
struct Amount {
    words: String,
    bar: f64,
}

impl<'a> Model<'a> {
    /// What is shown of a finished model.
    pub(super) fn of(resolved: &Resolved<'a>, finished: Finished<'a>) -> Model<'a> {
        let model = finished.model;
        let limits = &resolved.summary.run.limits;
        let weights = model
            .layers
            .iter()
            .fold(0_u64, |sum, l| sum.saturating_add(l.weights));
        Model {
            id: finished.candidate.id,
            data: &finished.candidate.data_label,
            summary: &finished.candidate.summary,
            path: &model.path,
            host_arena: format::bytes(model.host_arena_bytes as f64),
            weights: format::short_count(weights as f64),
            macs: format::short_count(model.cost.macs as f64),
            splits: splits(model, limits.ram_bytes, limits.flash_bytes),
            memory: memory::draw(model, limits.ram_bytes).map(|svg| svg.to_string()),
            at_peak: at_peak(model),
            layers: layers(model),
            long: model.layers.len() > LONG,
        }
    }
}

fn splits(model: &ModelRecord, ram: Option<u64>, flash: Option<u64>) -> Vec<Split> {
    let cost = &model.cost;
    vec![
        split(
            "RAM",
            cost.arena_bytes,
            ram,
            &[
                ("activations", "head", cost.head_bytes),
                ("scratch", "scratch", cost.scratch_bytes),
                ("persistent", "persistent", cost.persistent_bytes),
                ("loading", "loading", loading_bytes(cost)),
            ],
        ),
        split(
            "flash",
            cost.flash_bytes,
            flash,
            &[
                ("model file", "head", cost.model_bytes),
                (
                    "runtime code",
                    "persistent",
                    cost.flash_bytes.saturating_sub(cost.model_bytes),
                ),
            ],
        ),
    ]
}

/// What only loading needs, where that is more than alignment.
fn loading_bytes(cost: &CostRecord) -> u64 {
    const ALIGNMENT: u64 = 16;
    match cost.loading_bytes() {
        0..ALIGNMENT => 0,
        bytes => bytes,
    }
}

fn split(
    name: &'static str,
    total: u64,
    limit: Option<u64>,
    parts: &[(&'static str, &'static str, u64)],
) -> Split {
    let sum = parts
        .iter()
        .fold(0, |sum: u64, (_, _, bytes)| sum.saturating_add(*bytes));
    let whole = limit.unwrap_or(0).max(total).max(sum).max(1) as f64;
    let part = |name, class, bytes: u64| Part {
        name,
        class,
        words: format::bytes(bytes as f64),
        bar: bytes as f64 / whole * 100.0,
    };
    let mut shown: Vec<Part> = parts
        .iter()
        .filter(|(_, _, bytes)| *bytes > 0)
        .map(|&(name, class, bytes)| part(name, class, bytes))
        .collect();
    if let Some(free) = limit.and_then(|limit| limit.checked_sub(total)) {
        shown.push(part("free", "free", free));
    }
    Split {
        name,
        total: format::bytes(total as f64),
        limit: limit.map(|limit| format::bytes(limit as f64)),
        over: limit.is_some_and(|limit| total > limit),
        parts: shown,
    }
}

fn at_peak(model: &ModelRecord) -> Vec<(&str, String)> {
    let Some((peak, _)) = memory::peak(model) else {
        return Vec::new();
    };
    let peak = peak as u64;
    let mut alive: Vec<_> = model
        .memory
        .iter()
        .filter(|b| b.first <= peak && peak <= b.last && b.bytes > 0)
        .collect();
    alive.sort_by(|a, b| b.bytes.cmp(&a.bytes).then(a.offset.cmp(&b.offset)));
    alive
        .into_iter()
        .map(|b| (b.name.as_str(), format::bytes(b.bytes as f64)))
        .collect()
}

fn layers(model: &ModelRecord) -> Vec<Layer<'_>> {
    let alive = memory::alive(model);
    let peak = memory::peak(model).map(|(layer, _)| layer);
    let most = |of: fn(&LayerRecord) -> u64| model.layers.iter().map(of).max().unwrap_or(0);
    let (most_macs, most_weights) = (most(|l| l.macs), most(|l| l.weights));
    let most_alive = alive.iter().copied().max().unwrap_or(0);
    let amount = |value: u64, most: u64, words: fn(f64) -> String| Amount {
        words: if value == 0 {
            String::new()
        } else {
            words(value as f64)
        },
        bar: value as f64 / most.max(1) as f64 * 100.0,
    };
    model
        .layers
        .iter()
        .zip(&alive)
        .enumerate()
        .map(|(place, (layer, &alive))| Layer {
            number: place + 1,
            name: &layer.name,
            operator: &layer.operator,
            output: layer.output.map(|side| side.to_string()).join(" × "),
            macs: amount(layer.macs, most_macs, format::short_count),
            weights: amount(layer.weights, most_weights, format::short_count),
            alive: amount(alive, most_alive, format::bytes),
            peak: peak == Some(place),
        })
        .collect()
}
