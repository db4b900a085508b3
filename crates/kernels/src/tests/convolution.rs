//! Depthwise convolution and the stem.

use super::*;
use crate::{Panels, Scratch, Sums, Window, reference};
use crate::{depthwise_backward, depthwise_forward, stem_backward, stem_forward};

/// Images, height, width, channels, kernel.
const SHAPES: [(usize, usize, usize, usize, usize); 16] = [
    (1, 1, 1, 1, 1),
    (2, 1, 1, 17, 3),
    (3, 1, 1, 1, 3),
    (1, 1, 1, 17, 7),
    (2, 5, 4, 1, 3),
    (1, 9, 9, 1, 5),
    (1, 7, 9, 17, 3),
    (2, 6, 6, 8, 3),
    (1, 12, 11, 24, 3),
    (3, 3, 3, 48, 3),
    (1, 16, 20, 16, 3),
    (2, 4, 5, 5, 5),
    (1, 11, 12, 32, 5),
    (1, 2, 3, 9, 7),
    (1, 13, 14, 40, 7),
    (2, 6, 5, 3, 2),
];

fn windows() -> impl Iterator<Item = Window> {
    SHAPES
        .into_iter()
        .flat_map(|(images, height, width, channels, kernel)| {
            [1, 2].map(|stride| Window {
                images,
                height,
                width,
                channels,
                kernel,
                stride,
            })
        })
}

pub(super) fn depthwise_forward_is_a_convolution(isa: Isa) {
    let mut scratch = Scratch::new();
    for window in windows() {
        let channels = window.channels;
        let x = Tensor::new(channels, window.in_len() / channels, channels).scaled();
        let w = numbers(1, window.kernel * window.kernel * channels);
        for reading in READINGS {
            let what = format!("{window:?}, {reading:?}");
            let length = window.out_pixels() * channels;
            let (mut out, mut expected) = (vec![7.0; length], vec![7.0; length]);
            let (mut sums, mut expected_sums) = (Sums::new(channels), Sums::new(channels));
            let source = x.source(reading);
            depthwise_forward(
                isa,
                source,
                window,
                &w,
                &mut out,
                Some(&mut sums),
                &mut scratch,
            );
            reference::depthwise_forward(
                source,
                window,
                &w,
                &mut expected,
                Some(&mut expected_sums),
            );
            assert_near(&out, &expected, Tolerance::Close, &what);
            assert_near(&sums.first, &expected_sums.first, Tolerance::Close, &what);
            assert_near(&sums.second, &expected_sums.second, Tolerance::Close, &what);
            let mut without = vec![7.0; length];
            depthwise_forward(isa, source, window, &w, &mut without, None, &mut scratch);
            assert_near(&without, &out, Tolerance::Exact, &what);
        }
    }
}

pub(super) fn depthwise_backward_is_both_gradients(isa: Isa) {
    let mut scratch = Scratch::new();
    for window in windows() {
        let channels = window.channels;
        let x = Tensor::new(channels, window.in_len() / channels, channels).scaled();
        let z = Tensor::new(channels + 7, window.out_pixels(), channels);
        let w = numbers(1, window.kernel * window.kernel * channels);
        for (case, reading) in READINGS.into_iter().enumerate() {
            let what = format!("{window:?}, {reading:?}");
            let (source, gradient) = (x.source(reading), z.gradient(READINGS[2 - case]));
            let (mut dx, mut dw) = (vec![7.0; window.in_len()], numbers(2, w.len()));
            let (mut expected_dx, mut expected_dw) = (dx.clone(), dw.clone());
            let (mut sums, mut expected_sums) = (Sums::new(channels), Sums::new(channels));
            let wanted = Some(&mut sums);
            depthwise_backward(
                isa,
                gradient,
                source,
                window,
                &w,
                &mut dx,
                wanted,
                &mut dw,
                &mut scratch,
            );
            let wanted = Some(&mut expected_sums);
            reference::depthwise_backward(
                gradient,
                source,
                window,
                &w,
                &mut expected_dx,
                wanted,
                &mut expected_dw,
            );
            assert_near(&dx, &expected_dx, Tolerance::Close, &what);
            assert_near(&dw, &expected_dw, Tolerance::Close, &what);
            assert_near(&sums.first, &expected_sums.first, Tolerance::Close, &what);
            assert_near(&sums.second, &expected_sums.second, Tolerance::Close, &what);
        }
    }
}

