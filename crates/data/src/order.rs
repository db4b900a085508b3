//! The order in which an epoch sees the examples of a part.
//!
//! A set in memory is shuffled as a whole. A set that lies in files is read in long runs: blocks of consecutive examples,
//! of which a window full is in memory at a time and shuffled as a whole. Sources often lie class by class, so a window
//! takes its blocks from all over the storage: the blocks are cut into stretches of as many as there are windows, and
//! every window gets one block of each stretch, which one is drawn anew in every epoch.

use crate::dataset::{Dataset, stream_name};
use crate::split::Split;
use rand::{Rng, RngExt};
use std::ops::Range;

/// How far the training examples of an epoch are mixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shuffle {
    /// All with all.
    Whole,
    /// Within windows of so many blocks of so many consecutive examples, both at least 1.
    Blocks { examples: usize, per_window: usize },
}

/// The order of a part's examples in one epoch: every example once.
#[derive(Debug)]
pub struct EpochOrder<'a> {
    dataset: &'a Dataset,
    split: Split,
    epoch: u64,
    windows: Windows,
    /// The window that is shuffled at the moment, and its examples.
    current: Option<usize>,
    shuffled: Vec<u32>,
}

impl<'a> EpochOrder<'a> {
    pub(crate) fn new(dataset: &'a Dataset, split: Split, epoch: u64) -> Self {
        let examples = dataset.len(split);
        let (block, per_window) = match dataset.shuffle {
            Shuffle::Whole => (examples.max(1), 1),
            Shuffle::Blocks {
                examples,
                per_window,
            } => (examples, per_window),
        };
        let blocks = stream_name(split, "epoch blocks");
        let mut rng = dataset.streams.stream(&blocks, epoch);
        EpochOrder {
            dataset,
            split,
            epoch,
            windows: Windows::draw(examples, block, per_window, &mut rng),
            current: None,
            shuffled: Vec::new(),
        }
    }

    /// The number of the epoch.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Puts the examples at `positions` of the order into `examples`. Costs little for positions in ascending order.
    ///
    /// # Panics
    /// A position is not below the number of examples.
    pub fn examples(&mut self, positions: Range<usize>, examples: &mut Vec<usize>) {
        examples.clear();
        for position in positions {
            let window = self.windows.at(position);
            if self.current != Some(window) {
                self.shuffle(window);
            }
            let within = position - self.windows.starts[window];
            examples.push(self.shuffled[within] as usize);
        }
    }

    fn shuffle(&mut self, window: usize) {
        let (dataset, split, epoch) = (self.dataset, self.split, self.epoch);
        self.shuffled.clear();
        let mut rng = match dataset.shuffle {
            Shuffle::Whole => {
                self.shuffled.extend(0..dataset.len(split) as u32);
                let name = stream_name(split, "epoch order");
                dataset.streams.stream(&name, epoch)
            }
            Shuffle::Blocks { .. } => {
                for places in self.windows.places(window) {
                    dataset.expect(split, places.clone());
                    let stored = |place| dataset.stored(split, place) as u32;
                    self.shuffled.extend(places.map(stored));
                }
                let name = stream_name(split, &format!("epoch window/{epoch}"));
                dataset.streams.stream(&name, window as u64)
            }
        };
        permute(&mut self.shuffled, &mut rng);
        self.current = Some(window);
    }
}

/// Fisher and Yates.
fn permute<T>(values: &mut [T], rng: &mut impl Rng) {
    for last in (1..values.len()).rev() {
        values.swap(last, rng.random_range(0..=last as u64) as usize);
    }
}

/// Which blocks belong to which window.
#[derive(Debug)]
struct Windows {
    examples: usize,
    block: usize,
    /// The blocks of each window, in the order of the storage.
    blocks: Vec<Vec<u32>>,
    /// The position in the epoch at which each window begins.
    starts: Vec<usize>,
}

impl Windows {
    fn draw(examples: usize, block: usize, per_window: usize, rng: &mut impl Rng) -> Self {
        let count = examples.div_ceil(block);
        let windows = count.div_ceil(per_window).max(1);
        let mut blocks = vec![Vec::new(); windows];
        let mut numbers: Vec<usize> = (0..windows).collect();
        for stretch in (0..count).step_by(windows) {
            permute(&mut numbers, rng);
            for (block, &window) in (stretch..count).zip(&numbers) {
                blocks[window].push(block as u32);
            }
        }
        let mut drawn = Self {
            examples,
            block,
            blocks,
            starts: Vec::with_capacity(windows),
        };
        let mut start = 0;
        for window in 0..windows {
            drawn.starts.push(start);
            start += drawn
                .places(window)
                .map(|places| places.len())
                .sum::<usize>();
        }
        drawn
    }

    /// The window that a position of the epoch belongs to.
    fn at(&self, position: usize) -> usize {
        self.starts.partition_point(|&start| start <= position) - 1
    }

    /// The places in the storage that belong to a window, block by block.
    fn places(&self, window: usize) -> impl Iterator<Item = Range<usize>> {
        let (block, examples) = (self.block, self.examples);
        self.blocks[window].iter().map(move |&number| {
            let start = number as usize * block;
            start..(start + block).min(examples)
        })
    }
}

/// The shuffle that mixes `mixed` bytes at a time, if a picture takes `mean` bytes: windows of that size, of so many blocks
/// that classes that lie one after the other come in nearly the proportions of the whole.
pub(crate) fn streamed(mixed: u64, mean: f64) -> Shuffle {
    const PER_WINDOW: usize = 256;
    let window = mixed as f64 / mean.max(1.0);
    Shuffle::Blocks {
        examples: (window as usize / PER_WINDOW).clamp(1, 1 << 20),
        per_window: PER_WINDOW,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::Streams;
    use proptest::prelude::*;

    fn rng(seed: u64) -> impl Rng {
        Streams::new(seed).stream("test", 0)
    }

    proptest! {
        #[test]
        fn windows_hold_every_place_once(
            examples in 1_usize..3000,
            block in 1_usize..80,
            per_window in 1_usize..40,
            seed in 0_u64..100,
        ) {
            let windows = Windows::draw(examples, block, per_window, &mut rng(seed));
            let mut seen = vec![false; examples];
            for window in 0..windows.blocks.len() {
                prop_assert!(windows.blocks[window].len() <= per_window);
                for (offset, place) in windows.places(window).flatten().enumerate() {
                    prop_assert_eq!(windows.at(windows.starts[window] + offset), window);
                    prop_assert!(!std::mem::replace(&mut seen[place], true));
                }
            }
            prop_assert!(seen.into_iter().all(|place| place));
        }
    }

    #[test]
    fn a_window_has_all_classes_even_if_they_lie_one_after_the_other() {
        // Ten classes of 1000 examples, windows of a tenth of them.
        let windows = Windows::draw(10_000, 10, 100, &mut rng(3));
        assert_eq!(windows.blocks.len(), 10);
        for window in 0..10 {
            let mut counts = [0; 10];
            for place in windows.places(window).flatten() {
                counts[place / 1000] += 1;
            }
            assert_eq!(counts, [100; 10]);
        }
    }
}
