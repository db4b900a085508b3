//! What is left out of a table, counted by reason: a table of millions cannot name every row.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many rows are named for each reason.
const NAMED: usize = 5;

/// Rows of a table, or members of an archive, that are not used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// Why they are not used.
    pub reason: String,
    /// How many there are.
    pub count: usize,
    /// The names of the first few.
    pub examples: Vec<String>,
}

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} left out, {}: {}",
            self.count,
            self.reason,
            self.examples.join(", ")
        )?;
        if self.count > self.examples.len() {
            f.write_str(", ...")?;
        }
        Ok(())
    }
}

/// Counts what is left out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally(BTreeMap<String, (usize, Vec<String>)>);

impl Tally {
    /// One more for this reason.
    pub(crate) fn add(&mut self, reason: &str, name: &str) {
        if !self.0.contains_key(reason) {
            self.0.insert(reason.to_owned(), (0, Vec::new()));
        }
        if let Some((count, examples)) = self.0.get_mut(reason) {
            *count += 1;
            if examples.len() < NAMED {
                examples.push(name.to_owned());
            }
        }
    }

    /// Takes over what another one counted.
    pub(crate) fn join(&mut self, other: Tally) {
        for (reason, (count, names)) in other.0 {
            let (sum, examples) = self.0.entry(reason).or_default();
            *sum += count;
            let room = NAMED - examples.len();
            examples.extend(names.into_iter().take(room));
        }
    }

    /// The counts, by reason.
    pub(crate) fn finish(self) -> Vec<Dropped> {
        self.0
            .into_iter()
            .map(|(reason, (count, examples))| Dropped {
                reason,
                count,
                examples,
            })
            .collect()
    }
}
