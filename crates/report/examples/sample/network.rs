//! Made-up networks: real shapes and costs, accuracies from a formula.

use danas_study::{BufferRecord, CostRecord, LayerRecord};

pub(super) const KIB: u64 = 1024;

/// A generator of numbers that is good enough for making things up (Steele, Lea and Flood's SplitMix).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(super) fn of(&mut self, choices: &[u64]) -> u64 {
        choices[(self.roll() * choices.len() as f64) as usize % choices.len()]
    }
}

/// A network of inverted residuals with the shapes of its tensors.
pub(super) struct Network {
    resolution: u64,
    channels: u64,
    widths: Vec<u64>,
    pub(super) layers: Vec<LayerRecord>,
    /// The layer before whose output is added, by layer.
    added: Vec<Option<usize>>,
}

impl Network {
    pub(super) fn roll(
        dice: &mut Dice,
        resolution: u64,
        channels: u64,
        classes: u64,
        small: bool,
    ) -> Network {
        let mut network = Network {
            resolution,
            channels,
            widths: Vec::new(),
            layers: Vec::new(),
            added: Vec::new(),
        };
        let mut side = resolution.div_ceil(2);
        let mut width = if small { 8 } else { dice.of(&[8, 16, 24]) };
        network.push(
            "stem",
            "convolution 3x3 /2",
            [side, side, width],
            channels * 9,
            false,
        );
        let scale = if small { 1 } else { dice.of(&[1, 1, 2, 2, 3]) };
        for (stage, base) in [8, 16, 24, 40].into_iter().enumerate() {
            let depth = if small { 1 } else { dice.of(&[1, 2, 3]) };
            let wide = base * scale;
            network.widths.push(wide);
            for block in 0..depth {
                let stride = if block == 0 && stage > 0 { 2 } else { 1 };
                let kernel = dice.of(&[3, 5, 7]);
                let hidden = width * if small { 2 } else { dice.of(&[2, 3, 4, 6]) };
                let name = |part: &str| format!("stage{stage}.block{block}.{part}");
                let input = network.layers.len() - 1;
                network.push(
                    &name("expand"),
                    "convolution 1x1",
                    [side, side, hidden],
                    width,
                    false,
                );
                side = side.div_ceil(stride);
                let operator = format!("depthwise {kernel}x{kernel} /{stride}");
                network.push(
                    &name("depthwise"),
                    &operator,
                    [side, side, hidden],
                    kernel * kernel,
                    true,
                );
                network.push(
                    &name("project"),
                    "convolution 1x1",
                    [side, side, wide],
                    hidden,
                    false,
                );
                if stride == 1 && width == wide {
                    network.push(&name("add"), "addition", [side, side, wide], 0, true);
                    *network.added.last_mut().expect("a layer was pushed") = Some(input);
                }
                width = wide;
            }
        }
        let head = if small { 32 } else { dice.of(&[64, 128, 256]) };
        network.push("head", "convolution 1x1", [side, side, head], width, false);
        network.push("pool", "global average", [1, 1, head], 0, true);
        network.push(
            "classifier",
            "fully connected",
            [1, 1, classes],
            head,
            false,
        );
        network.push("softmax", "softmax", [1, 1, classes], 0, true);
        network
    }

    fn push(&mut self, name: &str, operator: &str, output: [u64; 3], taps: u64, own: bool) {
        let weights = if own && taps == 0 {
            0
        } else {
            taps * output[2]
        };
        self.layers.push(LayerRecord {
            name: name.to_owned(),
            operator: operator.to_owned(),
            output,
            macs: output[0] * output[1] * weights,
            weights,
        });
        self.added.push(None);
    }

    pub(super) fn sum(&self, of: fn(&LayerRecord) -> u64) -> u64 {
        self.layers.iter().map(of).sum()
    }

    pub(super) fn summary(&self) -> String {
        let widths: Vec<String> = self.widths.iter().map(u64::to_string).collect();
        format!("{} layers, widths {}", self.layers.len(), widths.join("-"))
    }

    pub(super) fn cost(&self) -> CostRecord {
        let head = self
            .memory()
            .iter()
            .map(|b| b.offset + b.bytes)
            .max()
            .unwrap_or(0);
        let layers = self.layers.len() as u64;
        let weights = self.sum(|l| l.weights);
        let (scratch, persistent) = (layers * 24 + 2 * KIB, layers * 420 + 3 * KIB);
        let model = weights + layers * 700 + 4 * KIB;
        let macs = self.sum(|l| l.macs);
        CostRecord {
            arena_bytes: head + scratch + persistent,
            head_bytes: head,
            scratch_bytes: scratch,
            persistent_bytes: persistent,
            model_bytes: model,
            flash_bytes: model + 68 * KIB,
            macs,
            latency_ms: 3.0 + layers as f64 * 0.4 + macs as f64 / 64e6 * 1.55 * 1e3 / 4.0,
        }
    }

    pub(super) fn accuracy(&self, dice: &mut Dice) -> f64 {
        let macs = (self.sum(|l| l.macs) as f64).log10();
        let weights = (self.sum(|l| l.weights) as f64).log10();
        let size = 1.0 - (-(macs - 4.6) * 0.85 - (weights - 3.4) * 0.35).exp();
        let colour = if self.channels == 3 { 0.035 } else { 0.0 };
        let detail = 0.06 * (self.resolution as f64 / 96.0).sqrt();
        let luck = dice.roll() + dice.roll() + dice.roll() - 1.5;
        let failed = if dice.roll() < 0.02 { 0.3 } else { 0.0 };
        (0.22 + 0.68 * size + colour + detail + 0.035 * luck - failed).clamp(0.2, 0.99)
    }

    /// Places the tensors, largest first, at the first free offset.
    pub(super) fn memory(&self) -> Vec<BufferRecord> {
        let mut wanted = vec![BufferRecord {
            name: "input".to_owned(),
            offset: 0,
            bytes: self.resolution * self.resolution * self.channels,
            first: 0,
            last: 0,
        }];
        for (place, layer) in self.layers.iter().enumerate() {
            let adding = self.added.iter().position(|input| *input == Some(place));
            let last = adding
                .unwrap_or(0)
                .max((place + 1).min(self.layers.len() - 1));
            wanted.push(BufferRecord {
                name: layer.name.clone(),
                offset: 0,
                bytes: layer.output.iter().product(),
                first: place as u64,
                last: last as u64,
            });
        }
        wanted.sort_by_key(|b| std::cmp::Reverse(b.bytes));
        let mut placed: Vec<BufferRecord> = Vec::new();
        for mut buffer in wanted {
            let mut others: Vec<&BufferRecord> = placed
                .iter()
                .filter(|o| o.first <= buffer.last && buffer.first <= o.last)
                .collect();
            others.sort_by_key(|o| o.offset);
            for other in others {
                if buffer.offset + buffer.bytes <= other.offset {
                    break;
                }
                buffer.offset = buffer
                    .offset
                    .max((other.offset + other.bytes).next_multiple_of(16));
            }
            placed.push(buffer);
        }
        placed
    }
}
