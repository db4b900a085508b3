//! Files that are wrong in one place: each is refused with an error that says so.

mod common;

use common::converted;
use common::craft::{Craft, Field, INT8, SAME, VALID, convolution, pool, small_network};
use danas_deploy::{Interpreter, ModelError, ReadError, read_network};

/// Positions in [`small_network`].
mod tensor {
    pub(crate) const INPUT: usize = 0;
    pub(crate) const WEIGHTS: usize = 1;
    pub(crate) const BIAS: usize = 2;
    pub(crate) const CONVOLVED: usize = 3;
    pub(crate) const POOLED: usize = 4;
    pub(crate) const PADDINGS: usize = 5;
    pub(crate) const PADDED: usize = 6;
    pub(crate) const AXES: usize = 7;
    pub(crate) const MEAN: usize = 8;
    pub(crate) const MATRIX: usize = 9;
    pub(crate) const LOGITS: usize = 11;
    pub(crate) const PROBABILITIES: usize = 12;
}
mod operator {
    pub(crate) const CONVOLUTION: usize = 0;
    pub(crate) const POOL: usize = 1;
    pub(crate) const PAD: usize = 2;
    pub(crate) const MEAN: usize = 3;
    pub(crate) const MATRIX: usize = 4;
    pub(crate) const SOFTMAX: usize = 5;
}

/// Why the small network is refused when it is changed.
fn refused(change: impl FnOnce(&mut Craft)) -> ReadError {
    let mut craft = small_network();
    change(&mut craft);
    read_network(&craft.bytes()).expect_err("a file that is wrong")
}

/// Demands that the message of an error has some words.
fn says(error: &ReadError, words: &str) {
    assert!(error.to_string().contains(words), "{error}, not {words}");
}

#[test]
fn nothing_is_wrong_with_the_small_network() {
    let network = read_network(&small_network().bytes()).unwrap().network;
    assert_eq!(network.program().operations().len(), 6);
    let outputs = Interpreter::new(network).run(&[17; 8 * 8 * 3]).unwrap();
    assert_eq!(outputs.len(), 3);
}

#[test]
fn a_file_that_is_cut_off_is_refused() {
    let mut files = vec![small_network().bytes()];
    files.extend(converted::all().into_iter().map(|file| file.bytes));
    for bytes in files {
        let step = (bytes.len() / 2000).max(1);
        for length in (0..bytes.len()).step_by(step) {
            assert!(read_network(&bytes[..length]).is_err(), "{length}");
        }
    }
}

#[test]
fn no_offset_leads_out_of_the_file() {
    let bytes = small_network().bytes();
    for at in (0..bytes.len() - 4).step_by(4) {
        for value in [0, 1, 4, 0x7fff_ffff, 0x8000_0000, 0xffff_fffc, u32::MAX] {
            let mut damaged = bytes.clone();
            damaged[at..at + 4].copy_from_slice(&value.to_le_bytes());
            // It may still be a file; what counts is that nothing panics.
            if let Ok(file) = read_network(&damaged) {
                file.network.program();
            }
        }
    }
    let mut damaged = bytes.clone();
    damaged[..4].copy_from_slice(&u32::MAX.to_le_bytes());
    let error = read_network(&damaged).unwrap_err();
    assert!(matches!(error, ReadError::OutOfBounds { .. }), "{error}");
}

#[test]
fn shapes_that_are_too_large_are_refused() {
    for shape in [
        vec![1, 65_535, 65_535, 3],
        vec![1, i32::MAX, i32::MAX, i32::MAX],
        vec![1, 8, 8, 1 << 20],
    ] {
        let error = refused(|craft| craft.tensors[tensor::INPUT].shape = shape);
        assert!(
            matches!(error, ReadError::Model(ModelError::TooLarge { .. })),
            "{error}"
        );
    }
    for shape in [vec![1, 0, 8, 3], vec![1, -8, 8, 3]] {
        let error = refused(|craft| craft.tensors[tensor::INPUT].shape = shape);
        assert!(
            matches!(error, ReadError::Model(ModelError::Empty { .. })),
            "{error}"
        );
    }
    for shape in [vec![], vec![8], vec![2, 8, 8, 3], vec![1, 1, 8, 8, 3]] {
        let error = refused(|craft| craft.tensors[tensor::INPUT].shape = shape);
        assert!(matches!(error, ReadError::Unsupported { .. }), "{error}");
    }
    let error = refused(|craft| craft.tensors[tensor::INPUT].shape = vec![1; 1000]);
    assert!(
        matches!(error, ReadError::LongList { found: 1000, .. }),
        "{error}"
    );
    // Weights of which the file has only a part.
    let error = refused(|craft| craft.tensors[tensor::WEIGHTS].shape = vec![4, 40_000, 40_000, 3]);
    assert!(matches!(error, ReadError::DataSize { .. }), "{error}");
    let error = refused(|craft| craft.tensors[tensor::WEIGHTS].shape = vec![i32::MAX; 4]);
    says(&error, "channels of weights");
}