pub(super) fn stem_is_a_convolution_of_pixels(isa: Isa) {
    let mut scratch = Scratch::new();
    for (images, height, width, channels, n, stride) in [
        (1, 1, 1, 1, 1, 2),
        (2, 1, 1, 3, 17, 2),
        (1, 5, 7, 3, 1, 2),
        (2, 6, 8, 3, 16, 2),
        (1, 7, 5, 3, 17, 2),
        (2, 9, 34, 1, 8, 2),
        (1, 4, 27, 3, 48, 2),
        (1, 5, 6, 1, 9, 1),
    ] {
        let window = Window {
            images,
            height,
            width,
            channels,
            kernel: 3,
            stride,
        };
        let what = format!("{window:?} to {n}");
        let pixels: Vec<u8> = (0..window.in_len()).map(|i| (i * 89 % 256) as u8).collect();
        let k = 9 * channels;
        let w = numbers(1, k * n);
        let mut panels = Panels::new();
        panels.pack(isa, &w, n, k, n);
        let length = window.out_pixels() * n;
        let (mut out, mut expected) = (vec![0.0; length], vec![0.0; length]);
        let (mut sums, mut expected_sums) = (Sums::new(n), Sums::new(n));
        let wanted = Some(&mut sums);
        stem_forward(
            isa,
            &pixels,
            window,
            n,
            &panels,
            &mut out,
            wanted,
            &mut scratch,
        );
        reference::stem_forward(
            &pixels,
            window,
            n,
            &w,
            &mut expected,
            Some(&mut expected_sums),
        );
        assert_near(&out, &expected, Tolerance::Close, &what);
        assert_near(&sums.first, &expected_sums.first, Tolerance::Close, &what);
        assert_near(&sums.second, &expected_sums.second, Tolerance::Close, &what);

        let z = Tensor::new(5, window.out_pixels(), n);
        for reading in [Reading::Stored, Reading::Linear] {
            let gradient = z.gradient(reading);
            let (mut dw, mut expected_dw) = (numbers(2, k * n), numbers(2, k * n));
            stem_backward(isa, &pixels, gradient, window, n, &mut dw, &mut scratch);
            reference::stem_backward(&pixels, gradient, window, n, &mut expected_dw);
            assert_near(&dw, &expected_dw, Tolerance::Close, &what);
        }
    }
}

/// TensorFlow's SAME padding with stride 2, as it is known and not as the reference makes it: on an even side one pixel
/// at the bottom and at the right, on an odd one a pixel all round. A kernel of ones counts the pixels under it.
pub(super) fn stride_two_pads_as_tensorflow_does(isa: Isa) {
    let mut scratch = Scratch::new();
    // Side, pixels under each window, windows over each pixel; all along one axis.
    for (side, covered, windows) in [
        (4, vec![3.0, 2.0], vec![1.0, 1.0, 2.0, 1.0]),
        (5, vec![2.0, 3.0, 2.0], vec![1.0, 2.0, 1.0, 2.0, 1.0]),
    ] {
        for channels in [1, 17] {
            let window = Window {
                images: 1,
                height: side,
                width: side,
                channels,
                kernel: 3,
                stride: 2,
            };
            let product = |of: &[f32]| -> Vec<f32> {
                let rows = of
                    .iter()
                    .flat_map(|row| of.iter().map(move |column| row * column));
                rows.flat_map(|value| vec![value; channels]).collect()
            };
            let (x, w) = (vec![1.0; window.in_len()], vec![1.0; 9 * channels]);
            let source = Source::plain(&x);
            let mut out = product(&covered);
            out.fill(0.0);
            depthwise_forward(isa, source, window, &w, &mut out, None, &mut scratch);
            assert_eq!(out, product(&covered), "{side}, {channels} channels");

            // The gradient of an input pixel counts the windows that it lies under.
            let dy = vec![1.0; out.len()];
            let (mut dx, mut dw) = (vec![0.0; x.len()], w.clone());
            let gradient = Gradient::plain(&dy);
            depthwise_backward(
                isa,
                gradient,
                source,
                window,
                &w,
                &mut dx,
                None,
                &mut dw,
                &mut scratch,
            );
            assert_eq!(dx, product(&windows), "{side}, {channels} channels");
        }
        let window = Window {
            images: 1,
            height: side,
            width: side,
            channels: 1,
            kernel: 3,
            stride: 2,
        };
        let mut panels = Panels::new();
        panels.pack(isa, &[1.0; 9], 1, 9, 1);
        let mut out = vec![0.0; covered.len() * covered.len()];
        // A byte of 192 is read as 0.5.
        let pixels = vec![192; side * side];
        stem_forward(
            isa,
            &pixels,
            window,
            1,
            &panels,
            &mut out,
            None,
            &mut scratch,
        );
        let expected: Vec<f32> = (covered.iter())
            .flat_map(|row| covered.iter().map(move |column| 0.5 * row * column))
            .collect();
        assert_eq!(out, expected, "{side}, stem");
    }
}

