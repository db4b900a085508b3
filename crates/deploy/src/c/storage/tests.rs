//! Plans against the lifetimes they were made for, and the delay of rows against the definition.

use danas_space::{Activation, Layer};
use proptest::prelude::*;

use super::*;

fn map(height: usize, width: usize, channels: usize) -> Shape {
    Shape {
        height,
        width,
        channels,
    }
}

/// A graph of inverted residuals: (kernel, stride, hidden, width) each, the first without expansion.
fn blocks(input: Shape, blocks: &[(usize, usize, usize, usize)]) -> Graph {
    let mut graph = Graph {
        input,
        layers: Vec::new(),
    };
    let push = |graph: &mut Graph, operator: Operator, inputs: &[usize], channels: usize| {
        let inputs: Vec<TensorId> = inputs.iter().map(|&input| TensorId(input)).collect();
        let output = operator.output_shape(graph.shape(inputs[0]), channels);
        graph.layers.push(Layer {
            name: String::new(),
            operator,
            inputs,
            output,
        });
        graph.layers.len()
    };
    let pointwise = Operator::Convolution {
        kernel: 1,
        stride: 1,
        activation: Activation::Linear,
    };
    let mut last = 0;
    for (index, &(kernel, stride, hidden, width)) in blocks.iter().enumerate() {
        let before = last;
        if index > 0 {
            last = push(&mut graph, pointwise, &[last], hidden);
        }
        let depthwise = Operator::Depthwise {
            kernel,
            stride,
            activation: Activation::Relu6,
        };
        last = push(&mut graph, depthwise, &[last], 0);
        last = push(&mut graph, pointwise, &[last], width);
        if graph.shape(TensorId(before)) == graph.shape(TensorId(last)) {
            last = push(&mut graph, Operator::Add, &[before, last], 0);
        }
    }
    graph
}

/// Runs through the layers and demands that nothing that is still needed lies where a layer writes.
fn check(graph: &Graph, storage: &Storage) -> Result<(), TestCaseError> {
    let bytes = |tensor: usize| graph.shape(TensorId(tensor)).elements() as u64;
    let place = |tensor: usize| storage.tensors[tensor]..storage.tensors[tensor] + bytes(tensor);
    let apart =
        |a: &std::ops::Range<u64>, b: &std::ops::Range<u64>| a.end <= b.start || b.end <= a.start;
    for (index, layer) in graph.layers.iter().enumerate() {
        prop_assert!(place(index + 1).end <= storage.bytes);
        let mut written = vec![place(index + 1)];
        if let Some(in_place) = storage.in_place[index] {
            let rows = waiting_bytes(layer.output, in_place.delay) as u64;
            written.push(in_place.rows..in_place.rows + rows);
            prop_assert!(apart(&written[0], &written[1]));
            prop_assert_eq!(
                storage.tensors[index + 1],
                storage.tensors[layer.inputs[0].0]
            );
        }
        for tensor in 0..=index {
            let read_later = graph.layers[index + 1..]
                .iter()
                .any(|later| later.inputs.contains(&TensorId(tensor)));
            let read_now = layer.inputs.contains(&TensorId(tensor));
            let overwritten = storage.in_place[index].is_some() && layer.inputs[0].0 == tensor;
            if read_later || read_now && !overwritten {
                for range in &written {
                    prop_assert!(
                        apart(range, &place(tensor)),
                        "layer {index} overwrites {tensor}"
                    );
                }
            }
            if read_now && overwritten {
                prop_assert!(!read_later && apart(&written[1], &place(tensor)));
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_is_needed_is_overwritten(
        (height, width, channels) in (1..30_usize, 1..30_usize, 1..20_usize),
        genes in prop::collection::vec((1..8_usize, 1..4_usize, 1..60_usize, 1..20_usize), 1..6),
    ) {
        let graph = blocks(map(height, width, channels), &genes);
        let storage = Storage::new(&graph, 100, 300);
        check(&graph, &storage)?;
        let apart = best_plan(&graph, Kernels::Reference).head_bytes;
        prop_assert!(storage.patch <= apart);
        prop_assert!(storage.bytes >= storage.patch + 100);
        let input = storage.tensors[0]..storage.tensors[0] + graph.input.elements() as u64;
        prop_assert!(storage.frames + 300 <= input.start || storage.frames >= input.end);
        prop_assert!(storage.frames + 300 <= storage.bytes);
    }

    /// With the delay no row that is still read is overwritten; with one less, one is.
    #[test]
    fn rows_wait_as_long_as_they_must(
        height in 1..20_usize, width in 1..20_usize, kernel in 1..12_usize, stride in 1..5_usize,
    ) {
        let input = map(height, width, 1);
        let output = map(height.div_ceil(stride), width.div_ceil(stride), 1);
        let top = Window::new(input, output, kernel, stride).pad_top;
        let overwrites = |delay: usize| {
            (delay..output.height).any(|y| {
                // Row `y - delay` is written after row `y` was computed; what do later rows read?
                let end = (y - delay + 1) * output.width;
                (y + 1..output.height).any(|later| {
                    let rows = (later * stride).saturating_sub(top)..(later * stride + kernel - top).min(height);
                    rows.start * width < end && !rows.is_empty()
                })
            })
        };
        let delay = row_delay(input, output, kernel, stride);
        prop_assert!(!overwrites(delay));
        prop_assert!(delay == 0 || overwrites(delay - 1));
    }
}

#[test]
fn the_peak_of_an_expanded_block_falls() {
    let graph = blocks(map(32, 32, 8), &[(3, 1, 0, 8), (3, 1, 48, 8)]);
    let storage = Storage::new(&graph, 0, 0);
    let hidden = 32 * 32 * 48;
    let rows = storage.in_place[4].map(|in_place| in_place.delay);
    assert_eq!(rows, Some(1));
    assert_eq!(
        best_plan(&graph, Kernels::Reference).head_bytes,
        2 * hidden + 32 * 32 * 8
    );
    // The hidden map, the input of the block, which is added later, and its output.
    assert_eq!(storage.bytes, hidden + 2 * 32 * 32 * 8);
    let in_place: Vec<usize> = (0..7)
        .filter(|&layer| storage.in_place[layer].is_some())
        .collect();
    assert_eq!(in_place, [4]);
}

#[test]
fn a_tensor_that_is_read_again_is_left_alone() {
    // A depthwise layer without expansion reads what the sum reads again.
    let graph = blocks(map(16, 16, 8), &[(3, 1, 0, 8)]);
    assert_eq!(delays(&graph), [None, None, None]);
}
