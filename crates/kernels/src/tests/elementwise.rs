//! Elementwise operators and pooling.

use super::*;
use crate::{Sums, reference};
use crate::{add_assign, affine, average_pool_backward, average_pool_forward, gradient_sums};

/// Pixels, channels.
const SHAPES: [(usize, usize); 9] = [
    (1, 1),
    (1, 17),
    (37, 1),
    (6, 8),
    (11, 17),
    (9, 24),
    (5, 64),
    (3, 1301),
    (200, 3),
];

pub(super) fn affine_adds_a_residual(isa: Isa) {
    for (pixels, channels) in SHAPES {
        let z = Tensor::new(pixels, pixels, channels).scaled();
        let residual = numbers(1, pixels * channels);
        for reading in READINGS {
            for residual in [None, Some(&residual[..])] {
                let (mut out, mut expected) =
                    (vec![0.0; pixels * channels], vec![0.0; pixels * channels]);
                affine(isa, z.source(reading), residual, &mut out);
                reference::affine(z.source(reading), residual, &mut expected);
                assert_near(
                    &out,
                    &expected,
                    Tolerance::Close,
                    &format!("{pixels} x {channels}, {reading:?}"),
                );
            }
        }
    }
}

pub(super) fn gradient_sums_are_sums(isa: Isa) {
    for (pixels, channels) in SHAPES {
        let (dy, z) = (numbers(1, pixels * channels), numbers(2, pixels * channels));
        let (mut sums, mut expected) = (Sums::new(channels), Sums::new(channels));
        gradient_sums(isa, &dy, &z, channels, &mut sums);
        reference::gradient_sums(&dy, &z, channels, &mut expected);
        let what = format!("{pixels} x {channels}");
        assert_near(&sums.first, &expected.first, Tolerance::Close, &what);
        assert_near(&sums.second, &expected.second, Tolerance::Close, &what);
    }
}

pub(super) fn add_assign_adds(isa: Isa) {
    for length in [0, 1, 15, 16, 17, 100] {
        let (mut dst, src) = (numbers(1, length), numbers(2, length));
        let mut expected = dst.clone();
        add_assign(isa, &mut dst, &src);
        reference::add_assign(&mut expected, &src);
        assert_near(&dst, &expected, Tolerance::Exact, &format!("{length}"));
    }
}

pub(super) fn average_pool_is_the_mean(isa: Isa) {
    for (images, positions, channels) in [
        (1, 1, 1),
        (3, 1, 17),
        (2, 25, 1),
        (2, 9, 17),
        (3, 4, 48),
        (1, 36, 100),
        (2, 5, 3),
    ] {
        let x = Tensor::new(channels, images * positions, channels).scaled();
        let dpooled = numbers(1, images * channels);
        for reading in READINGS {
            let what = format!("{images} x {positions} x {channels}, {reading:?}");
            let source = x.source(reading);
            let (mut out, mut expected) =
                (vec![0.0; images * channels], vec![0.0; images * channels]);
            average_pool_forward(isa, source, images, positions, channels, &mut out);
            reference::average_pool_forward(source, images, positions, channels, &mut expected);
            assert_near(&out, &expected, Tolerance::Close, &what);

            let (mut dx, mut expected_dx) = (vec![7.0; x.data.len()], vec![7.0; x.data.len()]);
            let (mut sums, mut expected_sums) = (Sums::new(channels), Sums::new(channels));
            let wanted = Some(&mut sums);
            average_pool_backward(
                isa, &dpooled, source, images, positions, channels, &mut dx, wanted,
            );
            let wanted = Some(&mut expected_sums);
            reference::average_pool_backward(
                &dpooled,
                source,
                images,
                positions,
                channels,
                &mut expected_dx,
                wanted,
            );
            assert_near(&dx, &expected_dx, Tolerance::Close, &what);
            assert_near(&sums.first, &expected_sums.first, Tolerance::Close, &what);
            assert_near(&sums.second, &expected_sums.second, Tolerance::Close, &what);
        }
    }
}