/// Scratch space that holds infinities from another call must not leak into padding or sums.
pub(super) fn scratch_never_influences_a_result(isa: Isa) {
    let window = Window {
        images: 1,
        height: 5,
        width: 7,
        channels: 5,
        kernel: 3,
        stride: 1,
    };
    let x = Tensor::new(1, 35, 5);
    let z = Tensor::new(2, 35, 5);
    let w = numbers(3, 45);
    let run = |scratch: &mut Scratch, x: &Tensor, z: &Tensor| {
        let (mut dx, mut dw, mut out) = (vec![0.0; 175], vec![0.0; 45], vec![0.0; 175]);
        let (mut sums, mut forward) = (Sums::new(5), Sums::new(5));
        let (source, gradient) = (x.source(Reading::Relu6), z.gradient(Reading::Linear));
        depthwise_forward(
            isa,
            source,
            window,
            &w,
            &mut out,
            Some(&mut forward),
            scratch,
        );
        let wanted = Some(&mut sums);
        depthwise_backward(
            isa, gradient, source, window, &w, &mut dx, wanted, &mut dw, scratch,
        );
        (out, dx, dw, sums.second, forward.second)
    };
    let mut scratch = Scratch::new();
    let fresh = run(&mut scratch, &x, &z);
    let mut wild = Tensor::new(1, 35, 5);
    wild.data.fill(f32::INFINITY);
    wild.dy.fill(f32::NAN);
    run(&mut scratch, &wild, &wild);
    assert_eq!(run(&mut scratch, &x, &z), fresh);
}

/// Chunks may be cut anywhere between images: each image gives the same bits alone as in company.
pub(super) fn images_are_independent(isa: Isa) {
    let both = Window {
        images: 2,
        height: 6,
        width: 9,
        channels: 17,
        kernel: 3,
        stride: 2,
    };
    let one = Window { images: 1, ..both };
    let x = Tensor::new(1, both.in_len() / 17, 17).scaled();
    let w = numbers(2, 9 * 17);
    let mut scratch = Scratch::new();
    let mut together = vec![0.0; both.out_pixels() * 17];
    let source = x.source(Reading::Relu6);
    depthwise_forward(isa, source, both, &w, &mut together, None, &mut scratch);
    let mut alone = vec![0.0; one.out_pixels() * 17];
    let second = Source {
        data: &source.data[one.in_len()..],
        ..source
    };
    depthwise_forward(isa, second, one, &w, &mut alone, None, &mut scratch);
    assert_eq!(alone, together[alone.len()..]);
}

pub(super) fn no_images_are_nothing(isa: Isa) {
    let window = Window {
        images: 0,
        height: 4,
        width: 5,
        channels: 3,
        kernel: 3,
        stride: 2,
    };
    let (w, mut scratch) = (numbers(1, 27), Scratch::new());
    let (source, gradient) = (Source::plain(&[]), Gradient::plain(&[]));
    let (mut sums, mut dw) = (Sums::new(3), w.clone());
    depthwise_forward(
        isa,
        source,
        window,
        &w,
        &mut [],
        Some(&mut sums),
        &mut scratch,
    );
    let wanted = Some(&mut sums);
    depthwise_backward(
        isa,
        gradient,
        source,
        window,
        &w,
        &mut [],
        wanted,
        &mut dw,
        &mut scratch,
    );
    let mut panels = Panels::new();
    panels.pack(isa, &w, 1, 27, 1);
    let mut stem_sums = Sums::new(1);
    stem_forward(
        isa,
        &[],
        window,
        1,
        &panels,
        &mut [],
        Some(&mut stem_sums),
        &mut scratch,
    );
    stem_backward(isa, &[], gradient, window, 1, &mut dw, &mut scratch);
    assert_eq!((sums, stem_sums, dw), (Sums::new(3), Sums::new(1), w));
}