#[test]
fn cycles_are_refused() {
    let reads =
        |at: usize, input: usize| refused(|craft| craft.operators[at].inputs[0] = input as i32);
    // What it writes itself, and what comes later.
    for input in [tensor::POOLED, tensor::PADDED, tensor::PROBABILITIES] {
        let error = reads(operator::POOL, input);
        assert!(matches!(error, ReadError::Index { .. }), "{error}");
        says(&error, "earlier activation");
    }
    let writes = |at: usize, output: usize| {
        refused(|craft| craft.operators[at].outputs = vec![output as i32])
    };
    says(
        &writes(operator::POOL, tensor::INPUT),
        "writing a tensor twice",
    );
    says(
        &writes(operator::SOFTMAX, tensor::CONVOLVED),
        "writing a tensor twice",
    );
    let error = refused(|craft| craft.outputs = vec![tensor::LOGITS as i32]);
    says(&error, "an output that is not the last operator's");
    let error = refused(|craft| craft.inputs = vec![tensor::INPUT as i32, tensor::POOLED as i32]);
    says(&error, "not exactly one input and one output");
    let error = refused(|craft| craft.operators.clear());
    assert!(matches!(error, ReadError::Unsupported { .. }), "{error}");
}

#[test]
fn missing_data_is_noticed() {
    let error = refused(|craft| craft.tensors[tensor::WEIGHTS].buffer = 999);
    assert!(
        matches!(
            error,
            ReadError::Index {
                what: "buffer",
                index: 999,
                ..
            }
        ),
        "{error}"
    );
    for constant in [tensor::WEIGHTS, tensor::BIAS, tensor::MATRIX] {
        let error = refused(|craft| craft.tensors[constant].buffer = 0);
        assert!(
            matches!(error, ReadError::DataSize { found: 0, .. }),
            "{error}"
        );
    }
    for constant in [tensor::PADDINGS, tensor::AXES] {
        let error = refused(|craft| craft.tensors[constant].buffer = 0);
        says(&error, "as axes, paddings or dimensions");
    }
    let error = refused(|craft| craft.tensors[tensor::POOLED].buffer = 1);
    says(&error, "a constant as an activation");
    let error = refused(|craft| craft.operators[operator::MATRIX].inputs[1] = 4711);
    assert!(
        matches!(error, ReadError::Index { what: "tensor", .. }),
        "{error}"
    );
    let error = refused(|craft| craft.operators[operator::MATRIX].inputs.truncate(1));
    says(&error, "1 inputs");
}

#[test]
fn windows_that_do_not_fit_are_refused() {
    let options =
        |at: usize, options: Vec<Field>| refused(|craft| craft.operators[at].options = options);
    for stride in [0, -1, i32::MAX] {
        says(
            &options(operator::CONVOLUTION, convolution(SAME, stride, 1)),
            "stride",
        );
        says(&options(operator::POOL, pool(VALID, stride, 2)), "stride");
    }
    for dilation in [0, -1, i32::MAX] {
        says(
            &options(operator::CONVOLUTION, convolution(SAME, 1, dilation)),
            "dilation",
        );
    }
    says(
        &options(operator::CONVOLUTION, convolution(7, 1, 1)),
        "padding 7",
    );
    for side in [0, -1, i32::MAX] {
        says(&options(operator::POOL, pool(VALID, 2, side)), "window");
    }
    // They make another shape than the file states, or none.
    for wrong in [
        options(operator::CONVOLUTION, convolution(VALID, 1, 1)),
        options(operator::CONVOLUTION, convolution(SAME, 2, 1)),
        options(operator::CONVOLUTION, convolution(VALID, 1, 60_000)),
        options(operator::POOL, pool(VALID, 1, 2)),
        options(operator::POOL, pool(VALID, 2, 9)),
    ] {
        assert!(
            matches!(wrong, ReadError::Model(ModelError::OutputShape { .. })),
            "{wrong}"
        );
    }
    // Two thousand by two thousand and a few more taps.
    let wrong = options(operator::POOL, pool(SAME, 2, 2050));
    assert!(
        matches!(wrong, ReadError::Model(ModelError::TooLarge { .. })),
        "{wrong}"
    );
    let numbers = |constant: usize, numbers: &[i32]| {
        let data: Vec<u8> = numbers
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect();
        refused(|craft| {
            let buffer = craft.tensors[constant].buffer as usize - 1;
            craft.buffers[buffer] = data;
        })
    };
    for paddings in [
        [0, 0, 1, 1, 2, 0, 0, 1],
        [0, 0, -1, 3, 2, 0, 0, 0],
        [0, 0, 1, 1, 1, 0, 0, 0],
        [0, 0, i32::MAX, i32::MAX, 2, 0, 0, 0],
    ] {
        says(&numbers(tensor::PADDINGS, &paddings), "padding by");
    }
    for axes in [
        &[1][..],
        &[2, 3],
        &[0, 1, 2],
        &[1, 1],
        &[i32::MIN, i32::MAX],
    ] {
        says(&numbers(tensor::AXES, axes), "a mean over the axes");
    }
}

