//! The search for the best plan beside a naive one, on instances of any kind of lifetimes.

use super::best::improved_within;
use super::runtime::follow;
use super::{ALIGNMENT, Contents, MemoryPlan, PlannedBuffer};
use danas_space::TensorId;
use proptest::prelude::*;

/// Unplaced buffers from sizes in units of 16 bytes, first layers and lengths of life.
fn unplaced(sizes_and_lives: &[(u64, usize, usize)]) -> Vec<PlannedBuffer> {
    let buffer = |(index, &(units, first, length)): (usize, &(u64, usize, usize))| PlannedBuffer {
        contents: Contents::Tensor(TensorId(index)),
        offset: 0,
        bytes: units * ALIGNMENT,
        first,
        last: first + length,
    };
    sizes_and_lives.iter().enumerate().map(buffer).collect()
}

/// The smallest head there is: placed in the order of its offsets, each buffer as low as possible, the best plan
/// becomes no larger, so one of all orders gives it.
fn smallest_head(buffers: &[PlannedBuffer]) -> u64 {
    fn extend(placed: &mut Vec<PlannedBuffer>, rest: &[PlannedBuffer], best: &mut u64) {
        if rest.is_empty() {
            let head = placed.iter().map(PlannedBuffer::end).max().unwrap_or(0);
            *best = head.min(*best);
        }
        for index in 0..rest.len() {
            let mut others = rest.to_vec();
            let mut next = others.remove(index);
            next.offset = lowest_free(placed, &next);
            placed.push(next);
            extend(placed, &others, best);
            placed.pop();
        }
    }
    let mut best = u64::MAX;
    extend(&mut Vec::new(), buffers, &mut best);
    best
}

/// The lowest offset, tried one after the other, at which a buffer overlaps none of those placed.
fn lowest_free(placed: &[PlannedBuffer], buffer: &PlannedBuffer) -> u64 {
    let free = |offset: &u64| {
        placed.iter().all(|other| {
            !other.alive_with(buffer)
                || other.end() <= *offset
                || offset + buffer.bytes <= other.offset
        })
    };
    (0..).step_by(ALIGNMENT as usize).find(free).unwrap()
}

fn assert_sound(plan: &MemoryPlan, greedy: &MemoryPlan) {
    for (index, a) in plan.buffers.iter().enumerate() {
        assert!(a.offset.is_multiple_of(ALIGNMENT) && a.end() <= plan.head_bytes);
        for b in &plan.buffers[index + 1..] {
            let apart = a.end() <= b.offset || b.end() <= a.offset;
            assert!(apart || !a.alive_with(b), "{a:?} and {b:?} overlap");
        }
    }
    assert!(plan.head_bytes <= greedy.head_bytes);
    assert!(plan.least_bytes >= greedy.least_bytes);
    assert!(plan.head_bytes >= plan.least_bytes);
}

/// Buffers of which four units are alive in every layer, but five are needed: the bound is raised, and met.
#[test]
fn a_bound_that_cannot_be_met_is_raised() {
    let buffers = unplaced(&[
        (2, 0, 1),
        (2, 0, 0),
        (1, 1, 2),
        (1, 1, 1),
        (1, 2, 1),
        (1, 2, 0),
        (2, 3, 1),
        (2, 4, 0),
    ]);
    let greedy = follow(buffers.clone(), &[]);
    let best = improved_within(greedy.clone(), u32::MAX);
    assert_sound(&best, &greedy);
    assert_eq!(greedy.least_bytes, 4 * ALIGNMENT);
    assert_eq!(
        (best.least_bytes, best.head_bytes),
        (5 * ALIGNMENT, 5 * ALIGNMENT)
    );
    assert_eq!(smallest_head(&buffers), 5 * ALIGNMENT);
}

/// Buffers of which the same number of units is alive in every layer, which leaves a planner no room: after each
/// layer some die, and others fill their place. At most `most` of them.
fn tight(choices: &[u8], most: usize) -> Vec<(u64, usize, usize)> {
    let mut choices = choices.iter().map(|&choice| u64::from(choice));
    let mut next = |below: u64| choices.next().unwrap_or(0) % below;
    let mut buffers: Vec<(u64, usize, usize)> = Vec::new();
    let mut alive: Vec<usize> = Vec::new();
    let total = 3 + next(6);
    for layer in 0..6 {
        let (dying, staying): (Vec<usize>, Vec<usize>) =
            alive.into_iter().partition(|_| next(2) == 0);
        for &buffer in &staying {
            buffers[buffer].2 += 1;
        }
        let mut free = match layer {
            0 => total,
            _ => dying.iter().map(|&buffer| buffers[buffer].0).sum(),
        };
        alive = staying;
        while free > 0 {
            let units = 1 + next(free.min(4));
            free -= units;
            alive.push(buffers.len());
            buffers.push((units, layer, 0));
        }
    }
    buffers.truncate(most);
    buffers
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn small_instances_are_solved(
        sizes_and_lives in prop::collection::vec((1u64..12, 0usize..7, 0usize..4), 1..=6),
        choices in prop::collection::vec(any::<u8>(), 60),
    ) {
        for instance in [sizes_and_lives, tight(&choices, 6)] {
            let buffers = unplaced(&instance);
            let greedy = follow(buffers.clone(), &[]);
            let best = improved_within(greedy.clone(), u32::MAX);
            assert_sound(&best, &greedy);
            prop_assert_eq!(best.head_bytes, smallest_head(&buffers));
            prop_assert_eq!(best.least_bytes, best.head_bytes);
        }
    }

    #[test]
    fn large_instances_are_sound(
        sizes_and_lives in prop::collection::vec((1u64..60, 0usize..30, 0usize..9), 1..60),
        choices in prop::collection::vec(any::<u8>(), 200),
        steps in 0u32..3000,
    ) {
        for instance in [sizes_and_lives, tight(&choices, 60)] {
            let greedy = follow(unplaced(&instance), &[]);
            assert_sound(&improved_within(greedy.clone(), steps), &greedy);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn instances_of_seven_are_solved(
        sizes_and_lives in prop::collection::vec((1u64..9, 0usize..5, 0usize..4), 7),
        choices in prop::collection::vec(any::<u8>(), 60),
    ) {
        for instance in [sizes_and_lives, tight(&choices, 7)] {
            let buffers = unplaced(&instance);
            let greedy = follow(buffers.clone(), &[]);
            let best = improved_within(greedy, u32::MAX);
            prop_assert_eq!(best.head_bytes, smallest_head(&buffers));
            prop_assert_eq!(best.least_bytes, best.head_bytes);
        }
    }
}
