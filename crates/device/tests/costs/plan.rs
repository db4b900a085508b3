//! The planner: what TFLM is known to do, and what must hold for every graph.

use crate::support::{Builder, inverted_residuals, mobilenet_v1, resnet8};
use danas_device::{Contents, Kernels, MemoryPlan, Planner, best_plan, greedy_plan, replayed_plan};
use danas_space::{Graph, TensorId};
use proptest::prelude::*;

const ALL_KERNELS: [Kernels; 6] = [
    Kernels::Reference,
    Kernels::CmsisNn,
    Kernels::CmsisNnDsp,
    Kernels::CmsisNnHelium,
    Kernels::EspNn,
    Kernels::EspNnVector,
];

/// Greedy is not optimal here: the lower bound is 55,296.
#[test]
fn person_detection_of_mlperf_tiny() {
    let graph = mobilenet_v1(3);
    let greedy = greedy_plan(&graph, Kernels::Reference);
    assert_eq!((greedy.head_bytes, greedy.least_bytes), (73_728, 55_296));
    assert_eq!(greedy.alive_bytes().into_iter().max(), Some(55_296));
    let best = best_plan(&graph, Kernels::Reference);
    assert_eq!((best.head_bytes, best.least_bytes), (55_296, 55_296));
    assert_eq!(best.planner, Planner::File);
}

/// Where TFLM's own plan is the best, the file carries nothing.
#[test]
fn image_classification_of_mlperf_tiny() {
    let best = best_plan(&resnet8(), Kernels::Reference);
    assert_eq!(best, greedy_plan(&resnet8(), Kernels::Reference));
    assert_eq!(best.head_bytes, best.least_bytes);
    assert_eq!(best.carried_offsets(), []);
}

/// Offsets in the file are kept, in part too, and what it leaves open goes into the gaps, the largest first.
#[test]
fn tflm_plans_around_the_offsets_of_the_file() {
    let mut builder = Builder::new(4, 4, 4);
    let graph = builder.convolution(1, 1, 8).depthwise(5, 1).build();
    // tensors of 64, 128 and 128 bytes; scratch of 400 bytes during layer 1
    let place = |offsets: &[Option<u64>]| -> Vec<u64> {
        let plan = replayed_plan(&graph, Kernels::CmsisNnDsp, offsets);
        plan.buffers.iter().map(|buffer| buffer.offset).collect()
    };
    assert_eq!(place(&[]), [0, 528, 400, 0]);
    assert_eq!(place(&[None, None, None]), place(&[]));
    assert_eq!(place(&[Some(0), Some(528), Some(0)]), [0, 528, 0, 128]);
    assert_eq!(place(&[None, Some(128), Some(0)]), [0, 128, 0, 256]);
    assert_eq!(place(&[None, None, Some(416)]), [0, 544, 416, 0]);
}

/// 4x4x4 input (64 bytes), 4x4x8 (128), 4x4x4 (64), their sum (64); the input lives until the addition.
#[test]
fn a_residual_by_hand() {
    let mut builder = Builder::new(4, 4, 4);
    let graph = builder
        .convolution(1, 1, 8)
        .convolution(1, 1, 4)
        .add(TensorId(0))
        .build();
    let plan = greedy_plan(&graph, Kernels::Reference);
    let placed: Vec<_> = plan
        .buffers
        .iter()
        .map(|b| (b.contents, b.offset, b.bytes, b.first, b.last))
        .collect();
    // largest first: tensor 1 at 0; equal sizes, last declared first: tensor 3, then 2, then 0
    assert_eq!(
        placed,
        [
            (Contents::Tensor(TensorId(0)), 192, 64, 0, 2),
            (Contents::Tensor(TensorId(1)), 0, 128, 0, 1),
            (Contents::Tensor(TensorId(2)), 128, 64, 1, 2),
            (Contents::Tensor(TensorId(3)), 0, 64, 2, 2),
        ]
    );
    assert_eq!(plan.head_bytes, 256);
    assert_eq!(plan.alive_bytes(), [192, 256, 192]);
}

