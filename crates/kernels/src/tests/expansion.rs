//! Tensors that are made while they are read, against the same tensors stored.

use super::*;
use crate::{Expansion, Moments, Panels, Scratch, Sums, Window, reference};
use crate::{
    expanded_depthwise_backward, expanded_depthwise_forward, moments, pointwise_accumulate,
};

pub(super) fn moments_are_sums_of_products(isa: Isa) {
    let mut scratch = Scratch::new();
    for (rows, k) in [(0, 3), (1, 1), (7, 17), (100, 8), (2000, 24), (333, 49)] {
        let x = Tensor::new(rows + k, rows, k).scaled();
        for reading in READINGS {
            let source = x.source(reading);
            let mut expected = Moments::default();
            expected.reset(k);
            expected.first.fill(2.0);
            let mut got = expected.clone();
            reference::moments(source, k, &mut expected);
            moments(isa, source, rows, k, &mut got, &mut scratch);
            let what = format!("{rows} rows of {k}, {reading:?}");
            assert_near(&got.first, &expected.first, Tolerance::Close, &what);
            assert_near(&got.second, &expected.second, Tolerance::Close, &what);
        }
    }
}

pub(super) fn accumulating_adds_a_product(isa: Isa) {
    let mut scratch = Scratch::new();
    for (rows, k) in [(0, 3), (1, 1), (5, 17), (100, 8), (400, 24), (33, 49)] {
        let x = Tensor::new(rows + k, rows, k).scaled();
        let (weights, bias) = (numbers(3, k * k), numbers(4, k));
        let mut panels = Panels::new();
        panels.pack(isa, &weights, k, k, k);
        for reading in READINGS {
            let source = x.source(reading);
            let (mut out, mut sums) = (numbers(5, rows * k), Sums::new(k));
            let (mut expected, mut expected_sums) = (out.clone(), Sums::new(k));
            let wanted = Some(&mut expected_sums);
            reference::pointwise_accumulate(
                source,
                rows,
                k,
                &weights,
                &bias,
                &mut expected,
                wanted,
            );
            let wanted = Some(&mut sums);
            pointwise_accumulate(
                isa,
                source,
                rows,
                k,
                &panels,
                &bias,
                &mut out,
                wanted,
                &mut scratch,
            );
            let what = format!("{rows} rows of {k}, {reading:?}");
            assert_near(&out, &expected, Tolerance::Close, &what);
            assert_near(&sums.first, &expected_sums.first, Tolerance::Close, &what);
            assert_near(&sums.second, &expected_sums.second, Tolerance::Close, &what);
        }
    }
}

/// Windows over an expansion, and the channels of what it is made of.
fn windows() -> impl Iterator<Item = (Window, usize)> {
    let shapes = [
        (1, 1, 1, 1, 1, 1),
        (2, 5, 4, 3, 17, 3),
        (1, 9, 9, 8, 24, 5),
        (3, 7, 9, 5, 48, 3),
        (2, 12, 50, 8, 40, 3),
        (1, 130, 3, 2, 9, 7),
        (2, 6, 6, 17, 64, 3),
    ];
    (shapes.into_iter()).flat_map(|(images, height, width, k, channels, kernel)| {
        [1, 2].map(|stride| {
            let window = Window {
                images,
                height,
                width,
                channels,
                kernel,
                stride,
            };
            (window, k)
        })
    })
}

/// An expansion with what it is made of, and the same stored.
struct Expanded {
    x: Tensor,
    weights: Vec<f32>,
    panels: Panels,
    /// What the convolution makes, with the norm behind it.
    z: Tensor,
}

impl Expanded {
    fn new(isa: Isa, window: &Window, k: usize, reading: Reading) -> Self {
        let (pixels, n) = (window.in_len() / window.channels, window.channels);
        let x = Tensor::new(pixels + k, pixels, k).scaled();
        let weights = numbers(11, k * n);
        let mut panels = Panels::new();
        panels.pack(isa, &weights, n, k, n);
        let mut z = Tensor::new(13, pixels, n).scaled();
        let source = x.source(reading);
        reference::pointwise_forward(source, pixels, k, &weights, n, &mut z.data, None);
        Self {
            x,
            weights,
            panels,
            z,
        }
    }

    fn expansion(&self, reading: Reading, norm: Reading) -> Expansion<'_> {
        Expansion {
            source: self.x.source(reading),
            weights: &self.panels,
            norm: self.z.source(norm).norm.expect("a norm"),
        }
    }
}

