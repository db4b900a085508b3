//! The front as a table: the same names in `front.csv` and in the JSON of the command line.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use danas_measure::{Objective, Tally};
use serde::Serialize;
use serde_json::Value;

use crate::{
    CandidateRecord, ColumnRow, CostRecord, DataGenes, ModelRecord, RunRecord, StudyError, Summary,
    write_atomic,
};

/// One member of the front. Costs are those of the model's file where there is one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FrontRow {
    /// Number of the candidate.
    pub id: u64,
    /// The genes of its data configuration.
    pub data: DataGenes,
    /// Validation accuracy as scored in the search, 0 to 1.
    pub val_accuracy: f64,
    /// Test accuracy of the int8 file, 0 to 1; `None` if there is no file.
    pub test_accuracy_int8: Option<f64>,
    /// Tensor arena.
    pub arena_bytes: u64,
    /// Model file and runtime.
    pub flash_bytes: u64,
    /// Estimated time of one inference.
    pub latency_ms: f64,
    /// Multiply-accumulates of one inference.
    pub macs: u64,
    /// Path of the `.tflite` file, relative to the run folder; `None` if there is no file.
    pub model: Option<String>,
    /// What the search maximised, as scored in the search, 0 to 1.
    pub val_score: f64,
    /// Whether that cannot be told apart from the best of the front: it lies in the 95 % interval of that one.
    pub tie: Option<bool>,
    /// The lower end of the 95 % interval of [`FrontRow::val_accuracy`]; like all that follows `None` where it is not known.
    pub val_accuracy_low: Option<f64>,
    /// Its upper end.
    pub val_accuracy_high: Option<f64>,
    /// Mean recall of the classes on validation, as scored in the search.
    pub val_balanced_accuracy: Option<f64>,
    /// The lower end of the 95 % interval of [`FrontRow::test_accuracy_int8`].
    pub test_accuracy_int8_low: Option<f64>,
    /// Its upper end.
    pub test_accuracy_int8_high: Option<f64>,
    /// Mean recall of the classes of the int8 file on the test split.
    pub test_balanced_accuracy_int8: Option<f64>,
    /// How well the int8 file does on the test examples that extra columns single out; not written if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub test_columns_int8: Vec<ColumnRow>,
}

/// A member of the front with all that is known of it.
struct Member<'a> {
    candidate: &'a CandidateRecord,
    model: Option<&'a ModelRecord>,
    run: &'a RunRecord,
    /// The score from which on members tie with the best.
    tied_from: Option<f64>,
}

impl Member<'_> {
    fn cost(&self) -> &CostRecord {
        self.model.map_or(&self.candidate.cost, |model| &model.cost)
    }

    fn columns(&self) -> Vec<ColumnRow> {
        let columns = self.model.map_or(&[][..], |model| &model.columns);
        ColumnRow::all(columns, &self.run.class_names(), self.run.objective)
    }

    fn row(&self) -> FrontRow {
        let cost = self.cost();
        let val_score = self.candidate.val_score(self.run.objective);
        let val = self.candidate.val_interval(Objective::Accuracy);
        let val_tally = self.candidate.val_tally.as_ref();
        let test_tally = self.model.and_then(ModelRecord::test_tally_int8);
        let test = (test_tally.as_ref()).map(|tally| tally.interval(Objective::Accuracy));
        FrontRow {
            id: self.candidate.id,
            data: self.candidate.data.clone(),
            val_accuracy: self.candidate.val_accuracy,
            test_accuracy_int8: self.model.map(|model| model.test_accuracy_int8),
            arena_bytes: cost.arena_bytes,
            flash_bytes: cost.flash_bytes,
            latency_ms: cost.latency_ms,
            macs: cost.macs,
            model: self.model.map(|model| model.path.clone()),
            val_score,
            tie: self.tied_from.map(|from| val_score >= from),
            val_accuracy_low: val.map(|interval| interval.low),
            val_accuracy_high: val.map(|interval| interval.high),
            val_balanced_accuracy: val_tally.map(Tally::balanced_accuracy),
            test_accuracy_int8_low: test.map(|interval| interval.low),
            test_accuracy_int8_high: test.map(|interval| interval.high),
            test_balanced_accuracy_int8: test_tally.as_ref().map(Tally::balanced_accuracy),
            test_columns_int8: self.columns(),
        }
    }
}

/// The members of the front in the order of `summary.front`.
///
/// # Errors
/// [`StudyError::UnknownCandidate`] if the front names a candidate that the summary does not have.
pub fn front_rows(summary: &Summary) -> Result<Vec<FrontRow>, StudyError> {
    Ok(members(summary)?.iter().map(Member::row).collect())
}

