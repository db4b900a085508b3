//! What is recorded of a search: plain data, whose meaning the other rooms know.

use std::collections::BTreeMap;

use danas_measure::{Interval, Objective, Subset, Tally};
use serde::{Deserialize, Serialize};

/// The genes of a data configuration by name, for example `{"resolution": 96, "colour": "rgb"}`.
pub type DataGenes = BTreeMap<String, serde_json::Value>;

/// What a candidate costs on the board.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CostRecord {
    /// The whole tensor arena: activations, scratch and the persistent part, or what loading needs if that is more.
    pub arena_bytes: u64,
    /// Activations (and the input), as the memory planner places them.
    pub head_bytes: u64,
    /// Scratch buffers of the kernels at the peak, beyond the activations.
    pub scratch_bytes: u64,
    /// The runtime's structures per tensor and operator.
    pub persistent_bytes: u64,
    /// The model file.
    pub model_bytes: u64,
    /// Model file and runtime code.
    pub flash_bytes: u64,
    /// Multiply-accumulates of one inference.
    pub macs: u64,
    /// Estimated time of one inference.
    pub latency_ms: f64,
}

impl CostRecord {
    /// The part of the arena that only loading the model needs, and alignment; usually next to nothing.
    pub fn loading_bytes(&self) -> u64 {
        let parts = [self.head_bytes, self.scratch_bytes, self.persistent_bytes];
        let running = parts.into_iter().fold(0, u64::saturating_add);
        self.arena_bytes.saturating_sub(running)
    }
}

/// A candidate and its score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CandidateRecord {
    /// Number of the candidate within the run, from 1, in the order of scoring.
    pub id: u64,
    /// The whole candidate as canonical JSON; equal candidates have equal text.
    pub genome: String,
    /// The genes of its data configuration.
    pub data: DataGenes,
    /// The data configuration in words, for example `96x96 rgb`.
    pub data_label: String,
    /// The network in a few words.
    pub summary: String,
    /// What it costs.
    pub cost: CostRecord,
    /// By how much it breaks the limits; 0 when it fits.
    pub violation: f64,
    /// Accuracy on the validation split, scored with the supernet's weights, 0 to 1.
    pub val_accuracy: f64,
    /// The answers behind that accuracy; `None` if it was never scored, or by an earlier version.
    pub val_tally: Option<Tally>,
    /// Seconds of the run's own clock at which the score was known.
    pub at_seconds: f64,
}

impl CandidateRecord {
    /// Whether it has a score: one that cannot fit has none, nor one that there was nothing to choose from. Earlier versions
    /// recorded scores without their answers.
    pub fn is_scored(&self) -> bool {
        self.val_tally.is_some() || self.val_accuracy > 0.0
    }

    /// What an objective was found to be on the validation split, 0 to 1. Earlier versions knew accuracy alone.
    pub fn val_score(&self, objective: Objective) -> f64 {
        score(self.val_accuracy, self.val_tally.as_ref(), objective)
    }

    /// The same with its 95 % interval, where that is known.
    pub fn val_interval(&self, objective: Objective) -> Option<Interval> {
        self.val_tally
            .as_ref()
            .map(|tally| tally.interval(objective))
    }
}

/// An objective of answers of which at least the accuracy is known.
fn score(accuracy: f64, tally: Option<&Tally>, objective: Objective) -> f64 {
    match (objective, tally) {
        (Objective::Accuracy, _) => accuracy,
        (_, Some(tally)) => tally.score(objective),
        (_, None) => 0.0,
    }
}

/// One layer of a finished model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerRecord {
    /// Its name, for example `stage2.block1.expand`.
    pub name: String,
    /// Its operator in words, for example `convolution 3x3 /2`.
    pub operator: String,
    /// `[height, width, channels]` of its output.
    pub output: [u64; 3],
    /// Multiply-accumulates.
    pub macs: u64,
    /// Weights, without biases.
    pub weights: u64,
}

/// One tensor in the planned arena.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BufferRecord {
    /// The tensor: `input` or the name of the layer that writes it.
    pub name: String,
    /// First byte in the arena's head.
    pub offset: u64,
    /// Size in bytes.
    pub bytes: u64,
    /// Index of the first layer during which it is alive.
    pub first: u64,
    /// Index of the last layer during which it is alive.
    pub last: u64,
}