#[test]
fn scratch_of_cmsis_nn_with_dsp() {
    let mut builder = Builder::new(16, 16, 3);
    builder
        .convolution(3, 2, 8)
        .depthwise(3, 1)
        .depthwise(5, 1)
        .convolution(1, 1, 8)
        .pool();
    let graph = builder.dense(2).build();
    let scratch: Vec<_> = greedy_plan(&graph, Kernels::CmsisNnDsp)
        .buffers
        .iter()
        .filter_map(|b| match b.contents {
            Contents::Scratch(layer) => Some((layer, b.bytes)),
            Contents::Tensor(_) => None,
        })
        .collect();
    // 4 align4(27) = 112; 2 * 8 * 25 = 400; 4 * 8 = 32
    assert_eq!(scratch, [(0, 112), (2, 400), (4, 32)]);
    let without = greedy_plan(&graph, Kernels::EspNn);
    assert_eq!(without.buffers.len(), graph.layers.len() + 1);
    assert_eq!(without.scratch_bytes(), 0);
    // the classifier is a convolution 1x1: 24 * 8 + 8 * 2 + 64
    let vector = greedy_plan(&graph, Kernels::EspNnVector);
    let classifier = vector
        .buffers
        .iter()
        .find(|b| b.contents == Contents::Scratch(5));
    assert_eq!(classifier.map(|b| b.bytes), Some(272));
}

#[test]
fn a_graph_without_layers_holds_its_input() {
    let graph = Graph {
        input: mobilenet_v1(1).input,
        layers: Vec::new(),
    };
    let plan = greedy_plan(&graph, Kernels::Reference);
    assert_eq!(plan.head_bytes, 96 * 96);
    assert_eq!(best_plan(&graph, Kernels::Reference), plan);
}

fn check(plan: &MemoryPlan) {
    for (i, a) in plan.buffers.iter().enumerate() {
        assert!(a.offset % 16 == 0 && a.bytes % 16 == 0 && a.bytes > 0);
        assert!(a.first <= a.last && a.end() <= plan.head_bytes);
        for b in &plan.buffers[i + 1..] {
            let apart = a.end() <= b.offset || b.end() <= a.offset;
            assert!(apart || !a.alive_with(b), "{a:?} and {b:?} overlap");
        }
    }
    let alive = plan.alive_bytes().into_iter().max().unwrap_or(0);
    let sum: u64 = plan.buffers.iter().map(|b| b.bytes).sum();
    assert!((alive..=sum).contains(&plan.head_bytes));
}

/// A random network: each number chooses an operator and its parameters.
fn network(resolution: usize, channels: usize, choices: &[u8]) -> Graph {
    let mut builder = Builder::new(resolution, resolution + 1, channels);
    for &choice in choices {
        let (what, size) = (choice % 8, usize::from(choice / 8));
        let stride = 1 + size % 2;
        match what {
            0 | 1 => builder.convolution(1, 1, 1 + size),
            2 => builder.convolution(3, stride, 1 + size),
            3 | 4 => builder.depthwise([3, 5, 7][size % 3], stride),
            5 => {
                let input = builder.current();
                let width = builder.build().shape(input).channels;
                builder
                    .convolution(1, 1, width * 2)
                    .convolution(1, 1, width)
                    .add(input)
            }
            6 => {
                let input = builder.current();
                builder.depthwise(3, 1).add(input)
            }
            _ => builder.convolution(5, 1, 1 + size),
        };
    }
    builder.pool().dense(3).softmax().build()
}

proptest! {
    #[test]
    fn nothing_alive_overlaps(
        resolution in 1usize..70,
        channels in 1usize..4,
        choices in prop::collection::vec(any::<u8>(), 0..30),
    ) {
        let graph = network(resolution, channels, &choices);
        for kernels in ALL_KERNELS {
            check(&greedy_plan(&graph, kernels));
        }
    }

    #[test]
    fn the_best_plan_lies_between_the_bound_and_tflms_own(
        resolution in 1usize..70,
        channels in 1usize..4,
        choices in prop::collection::vec(any::<u8>(), 0..30),
    ) {
        let graph = network(resolution, channels, &choices);
        for kernels in ALL_KERNELS {
            let (greedy, best) = (greedy_plan(&graph, kernels), best_plan(&graph, kernels));
            check(&best);
            prop_assert!(best.head_bytes <= greedy.head_bytes);
            prop_assert!((greedy.least_bytes..=best.head_bytes).contains(&best.least_bytes));
            let carried = best.carried_offsets();
            prop_assert_eq!(carried.is_empty(), best.head_bytes == greedy.head_bytes);
            // what is stated is what TFLM makes of the file
            let replayed = replayed_plan(&graph, kernels, &carried);
            prop_assert_eq!(replayed.buffers, best.buffers);
            prop_assert_eq!(replayed.head_bytes, best.head_bytes);
        }
    }

    #[test]
    fn a_larger_map_needs_no_smaller_peak(resolution in 8usize..60, width in 1usize..24) {
        let peak = |graph: &Graph| greedy_plan(graph, Kernels::Reference).alive_bytes().into_iter().max();
        let small = inverted_residuals(resolution, width, 6);
        prop_assert!(peak(&inverted_residuals(resolution + 2, width, 6)) >= peak(&small));
        prop_assert!(peak(&inverted_residuals(resolution, width + 4, 6)) >= peak(&small));
    }
}