/// Writes `front.csv`: `id`, one column for each data gene (resolution and colour first), `val_accuracy`,
/// `test_accuracy_int8`, `arena_bytes`, `flash_bytes`, `latency_ms`, `macs`, `model`, and further columns. What is not
/// known is empty.
///
/// # Errors
/// [`StudyError::UnknownCandidate`] if the front names a candidate that the summary does not have, and those of
/// [`write_atomic`].
pub fn write_front_csv(path: &Path, summary: &Summary) -> Result<(), StudyError> {
    let genes = gene_names(summary);
    let mut writer = csv::Writer::from_writer(Vec::new());
    let failed = |e: csv::Error| StudyError::io("write", path, e.into());
    let mut head = vec!["id".to_string()];
    head.extend(genes.iter().cloned());
    head.extend(COLUMNS.map(String::from));
    writer.write_record(&head).map_err(failed)?;
    for member in members(summary)? {
        writer
            .write_record(cells(&member, &genes))
            .map_err(failed)?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|e| StudyError::io("write", path, e.into_error()))?;
    write_atomic(path, &bytes)
}

/// The columns after the data genes. New ones stand behind all others, so that a column keeps its place.
const COLUMNS: [&str; 33] = [
    "val_accuracy",
    "test_accuracy_int8",
    "arena_bytes",
    "flash_bytes",
    "latency_ms",
    "macs",
    "model",
    "recommended",
    "val_accuracy_float",
    "val_accuracy_int8",
    "test_accuracy_float",
    "violation",
    "head_bytes",
    "scratch_bytes",
    "persistent_bytes",
    "model_bytes",
    "host_arena_bytes",
    "network",
    "at_seconds",
    "val_score",
    "tie",
    "val_accuracy_low",
    "val_accuracy_high",
    "val_balanced_accuracy",
    "test_accuracy_int8_low",
    "test_accuracy_int8_high",
    "test_balanced_accuracy_int8",
    "val_accuracy_int8_low",
    "val_accuracy_int8_high",
    "val_balanced_accuracy_int8",
    "val_balanced_accuracy_float",
    "test_balanced_accuracy_float",
    "ties_with_recommended",
];

fn cells(member: &Member<'_>, genes: &[String]) -> Vec<String> {
    let (row, cost) = (member.row(), member.cost());
    let of_model = |value: fn(&ModelRecord) -> String| member.model.map(value).unwrap_or_default();
    let known = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let of_tally = |tally: fn(&ModelRecord) -> Option<&Tally>, value: fn(&Tally) -> f64| {
        known(member.model.and_then(tally).map(value))
    };
    let mut cells = vec![row.id.to_string()];
    cells.extend(genes.iter().map(|gene| words(row.data.get(gene))));
    cells.extend([
        row.val_accuracy.to_string(),
        of_model(|m| m.test_accuracy_int8.to_string()),
        row.arena_bytes.to_string(),
        row.flash_bytes.to_string(),
        row.latency_ms.to_string(),
        row.macs.to_string(),
        row.model.unwrap_or_default(),
        of_model(|m| m.recommended.to_string()),
        of_model(|m| m.val_accuracy_float.to_string()),
        of_model(|m| m.val_accuracy_int8.to_string()),
        of_model(|m| m.test_accuracy_float.to_string()),
        member.candidate.violation.to_string(),
        cost.head_bytes.to_string(),
        cost.scratch_bytes.to_string(),
        cost.persistent_bytes.to_string(),
        cost.model_bytes.to_string(),
        of_model(|m| m.host_arena_bytes.to_string()),
        member.candidate.summary.clone(),
        member.candidate.at_seconds.to_string(),
        row.val_score.to_string(),
        row.tie.map(|tie| tie.to_string()).unwrap_or_default(),
        known(row.val_accuracy_low),
        known(row.val_accuracy_high),
        known(row.val_balanced_accuracy),
        known(row.test_accuracy_int8_low),
        known(row.test_accuracy_int8_high),
        known(row.test_balanced_accuracy_int8),
        of_tally(val_int8, |tally| tally.interval(Objective::Accuracy).low),
        of_tally(val_int8, |tally| tally.interval(Objective::Accuracy).high),
        of_tally(val_int8, Tally::balanced_accuracy),
        of_tally(|m| m.val_tally_float.as_ref(), Tally::balanced_accuracy),
        of_tally(|m| m.test_tally_float.as_ref(), Tally::balanced_accuracy),
        of_model(|m| m.paired.map(|p| p.tie.to_string()).unwrap_or_default()),
    ]);
    cells
}

fn val_int8(model: &ModelRecord) -> Option<&Tally> {
    model.val_tally_int8.as_ref()
}

fn members(summary: &Summary) -> Result<Vec<Member<'_>>, StudyError> {
    let candidates: BTreeMap<u64, _> = summary.candidates.iter().map(|c| (c.id, c)).collect();
    let models: BTreeMap<u64, _> = summary.models.iter().map(|m| (m.candidate, m)).collect();
    let tied_from = summary.tied_from();
    let member = |&id: &u64| {
        let candidate = *candidates
            .get(&id)
            .ok_or(StudyError::UnknownCandidate { id })?;
        let model = models.get(&id).copied();
        Ok(Member {
            candidate,
            model,
            run: &summary.run,
            tied_from,
        })
    };
    summary.front.iter().map(member).collect()
}