#[test]
fn arithmetic_that_cannot_be_done_is_refused() {
    let scaled = |at: usize, scale: f32| refused(|craft| craft.tensors[at].scales = vec![scale]);
    for at in [tensor::INPUT, tensor::CONVOLVED, tensor::LOGITS] {
        for scale in [0.0, -0.1, f32::NAN, f32::INFINITY, f32::MIN_POSITIVE / 2.0] {
            let error = scaled(at, scale);
            assert!(
                matches!(error, ReadError::Model(ModelError::Quantisation { .. })),
                "{error}"
            );
        }
    }
    for scale in [0.0, f32::NAN, 0.011] {
        let error = scaled(tensor::WEIGHTS, scale);
        assert!(matches!(error, ReadError::BiasScale { .. }), "{error}");
    }
    // A pool and padding leave the scale as it is; a mean may change it, but not without end.
    says(&scaled(tensor::POOLED, 0.06), "the same in and out");
    says(&scaled(tensor::PROBABILITIES, 0.01), "1/256");
    says(&scaled(tensor::MEAN, 1e-30), "out of range");
    let error = refused(|craft| craft.tensors[tensor::INPUT].zero_points = vec![300]);
    says(&error, "this quantisation of an activation");
    let error = refused(|craft| craft.tensors[tensor::WEIGHTS].zero_points = vec![3]);
    says(&error, "weights with a zero point");
    let error = refused(|craft| craft.tensors[tensor::WEIGHTS].scales = vec![0.01; 3]);
    says(&error, "this quantisation of weights");
    let error = refused(|craft| craft.tensors[tensor::WEIGHTS].kind = 0);
    says(&error, "FLOAT32 instead of INT8");
    let error = refused(|craft| craft.operators[operator::PAD].code = 60);
    assert!(
        matches!(error, ReadError::Operator { index: 2, code: 60 }),
        "{error}"
    );
    says(&error, "FULLY_CONNECTED");
    let error = refused(|craft| craft.operators[operator::MEAN].inputs[0] = tensor::INPUT as i32);
    assert!(
        matches!(error, ReadError::Model(ModelError::OutputShape { .. })),
        "{error}"
    );
    let error = refused(|craft| {
        craft.operators[operator::MATRIX].options = vec![Field::Byte(6, 1)];
    });
    says(&error, "format 1 of weights");
    let error = refused(|craft| {
        craft.operators[operator::MATRIX].options = vec![Field::Byte(4, 4)];
    });
    says(&error, "fused activation 4");
    let error = refused(|craft| craft.operators[operator::SOFTMAX].options.clear());
    says(&error, "beta 0");
    let error = refused(|craft| craft.operators[operator::SOFTMAX].options_kind = 0);
    says(&error, "an operator without its options");
}

#[test]
fn a_small_file_cannot_ask_for_much() {
    // Every layer reads the same 32 kB.
    let mut craft = Craft::default();
    let input = craft.activation(&[1, 1, 1, 1 << 15]);
    craft.inputs = vec![input];
    let weights = craft.constant(&[1, 1 << 15], INT8, vec![1; 1 << 15], Some(0.01));
    for _ in 0..3000 {
        craft.operator(9, 8, &[], &[input, weights], &[1, 1]);
    }
    let error = read_network(&craft.bytes()).unwrap_err();
    says(&error, "the number of weights");
    // Every layer writes as much as it may.
    let mut craft = Craft::default();
    let mut last = craft.activation(&[1, 4096, 4096, 1]);
    craft.inputs = vec![last];
    for _ in 0..100 {
        last = craft.operator(17, 5, &pool(SAME, 1, 1), &[last], &[1, 4096, 4096, 1]);
    }
    let error = read_network(&craft.bytes()).unwrap_err();
    says(&error, "the number of elements of all activations");
    // Sums that would not fit their integers.
    let mut craft = Craft::default();
    let input = craft.activation(&[1, 1, 1, 1 << 16]);
    craft.inputs = vec![input];
    craft.outputs = vec![input];
    says(
        &read_network(&craft.bytes()).unwrap_err(),
        "a side of the input",
    );
    let mut craft = Craft::default();
    let input = craft.activation(&[1, 1, 2, 1 << 15]);
    craft.inputs = vec![input];
    let weights = craft.constant(&[1, 1 << 16], INT8, vec![1; 1 << 16], Some(0.01));
    craft.operator(9, 8, &[], &[input, weights], &[1, 1]);
    says(
        &read_network(&craft.bytes()).unwrap_err(),
        "products in one output",
    );
    let mut craft = Craft::default();
    let mut last = craft.activation(&[1, 1, 1, 1]);
    craft.inputs = vec![last];
    for _ in 0..4097 {
        last = craft.operator(17, 5, &pool(SAME, 1, 1), &[last], &[1, 1, 1, 1]);
    }
    says(
        &read_network(&craft.bytes()).unwrap_err(),
        "the number of operators",
    );
}
