//! Random candidates of the default search space, for tests and examples of this room and of the deployment's.

use danas_data::{Colour, DataSpace, Streams};
use danas_space::{Graph, NetworkSpace, Sampler, SearchSpace, lower};

const CLASSES: usize = 10;

/// `count` random candidates: pictures of 32 to 160 pixels in colour or grey, the network `mobile`, no limits.
pub(crate) fn graphs(count: usize, seed: u64) -> Vec<Graph> {
    let resolutions = vec![32, 48, 64, 96, 128, 160];
    let data = DataSpace::new(resolutions, vec![Colour::Mono, Colour::Rgb]).unwrap();
    let space = SearchSpace::new(data, NetworkSpace::default_space()).unwrap();
    let sampler = Sampler::new(&space, &|_| 0.0).unwrap();
    let mut rng = Streams::new(seed).stream("memory plans", 0);
    (0..count)
        .map(|_| lower(&sampler.sample(&mut rng), CLASSES))
        .collect()
}