/// The data genes of all candidates: resolution and colour first, the others by name.
fn gene_names(summary: &Summary) -> Vec<String> {
    let all: BTreeSet<&String> = summary
        .candidates
        .iter()
        .flat_map(|c| c.data.keys())
        .collect();
    let mut names: Vec<String> = all.into_iter().cloned().collect();
    names.sort_by_key(|name| match name.as_str() {
        "resolution" => 0,
        "colour" => 1,
        _ => 2,
    });
    names
}

/// A gene's value without the quotes of JSON; nothing for a gene that the candidate does not have.
fn words(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{candidate, model, phase, run};
    use crate::{Backend, MemoryBackend, Store};

    fn summary() -> Summary {
        let (store, _) = MemoryBackend::default().create_or_open("").unwrap();
        for n in 1..=3 {
            store.record_candidate(&candidate(n)).unwrap();
        }
        store.set_run(&run()).unwrap();
        let without_columns = ModelRecord {
            columns: Vec::new(),
            ..model(2, true)
        };
        store.record_model(&without_columns).unwrap();
        store.record_phase(&phase("data", 1.0)).unwrap();
        store.summary(&[2, 3]).unwrap()
    }

    #[test]
    fn columns_are_in_the_rows_of_models_that_have_some() {
        let mut summary = summary();
        summary.models[0].columns = model(2, true).columns;
        let rows = front_rows(&summary).unwrap();
        let json = rows
            .iter()
            .map(|row| serde_json::to_value(row).unwrap()["test_columns_int8"].take());
        let [finished, unfinished] = &json.collect::<Vec<_>>()[..] else {
            panic!("two members")
        };
        assert_eq!(finished[0]["column"], "größer");
        assert_eq!(finished[0]["value"], 1);
        assert!(unfinished.is_null());
    }

    #[test]
    fn the_table_has_the_names_and_values_of_the_rows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("front.csv");
        write_front_csv(&path, &summary()).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let head = "id,resolution,colour,val_accuracy,test_accuracy_int8,arena_bytes,flash_bytes,latency_ms,macs,model,";
        assert!(text.starts_with(head), "{text}");
        let mut reader = csv::Reader::from_path(&path).unwrap();
        let columns = reader.headers().unwrap().clone();
        let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let rows = front_rows(&summary()).unwrap();
        assert_eq!(records.len(), rows.len());
        for (record, row) in records.iter().zip(&rows) {
            let json = serde_json::to_value(row).unwrap();
            for (name, value) in json
                .as_object()
                .unwrap()
                .iter()
                .filter(|(n, _)| *n != "data")
            {
                let column = columns.iter().position(|c| c == name).unwrap();
                match value.as_f64() {
                    Some(number) => assert_eq!(record[column].parse(), Ok(number), "{name}"),
                    None => assert_eq!(record[column], words(Some(value)), "{name}"),
                }
            }
        }
        assert_eq!(&records[0][1], "64");
        assert_eq!(&records[0][2], "rgb");
        let last = columns.iter().position(|c| c == "network").unwrap();
        assert_eq!(records[1][last], candidate(3).summary);
    }

    #[test]
    fn a_row_is_the_json_of_the_command_line() {
        let rows = front_rows(&summary()).unwrap();
        assert_eq!(
            serde_json::to_string(&rows[0]).unwrap(),
            "{\"id\":2,\"data\":{\"colour\":\"rgb\",\"resolution\":64},\"val_accuracy\":0.8,\
             \"test_accuracy_int8\":0.30000000000000004,\"arena_bytes\":10002,\"flash_bytes\":90000,\
             \"latency_ms\":2.0,\"macs\":1000002,\"model\":\"models/2/model.tflite\",\
             \"val_score\":0.8571428571428571,\"tie\":true,\
             \"val_accuracy_low\":0.37553462976252533,\"val_accuracy_high\":0.9637758913675698,\
             \"val_balanced_accuracy\":0.75,\
             \"test_accuracy_int8_low\":0.6395811352592431,\"test_accuracy_int8_high\":0.9476312541037835,\
             \"test_balanced_accuracy_int8\":0.8500000000000001}"
        );
        let json = serde_json::to_string(&rows[1]).unwrap();
        assert!(json.contains("\"test_accuracy_int8\":null") && json.contains("\"model\":null,"));
        assert!(json.ends_with("\"test_balanced_accuracy_int8\":null}"));
    }

    #[test]
    fn a_front_of_unknown_candidates_is_refused() {
        let mut summary = summary();
        summary.front.push(9);
        assert!(matches!(
            front_rows(&summary),
            Err(StudyError::UnknownCandidate { id: 9 })
        ));
    }

    #[test]
    fn other_genes_follow_resolution_and_colour() {
        let mut summary = summary();
        let data = &mut summary.candidates[0].data;
        data.insert("a".into(), Value::Bool(true));
        assert_eq!(gene_names(&summary), ["resolution", "colour", "a"]);
        summary.candidates.clear();
        assert!(gene_names(&summary).is_empty());
    }
}
