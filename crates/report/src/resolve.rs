//! A summary whose references have been followed and whose data configurations have a look.

use std::collections::HashMap;

use danas_measure::Objective;
use danas_study::{CandidateRecord, ModelRecord, Summary};

use crate::ReportError;
use crate::look::Looks;

/// A finished model beside the candidate that it was made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Finished<'a> {
    /// Place of the candidate in the summary.
    pub(crate) place: usize,
    /// The candidate.
    pub(crate) candidate: &'a CandidateRecord,
    /// The model.
    pub(crate) model: &'a ModelRecord,
}

/// A summary with its references followed.
#[derive(Debug)]
pub(crate) struct Resolved<'a> {
    /// The summary itself.
    pub(crate) summary: &'a Summary,
    /// Places of the front's members among the candidates, best at the run's objective first.
    pub(crate) front: Vec<usize>,
    /// The finished models, the recommended one first, then by the objective of the int8 file on the test split.
    pub(crate) finished: Vec<Finished<'a>>,
    /// The look of every data configuration.
    pub(crate) looks: Looks,
}

impl<'a> Resolved<'a> {
    /// Follows the references of a summary.
    ///
    /// # Errors
    /// A front member or a model that refers to no candidate; a confusion matrix of another size than the classes.
    pub(crate) fn new(summary: &'a Summary) -> Result<Self, ReportError> {
        let places: HashMap<u64, usize> = summary
            .candidates
            .iter()
            .enumerate()
            .map(|(place, c)| (c.id, place))
            .collect();
        let find = |id: u64, user: &'static str| {
            places
                .get(&id)
                .copied()
                .ok_or(ReportError::UnknownCandidate { id, user })
        };
        let objective = summary.run.objective;
        let mut front = Vec::with_capacity(summary.front.len());
        for &id in &summary.front {
            front.push(find(id, "the front")?);
        }
        front.sort_by(|&a, &b| {
            let (a, b) = (&summary.candidates[a], &summary.candidates[b]);
            b.val_score(objective)
                .total_cmp(&a.val_score(objective))
                .then(a.id.cmp(&b.id))
        });
        front.dedup();
        let mut finished = Vec::with_capacity(summary.models.len());
        for model in &summary.models {
            check_confusion(model, summary.run.classes.len())?;
            let place = find(model.candidate, "a finished model")?;
            finished.push(Finished {
                place,
                candidate: &summary.candidates[place],
                model,
            });
        }
        finished.sort_by(|a, b| {
            let score = |f: &Finished| f.model.test_score_int8(objective);
            (b.model.recommended.cmp(&a.model.recommended))
                .then(score(b).total_cmp(&score(a)))
                .then(a.candidate.id.cmp(&b.candidate.id))
        });
        Ok(Resolved {
            summary,
            front,
            finished,
            looks: Looks::of(&summary.candidates),
        })
    }

    /// The recommended model.
    pub(crate) fn recommended(&self) -> Option<Finished<'a>> {
        self.finished
            .first()
            .copied()
            .filter(|f| f.model.recommended)
    }

    /// The finished model of the candidate at `place`.
    pub(crate) fn model_of(&self, place: usize) -> Option<&'a ModelRecord> {
        self.finished
            .iter()
            .find(|f| f.place == place)
            .map(|f| f.model)
    }

    /// What was maximised.
    pub(crate) fn objective(&self) -> Objective {
        self.summary.run.objective
    }

    /// What was maximised, in words.
    pub(crate) fn objective_words(&self) -> String {
        self.objective().words(&self.class_names())
    }

    /// The names of the classes.
    pub(crate) fn class_names(&self) -> Vec<&'a str> {
        self.summary.run.class_names()
    }

    /// What a candidate was found to reach in the objective on the validation split.
    pub(crate) fn score(&self, candidate: &CandidateRecord) -> f64 {
        candidate.val_score(self.objective())
    }

    /// Validation examples that a score is made of.
    pub(crate) fn validation_examples(&self) -> u64 {
        let run = &self.summary.run;
        run.validation_sample.unwrap_or_else(|| {
            let classes = run.classes.iter();
            classes.fold(0, |sum, class| sum.saturating_add(class.validation))
        })
    }
}

/// Whether a candidate has a score that can be shown: some are recorded with their cost alone.
pub(crate) fn scored(candidate: &CandidateRecord) -> bool {
    candidate.val_accuracy.is_finite() && candidate.is_scored()
}

/// Whether a candidate breaks no limit.
pub(crate) fn fits(candidate: &CandidateRecord) -> bool {
    candidate.violation <= 0.0
}

fn check_confusion(model: &ModelRecord, classes: usize) -> Result<(), ReportError> {
    let square =
        model.confusion.len() == classes && model.confusion.iter().all(|row| row.len() == classes);
    if square || model.confusion.is_empty() {
        return Ok(());
    }
    Err(ReportError::Confusion {
        candidate: model.candidate,
        classes,
        rows: model.confusion.len(),
        columns: model.confusion.iter().map(Vec::len).max().unwrap_or(0),
    })
}
