//! What reading a file allocates: not more than it holds, but for what is kept per layer.
//!
//! A program of its own with a single test, because the allocator that counts is that of the whole program.

mod common;

use std::alloc::System;

use common::converted;
use common::craft::{Craft, INT8, SAME, pool, small_network};
use danas_deploy::read_network;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Bytes that reading a file allocates in all, whether it is given back or not.
fn allocated(bytes: &[u8]) -> usize {
    let region = Region::new(ALLOCATOR);
    let _ = read_network(bytes);
    region.change().bytes_allocated
}

/// A thousand layers that share 32 kB of weights.
fn shared_weights() -> Craft {
    let mut craft = Craft::default();
    let input = craft.activation(&[1, 1, 1, 1 << 15]);
    craft.inputs = vec![input];
    let weights = craft.constant(&[1, 1 << 15], INT8, vec![1; 1 << 15], Some(0.01));
    for _ in 0..1000 {
        craft.operator(9, 8, &[], &[input, weights], &[1, 1]);
    }
    craft
}

/// A network of a few hundred bytes with tensors as large as they may be.
fn large_tensors() -> Craft {
    let mut craft = Craft::default();
    let input = craft.activation(&[1, 4096, 4096, 1]);
    craft.inputs = vec![input];
    craft.operator(17, 5, &pool(SAME, 1, 1), &[input], &[1, 4096, 4096, 1]);
    craft
}

#[test]
fn reading_allocates_no_more_than_a_file_holds() {
    let mut files: Vec<(String, Vec<u8>)> = converted::all()
        .into_iter()
        .map(|file| (file.name, file.bytes))
        .collect();
    files.push(("small".to_owned(), small_network().bytes()));
    files.push(("large tensors".to_owned(), large_tensors().bytes()));
    for (name, bytes) in &files {
        // Weights, scales and names once, and lists that grow by doubling.
        let allocated = allocated(bytes);
        assert!(
            allocated < 4 * bytes.len() + 16_384,
            "{name}: {allocated} of {}",
            bytes.len()
        );
        let mut cut = bytes.clone();
        cut[..4].copy_from_slice(&0x7fff_ffffu32.to_le_bytes());
        assert!(self::allocated(&cut) < 1024, "{name}");
        for length in (0..bytes.len()).step_by(bytes.len() / 50 + 1) {
            let allocated = self::allocated(&bytes[..length]);
            assert!(
                allocated < 4 * bytes.len() + 16_384,
                "{name}: {allocated} of {length}"
            );
        }
    }
    // What layers share is kept for each of them, up to the limit of all weights: 64 times 32 kB.
    assert!(allocated(&shared_weights().bytes()) < 4 << 20);
}