pub(super) fn expanded_forward_is_the_stored_one(isa: Isa) {
    let mut scratch = Scratch::new();
    for (window, k) in windows() {
        let n = window.channels;
        let taps = numbers(1, window.kernel * window.kernel * n);
        for reading in READINGS {
            for norm in [Reading::Linear, Reading::Relu6] {
                let what = format!("{window:?} of {k}, {reading:?}, {norm:?}");
                let expanded = Expanded::new(isa, &window, k, reading);
                let mut expected = vec![0.0; window.out_pixels() * n];
                let mut out = vec![7.0; expected.len()];
                let (mut sums, mut expected_sums) = (Sums::new(n), Sums::new(n));
                let stored = expanded.z.source(norm);
                let wanted = Some(&mut expected_sums);
                reference::depthwise_forward(stored, window, &taps, &mut expected, wanted);
                expanded_depthwise_forward(
                    isa,
                    expanded.expansion(reading, norm),
                    window,
                    &taps,
                    &mut out,
                    Some(&mut sums),
                    &mut scratch,
                );
                assert_near(&out, &expected, Tolerance::Close, &what);
                assert_near(&sums.first, &expected_sums.first, Tolerance::Close, &what);
                assert_near(&sums.second, &expected_sums.second, Tolerance::Close, &what);
            }
        }
    }
}

pub(super) fn expanded_backward_is_the_stored_one(isa: Isa) {
    let mut scratch = Scratch::new();
    for (window, k) in windows() {
        let (n, pixels) = (window.channels, window.in_len() / window.channels);
        let taps = numbers(1, window.kernel * window.kernel * n);
        let out = Tensor::new(n + 7, window.out_pixels(), n);
        for (case, reading) in READINGS.into_iter().enumerate() {
            for norm in [Reading::Linear, Reading::Relu6] {
                let what = format!("{window:?} of {k}, {reading:?}, {norm:?}");
                let expanded = Expanded::new(isa, &window, k, reading);
                let gradient = out.gradient(READINGS[2 - case]);

                // The stored way: the gradient of the expansion, and what is made of it.
                let mut dy = vec![0.0; pixels * n];
                let mut expected_dw = numbers(2, taps.len());
                let mut expected_sums = Sums::new(n);
                reference::depthwise_backward(
                    gradient,
                    expanded.z.source(norm),
                    window,
                    &taps,
                    &mut dy,
                    Some(&mut expected_sums),
                    &mut expected_dw,
                );
                let x = reference::values(&expanded.x.source(reading), k);
                let accumulate = case == 1;
                let before = numbers(3, pixels * k);
                let mut expected_dx: Vec<f64> = (before.iter())
                    .map(|&value| f64::from(value) * f64::from(u8::from(accumulate)))
                    .collect();
                let mut expected_products: Vec<f64> =
                    numbers(4, k * n).into_iter().map(f64::from).collect();
                for pixel in 0..pixels {
                    for (inner, column) in (0..k * n).map(|at| (at / n, at % n)) {
                        let dy = f64::from(dy[pixel * n + column]);
                        let weight = f64::from(expanded.weights[inner * n + column]);
                        expected_dx[pixel * k + inner] += dy * weight;
                        expected_products[inner * n + column] += dy * x[pixel * k + inner];
                    }
                }

                let mut weights_t = Panels::new();
                weights_t.pack_transposed(isa, &expanded.weights, n, n, k);
                let (mut dx, mut dw) = (before, numbers(2, taps.len()));
                let (mut products, mut sums) = (numbers(4, k * n), Sums::new(n));
                expanded_depthwise_backward(
                    isa,
                    gradient,
                    expanded.expansion(reading, norm),
                    window,
                    &taps,
                    &weights_t,
                    &mut dx,
                    accumulate,
                    &mut products,
                    &mut sums,
                    &mut dw,
                    &mut scratch,
                );
                let close = Tolerance::Close;
                let dx: Vec<f64> = dx.into_iter().map(f64::from).collect();
                let products: Vec<f64> = products.into_iter().map(f64::from).collect();
                assert_near(&dx, &expected_dx, close, &what);
                assert_near(&products, &expected_products, close, &what);
                assert_near(&dw, &expected_dw, close, &what);
                assert_near(&sums.first, &expected_sums.first, close, &what);
            }
        }
    }
}
