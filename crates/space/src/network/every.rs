//! Every network of a space, one after the other.

use super::NetworkSpace;
use crate::Architecture;

/// All networks of a space, each once, in a fixed order. See [`NetworkSpace::every`].
#[derive(Debug, Clone)]
pub struct Networks<'a> {
    space: &'a NetworkSpace,
    /// What the next network is built of: every choice with the last one that there is in its place.
    choices: Vec<(usize, usize)>,
    is_over: bool,
}

impl NetworkSpace {
    /// All networks of the space, each once: the smallest first, the largest last. There may be far too many to go
    /// through ([`NetworkSpace::cardinality`]).
    pub fn every(&self) -> Networks<'_> {
        Networks {
            space: self,
            choices: Vec::new(),
            is_over: false,
        }
    }
}

impl Iterator for Networks<'_> {
    type Item = Architecture;

    fn next(&mut self) -> Option<Architecture> {
        if self.is_over {
            return None;
        }
        let choices = &mut self.choices;
        let mut place = 0;
        let network = self.space.build(|least, most| {
            if place == choices.len() {
                choices.push((least, most));
            }
            place += 1;
            choices[place - 1].0
        });
        // What can be chosen behind a choice depends on it, and begins anew when it moves on.
        while let Some((choice, most)) = choices.pop() {
            if choice < most {
                choices.push((choice + 1, most));
                return Some(network);
            }
        }
        self.is_over = true;
        Some(network)
    }
}
