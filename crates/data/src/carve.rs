//! Carving the parts that a source does not bring out of those that it does.

use crate::catalogue::{Entry, ScanOptions};
use crate::error::DataError;
use crate::split::{Split, SplitOrigin, SplitRule};
use crate::streams::Streams;
use std::path::PathBuf;

/// Examples of which some parts may still have to be carved out of the rest.
pub(crate) struct Unsplit {
    pub(crate) path: PathBuf,
    pub(crate) classes: Vec<String>,
    /// Name on disk of what `train` was found in; none where the source has no parts.
    pub(crate) from: Option<String>,
    pub(crate) train: Vec<Entry>,
    pub(crate) validation: Option<(String, Vec<Entry>)>,
    pub(crate) test: Option<(String, Vec<Entry>)>,
    /// Never carved, and nothing is carved out of it.
    pub(crate) pretraining: Option<(String, Vec<Entry>)>,
}

impl Unsplit {
    /// Carves the parts that are missing out of `train`, per class.
    ///
    /// The files of a class are put in the order of a hash of seed and name, so that which part a file falls into
    /// hardly depends on which other files there are.
    ///
    /// # Errors
    /// A class is too small for all parts.
    pub(crate) fn split(
        &mut self,
        options: &ScanOptions,
    ) -> Result<([Vec<Entry>; Split::COUNT], SplitRule), DataError> {
        let from = self.from.clone().unwrap_or_else(|| "all".to_owned());
        let carve = |share| SplitOrigin::Carved {
            from: from.clone(),
            share,
        };
        let (validation_origin, validation_share, mut validation) = match self.validation.take() {
            Some((name, entries)) => (SplitOrigin::Given(name), None, entries),
            None => (
                carve(options.validation),
                Some(options.validation),
                Vec::new(),
            ),
        };
        let (test_origin, test_share, mut test) = match self.test.take() {
            Some((name, entries)) => (SplitOrigin::Given(name), None, entries),
            None => (carve(options.test), Some(options.test), Vec::new()),
        };
        let mut by_class: Vec<Vec<Entry>> = vec![Vec::new(); self.classes.len()];
        for entry in self.train.drain(..) {
            by_class[entry.class].push(entry);
        }
        let expected =
            1 + usize::from(validation_share.is_some()) + usize::from(test_share.is_some());
        let streams = Streams::new(options.seed);
        let mut train = Vec::new();
        for (class, mut entries) in by_class.into_iter().enumerate() {
            let found = entries.len();
            if found < expected {
                return Err(DataError::TooFewPictures {
                    class: self.classes[class].clone(),
                    path: self.path.clone(),
                    found,
                    expected,
                });
            }
            if expected > 1 {
                entries.sort_by_cached_key(|entry| streams.seed(entry.name.as_bytes(), 0));
            }
            for (share, part) in [(test_share, &mut test), (validation_share, &mut validation)] {
                if let Some(share) = share {
                    let take = ((found as f64 * share).round() as usize).max(1);
                    part.extend(entries.drain(..take));
                }
            }
            train.append(&mut entries);
        }
        let train_origin = match (&self.from, expected) {
            (Some(name), 1) => SplitOrigin::Given(name.clone()),
            _ => SplitOrigin::Rest { from },
        };
        let (pretraining_origin, pretraining) = match self.pretraining.take() {
            Some((name, entries)) => (Some(SplitOrigin::Given(name)), entries),
            None => (None, Vec::new()),
        };
        let mut parts = [train, validation, test, pretraining];
        for part in &mut parts {
            part.sort_by(|a, b| (a.class, &a.name).cmp(&(b.class, &b.name)));
        }
        let rule = SplitRule {
            train: train_origin,
            validation: validation_origin,
            test: test_origin,
            pretraining: pretraining_origin,
            seed: options.seed,
        };
        Ok((parts, rule))
    }
}