/// A finished int8 model and what was measured of its file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelRecord {
    /// The candidate it was made of.
    pub candidate: u64,
    /// Path of the `.tflite` file, relative to the run folder.
    pub path: String,
    /// What the written file costs (the candidate's prediction replaced by the file's own size).
    pub cost: CostRecord,
    /// The arena that the x86-64 reference runtime needs, for checking the file on a desktop machine.
    pub host_arena_bytes: u64,
    /// Validation accuracy of the trained network before quantisation.
    pub val_accuracy_float: f64,
    /// Validation accuracy of the int8 file.
    pub val_accuracy_int8: f64,
    /// Test accuracy of the trained network before quantisation.
    pub test_accuracy_float: f64,
    /// Test accuracy of the int8 file.
    pub test_accuracy_int8: f64,
    /// The answers behind [`ModelRecord::val_accuracy_float`]; `None` in runs of an earlier version.
    #[serde(default)]
    pub val_tally_float: Option<Tally>,
    /// The answers behind [`ModelRecord::val_accuracy_int8`]; `None` in runs of an earlier version.
    #[serde(default)]
    pub val_tally_int8: Option<Tally>,
    /// The answers behind [`ModelRecord::test_accuracy_float`]; `None` in runs of an earlier version.
    #[serde(default)]
    pub test_tally_float: Option<Tally>,
    /// Counts of the int8 file on the test split: `confusion[true class][predicted class]`.
    pub confusion: Vec<Vec<u64>>,
    /// The answers of the int8 file on the test split by what extra columns say of the examples, the ones of a column before
    /// its zeros. Empty without columns, and in runs of an earlier version.
    #[serde(default)]
    pub columns: Vec<ColumnRecord>,
    /// The layers in execution order.
    pub layers: Vec<LayerRecord>,
    /// The planned arena.
    pub memory: Vec<BufferRecord>,
    /// Whether this is the model the run recommends.
    pub recommended: bool,
    /// How it compares with the recommended model; `None` for that one, without one, and in runs of an earlier version.
    #[serde(default)]
    pub paired: Option<PairedRecord>,
}

impl ModelRecord {
    /// What an objective of the int8 file was found to be on the validation split, 0 to 1. Earlier versions knew accuracy
    /// alone.
    pub fn val_score_int8(&self, objective: Objective) -> f64 {
        score(
            self.val_accuracy_int8,
            self.val_tally_int8.as_ref(),
            objective,
        )
    }

    /// What an objective of the int8 file was found to be on the test split, 0 to 1.
    pub fn test_score_int8(&self, objective: Objective) -> f64 {
        let tally = self.test_tally_int8();
        score(self.test_accuracy_int8, tally.as_ref(), objective)
    }

    /// The answers of the int8 file on the test split; `None` if there are none, or the matrix is not square.
    pub fn test_tally_int8(&self) -> Option<Tally> {
        let classes = self.confusion.len();
        let square = classes > 0 && self.confusion.iter().all(|row| row.len() == classes);
        square.then(|| Tally::of_confusion(&self.confusion))
    }
}

/// The answers to the examples with one value of an extra 0/1 column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnRecord {
    /// The column.
    pub column: String,
    /// Its value.
    pub value: bool,
    /// The answers. There is at least one member.
    pub answers: Subset,
}

/// A finished model beside the recommended one: the int8 files of both on the same validation examples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PairedRecord {
    /// Examples that this model alone classified rightly.
    pub only_this: u64,
    /// Examples that the recommended model alone classified rightly.
    pub only_recommended: u64,
    /// How probable a difference at least as large is between models that are equally good at the run's objective.
    pub p: f64,
    /// By how many standard errors it was less sure of the right classes; `None` where there is none to compare with.
    pub apart: Option<f64>,
    /// Whether neither tells the two apart.
    pub tie: bool,
}

/// A candidate that was trained alone, from scratch, to see what its score is worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// The candidate.
    pub candidate: u64,
    /// Steps that it was trained for.
    pub steps: u64,
    /// Validation accuracy after that, in float.
    pub val_accuracy: f64,
    /// The answers behind that accuracy; `None` in audits of an earlier version.
    #[serde(default)]
    pub val_tally: Option<Tally>,
    /// Seconds that training and evaluation took.
    pub seconds: f64,
}

impl AuditRecord {
    /// What an objective was found to be on the validation split, 0 to 1. Earlier versions knew accuracy alone.
    pub fn val_score(&self, objective: Objective) -> f64 {
        score(self.val_accuracy, self.val_tally.as_ref(), objective)
    }

    /// The length of training that most of these records are of, the longer one where two are as common: that of a whole
    /// audit, beside which another may just have begun. `None` where there are no records.
    pub fn usual_steps(audits: &[AuditRecord]) -> Option<u64> {
        let count = |steps| audits.iter().filter(|audit| audit.steps == steps).count();
        let lengths = audits.iter().map(|audit| audit.steps);
        lengths.max_by_key(|&steps| (count(steps), steps))
    }
}

/// A stretch of the run's time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseRecord {
    /// `data`, `supernet`, `search`, `final training`, `report`.
    pub name: String,
    /// Seconds set aside for it.
    pub planned_seconds: f64,
    /// Seconds it took.
    pub seconds: f64,
    /// What was done, for example `1,240 steps of 64 pictures`.
    pub done: String,
    /// Why it was given that much.
    pub reason: String,
}

