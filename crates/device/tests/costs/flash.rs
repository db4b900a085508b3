//! Flash, beside files that `danas-deploy` wrote (its example `write_random`, 24 files, seed 1001), and
//! the arena that the reference runtime needs for them: other networks than those that the figures were fitted to.

use crate::support::{from_tokens, inverted_residuals, mobilenet_v1};
use danas_device::{Board, Kernels, Limits, Target, greedy_plan};

#[test]
fn written_files_and_their_arenas_are_within_one_percent() {
    let target = Target::new(None, Limits::default());
    let rows: Vec<Vec<&str>> = include_str!("written.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split('\t').collect())
        .collect();
    assert_eq!(rows.len(), 24);
    for row in rows {
        let number = |index: usize| -> u64 { row[index].parse().unwrap() };
        let graph = from_tokens(row[4]);
        let cost = target.cost_of_file(&graph, &[]);
        let size_error = cost.model_bytes as f64 / number(1) as f64 - 1.0;
        let arena_error = cost.host_arena_bytes as f64 / number(2) as f64 - 1.0;
        eprintln!(
            "{}: file {:+.2} %, arena {:+.2} %",
            row[0],
            100.0 * size_error,
            100.0 * arena_error
        );
        assert!(
            size_error.abs() < 0.01,
            "{}: {} of {} bytes",
            row[0],
            cost.model_bytes,
            row[1]
        );
        assert!(
            arena_error.abs() < 0.01,
            "{}: {} of {}",
            row[0],
            cost.host_arena_bytes,
            row[2]
        );
        assert_eq!(
            greedy_plan(&graph, Kernels::Reference).head_bytes,
            number(3),
            "{}",
            row[0]
        );
    }
}

#[test]
fn only_the_kernels_used_take_flash() {
    let nano = Target::new(Some(Board::find("nano-33-ble").unwrap()), Limits::default());
    let chain = nano.cost(&mobilenet_v1(3)).runtime_bytes;
    let residual = nano.cost(&inverted_residuals(32, 8, 3)).runtime_bytes;
    assert_eq!(residual, (46 + 24) * 1024);
    assert_eq!(residual - chain, 2 * 1024, "no ADD");
}
