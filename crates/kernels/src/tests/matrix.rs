//! Pointwise convolution and the dense layer.

use super::*;
use crate::{Panels, Scratch, Sums, reference};
use crate::{dense_backward, dense_forward, pointwise_backward, pointwise_forward};

/// Rows, k, n.
const SHAPES: [(usize, usize, usize); 13] = [
    (1, 1, 1),
    (1, 17, 17),
    (5, 17, 1),
    (13, 1, 17),
    (30, 3, 5),
    (97, 8, 48),
    (200, 24, 8),
    (49, 16, 33),
    (26, 40, 65),
    (7, 19, 112),
    (108, 72, 24),
    (410, 7, 130),
    (3, 300, 31),
];

fn packed(isa: Isa, weights: &[f32], k: usize, n: usize) -> Panels {
    let mut panels = Panels::new();
    panels.pack(isa, weights, n, k, n);
    panels
}

fn packed_transposed(isa: Isa, weights: &[f32], k: usize, n: usize) -> Panels {
    let mut panels = Panels::new();
    panels.pack_transposed(isa, weights, n, n, k);
    panels
}

pub(super) fn pointwise_forward_is_a_product(isa: Isa) {
    let mut scratch = Scratch::new();
    for (rows, k, n) in SHAPES {
        let x = Tensor::new(rows, rows, k).scaled();
        let w = numbers(k, k * n);
        let panels = packed(isa, &w, k, n);
        for reading in READINGS {
            let what = format!("{rows} x {k} x {n}, {reading:?}");
            let (mut out, mut expected) = (vec![7.0; rows * n], vec![7.0; rows * n]);
            let (mut sums, mut expected_sums) = (Sums::new(n), Sums::new(n));
            let source = x.source(reading);
            let wanted = Some(&mut sums);
            pointwise_forward(
                isa,
                source,
                rows,
                k,
                &panels,
                &mut out,
                wanted,
                &mut scratch,
            );
            let wanted = Some(&mut expected_sums);
            reference::pointwise_forward(source, rows, k, &w, n, &mut expected, wanted);
            assert_near(&out, &expected, Tolerance::Close, &what);
            assert_near(&sums.first, &expected_sums.first, Tolerance::Close, &what);
            assert_near(&sums.second, &expected_sums.second, Tolerance::Close, &what);
        }
    }
}

pub(super) fn pointwise_backward_is_both_gradients(isa: Isa) {
    let mut scratch = Scratch::new();
    for (rows, k, n) in SHAPES {
        let (x, z) = (
            Tensor::new(rows, rows, k).scaled(),
            Tensor::new(rows + 9, rows, n),
        );
        let w = numbers(k, k * n);
        let panels = packed_transposed(isa, &w, k, n);
        for (case, reading) in READINGS.into_iter().enumerate() {
            let accumulate = case != 1;
            let what = format!("{rows} x {k} x {n}, {reading:?}");
            let (source, gradient) = (x.source(reading), z.gradient(READINGS[2 - case]));
            let (mut dx, mut dw) = (numbers(1, rows * k), numbers(2, k * n));
            let (mut expected_dx, mut expected_dw) = (dx.clone(), dw.clone());
            let (mut sums, mut expected_sums) = (Sums::new(k), Sums::new(k));
            pointwise_backward(
                isa,
                gradient,
                source,
                rows,
                k,
                n,
                &panels,
                Some(&mut dx),
                accumulate,
                Some(&mut sums),
                &mut dw,
                n,
                &mut scratch,
            );
            reference::pointwise_backward(
                gradient,
                source,
                rows,
                k,
                n,
                &w,
                Some(&mut expected_dx),
                accumulate,
                Some(&mut expected_sums),
                &mut expected_dw,
                n,
            );
            assert_near(&dx, &expected_dx, Tolerance::Close, &what);
            assert_near(&dw, &expected_dw, Tolerance::Close, &what);
            assert_near(&sums.first, &expected_sums.first, Tolerance::Close, &what);
            assert_near(&sums.second, &expected_sums.second, Tolerance::Close, &what);
        }
    }
}