/// How many examples a class has in each split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassRecord {
    /// Name of the class.
    pub name: String,
    /// Examples trained on.
    pub train: u64,
    /// Examples that candidates are chosen by.
    pub validation: u64,
    /// Examples touched once, at the end.
    pub test: u64,
    /// Examples trained on before those of `train`.
    #[serde(default)]
    pub pretraining: u64,
}

/// The limits of a run; `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct LimitRecord {
    /// Tensor arena, in bytes.
    pub ram_bytes: Option<u64>,
    /// Model file and runtime, in bytes.
    pub flash_bytes: Option<u64>,
    /// Milliseconds of an inference.
    pub latency_ms: Option<f64>,
    /// Multiply-accumulates.
    pub macs: Option<u64>,
}

/// What was asked of a run and what it ran on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The source of the examples, as the user wrote it.
    pub source: String,
    /// The board in words, or `limits by hand`.
    pub board: String,
    /// The limits.
    pub limits: LimitRecord,
    /// What is maximised on the validation split.
    #[serde(default)]
    pub objective: Objective,
    /// Options worth reading, in order: name and value.
    pub options: Vec<(String, String)>,
    /// The classes with their counts.
    pub classes: Vec<ClassRecord>,
    /// Validation examples that a score is made of, where that is not all of them.
    #[serde(default)]
    pub validation_sample: Option<u64>,
    /// Every data configuration searched, in words.
    pub data_configurations: Vec<String>,
    /// Whether any candidate met the limits.
    pub feasible: bool,
    /// Whether latency on this board rests on published measurements (false: extrapolated).
    pub latency_published: bool,
    /// Version of danas.
    pub version: String,
}

impl RunRecord {
    /// The names of the classes.
    pub fn class_names(&self) -> Vec<&str> {
        let classes = self.classes.iter();
        classes.map(|class| class.name.as_str()).collect()
    }
}

/// Everything a page about a run needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// What was asked.
    pub run: RunRecord,
    /// All scored candidates in the order of scoring.
    pub candidates: Vec<CandidateRecord>,
    /// Ids of the candidates on the front (validation error, RAM, flash, latency).
    pub front: Vec<u64>,
    /// The finished models.
    pub models: Vec<ModelRecord>,
    /// The candidates that were trained alone.
    pub audits: Vec<AuditRecord>,
    /// Where the time went.
    pub phases: Vec<PhaseRecord>,
    /// Events worth telling (skipped files, recoveries, resumptions), in order.
    pub notes: Vec<String>,
}

impl Summary {
    /// The score from which on a member of the front cannot be told apart from the best one: the lower end of the 95 %
    /// interval of that one's score. `None` where that is not known.
    pub fn tied_from(&self) -> Option<f64> {
        let objective = self.run.objective;
        let members = self
            .candidates
            .iter()
            .filter(|c| self.front.contains(&c.id));
        let best = members.max_by(|a, b| {
            let by_score = a.val_score(objective).total_cmp(&b.val_score(objective));
            by_score.then(b.id.cmp(&a.id))
        });
        Some(best?.val_interval(objective)?.low)
    }

    /// The candidates that were trained alone for so many steps, with what became of them: only what got the same can be
    /// compared.
    pub fn audited(&self, steps: u64) -> Vec<(&CandidateRecord, &AuditRecord)> {
        let with_candidate = |audit| {
            let audit: &AuditRecord = audit;
            let found = self.candidates.iter().find(|c| c.id == audit.candidate);
            Some((found?, audit))
        };
        let audits = self.audits.iter().filter(|audit| audit.steps == steps);
        audits.filter_map(with_candidate).collect()
    }

    /// Of every candidate that was trained alone for so many steps: its data configuration in words, its score, and what it
    /// reached alone, both in the run's objective.
    pub fn audited_scores(&self, steps: u64) -> Vec<(&str, (f64, f64))> {
        let audited = self.audited(steps).into_iter();
        let scores = audited.map(|(candidate, audit)| {
            let objective = self.run.objective;
            let pair = (candidate.val_score(objective), audit.val_score(objective));
            (candidate.data_label.as_str(), pair)
        });
        scores.collect()
    }

    /// The same candidates with their multiply-accumulates in place of the score: what a forecast by size alone would be.
    pub fn audited_sizes(&self, steps: u64) -> Vec<(f64, f64)> {
        let audited = self.audited(steps).into_iter();
        let sizes = audited.map(|(candidate, audit)| {
            (
                candidate.cost.macs as f64,
                audit.val_score(self.run.objective),
            )
        });
        sizes.collect()
    }
}