/// Elastic width: the weights, and their gradient, are the corner of a larger matrix.
pub(super) fn weights_may_be_part_of_a_matrix(isa: Isa) {
    let (rows, k, n, ld) = (11, 6, 21, 40);
    let x = Tensor::new(1, rows, k);
    let z = Tensor::new(2, rows, n);
    let whole = numbers(3, k * ld);
    let part: Vec<f32> = whole
        .chunks(ld)
        .flat_map(|row| &row[..n])
        .copied()
        .collect();
    let mut panels = Panels::new();
    panels.pack(isa, &whole, ld, k, n);
    let mut scratch = Scratch::new();
    let source = x.source(Reading::Stored);
    let mut out = vec![0.0; rows * n];
    pointwise_forward(isa, source, rows, k, &panels, &mut out, None, &mut scratch);
    let mut expected = out.clone();
    reference::pointwise_forward(source, rows, k, &part, n, &mut expected, None);
    assert_near(&out, &expected, Tolerance::Close, "forward");

    panels.pack_transposed(isa, &whole, ld, n, k);
    let (mut dx, mut dw) = (vec![0.0; rows * k], vec![1.0; k * ld]);
    let gradient = z.gradient(Reading::Linear);
    let wanted = Some(&mut dx[..]);
    pointwise_backward(
        isa,
        gradient,
        source,
        rows,
        k,
        n,
        &panels,
        wanted,
        false,
        None,
        &mut dw,
        ld,
        &mut scratch,
    );
    let (mut expected_dx, mut expected_dw) = (vec![0.0; rows * k], vec![1.0; k * ld]);
    let wanted = Some(&mut expected_dx[..]);
    reference::pointwise_backward(
        gradient,
        source,
        rows,
        k,
        n,
        &part,
        wanted,
        false,
        None,
        &mut expected_dw,
        ld,
    );
    assert_near(&dx, &expected_dx, Tolerance::Close, "input's gradient");
    assert_near(&dw, &expected_dw, Tolerance::Close, "weights' gradient");

    // The weights' gradient alone is the same, and needs no weights.
    let mut alone = vec![1.0; k * ld];
    pointwise_backward(
        isa,
        gradient,
        source,
        rows,
        k,
        n,
        &Panels::new(),
        None,
        false,
        None,
        &mut alone,
        ld,
        &mut scratch,
    );
    assert_near(&alone, &dw, Tolerance::Exact, "weights' gradient alone");
}

pub(super) fn sums_are_added_and_may_be_left_out(isa: Isa) {
    let (rows, k, n) = (250, 9, 18);
    let x = Tensor::new(1, rows, k);
    let panels = packed(isa, &numbers(2, k * n), k, n);
    let mut scratch = Scratch::new();
    let source = x.source(Reading::Stored);
    let (mut out, mut same) = (vec![0.0; rows * n], vec![0.0; rows * n]);
    let mut once = Sums::new(n);
    pointwise_forward(
        isa,
        source,
        rows,
        k,
        &panels,
        &mut out,
        Some(&mut once),
        &mut scratch,
    );
    let mut twice = once.clone();
    pointwise_forward(
        isa,
        source,
        rows,
        k,
        &panels,
        &mut out,
        Some(&mut twice),
        &mut scratch,
    );
    let copy = once.clone();
    once.add(&copy);
    assert_near(&twice.second, &once.second, Tolerance::Close, "sums");
    pointwise_forward(isa, source, rows, k, &panels, &mut same, None, &mut scratch);
    assert_eq!(out, same);
}

pub(super) fn dense_layers_have_a_bias(isa: Isa) {
    let mut scratch = Scratch::new();
    for (rows, k, n) in [
        (1, 1, 1),
        (1, 1, 17),
        (5, 17, 1),
        (7, 33, 2),
        (16, 112, 10),
        (3, 20, 100),
    ] {
        let x = Tensor::new(rows, rows, k).scaled();
        let (w, bias, dy) = (numbers(1, k * n), numbers(2, n), numbers(3, rows * n));
        let source = x.source(Reading::Relu6);
        let (mut out, mut expected) = (vec![0.0; rows * n], vec![0.0; rows * n]);
        dense_forward(
            isa,
            source,
            rows,
            k,
            &packed(isa, &w, k, n),
            &bias,
            &mut out,
            &mut scratch,
        );
        reference::dense_forward(source, rows, k, &w, &bias, &mut expected);
        assert_near(&out, &expected, Tolerance::Close, "dense forward");

        let (mut dx, mut dw, mut dbias) = (vec![0.0; rows * k], vec![1.0; k * n], vec![1.0; n]);
        let (mut expected_dx, mut expected_dw, mut expected_dbias) =
            (dx.clone(), dw.clone(), dbias.clone());
        let panels = packed_transposed(isa, &w, k, n);
        let wanted = Some(&mut dx[..]);
        dense_backward(
            isa,
            &dy,
            source,
            rows,
            k,
            &panels,
            wanted,
            &mut dw,
            n,
            &mut dbias,
            &mut scratch,
        );
        let wanted = Some(&mut expected_dx[..]);
        reference::dense_backward(
            &dy,
            source,
            rows,
            k,
            &w,
            wanted,
            &mut expected_dw,
            n,
            &mut expected_dbias,
        );
        assert_near(
            &dx,
            &expected_dx,
            Tolerance::Close,
            "dense, input's gradient",
        );
        assert_near(
            &dw,
            &expected_dw,
            Tolerance::Close,
            "dense, weights' gradient",
        );
        assert_near(
            &dbias,
            &expected_dbias,
            Tolerance::Close,
            "dense, bias' gradient",
        );
    }
}
