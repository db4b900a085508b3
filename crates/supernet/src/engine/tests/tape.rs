//! Reverse-mode differentiation in f64 of the operators that networks are made of, each written as plainly as can be:
//! what the engine's gradients are held against.

/// A value on a [`Tape`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Var(usize);

/// Given the gradient of a value and the tape, the gradients of what it was made of.
type Pull = Box<dyn Fn(&[f64], &Tape) -> Vec<(Var, Vec<f64>)>>;

/// Values in the order in which they were made, each with the way back to what it was made of.
#[derive(Default)]
pub(crate) struct Tape {
    values: Vec<Vec<f64>>,
    pulls: Vec<Option<Pull>>,
}

/// The map that a convolution reads, `[images, side, side, channels]`, and how it reads it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Convolution {
    pub(crate) images: usize,
    pub(crate) side: usize,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    /// Whether every channel has a kernel of its own.
    pub(crate) depthwise: bool,
}

impl Convolution {
    /// Side of the output.
    pub(crate) fn out_side(&self) -> usize {
        self.side.div_ceil(self.stride)
    }

    /// Calls with (output, weight, input) for every product: weights are `[kernel, kernel, inputs, outputs]`, of a
    /// depthwise one `[kernel, kernel, channels]`. Padding is TensorFlow's SAME.
    fn for_each_product(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let out = self.out_side();
        let padding = ((out - 1) * self.stride + self.kernel).saturating_sub(self.side) / 2;
        let inside = |at: usize, tap: usize| {
            let place = (at * self.stride + tap).checked_sub(padding)?;
            (place < self.side).then_some(place)
        };
        for pixel in 0..self.images * out * out {
            let (image, y, x) = (pixel / (out * out), pixel / out % out, pixel % out);
            for tap in 0..self.kernel * self.kernel {
                let (Some(row), Some(column)) =
                    (inside(y, tap / self.kernel), inside(x, tap % self.kernel))
                else {
                    continue;
                };
                let input = ((image * self.side + row) * self.side + column) * self.inputs;
                for output in 0..self.outputs {
                    if self.depthwise {
                        let weight = tap * self.outputs + output;
                        visit(pixel * self.outputs + output, weight, input + output);
                        continue;
                    }
                    for channel in 0..self.inputs {
                        let weight = (tap * self.inputs + channel) * self.outputs + output;
                        visit(pixel * self.outputs + output, weight, input + channel);
                    }
                }
            }
        }
    }
}

impl Tape {
    pub(crate) fn value(&self, var: Var) -> &[f64] {
        &self.values[var.0]
    }

    fn push(&mut self, value: Vec<f64>, pull: Option<Pull>) -> Var {
        self.values.push(value);
        self.pulls.push(pull);
        Var(self.values.len() - 1)
    }

    /// A value that is given.
    pub(crate) fn leaf(&mut self, value: Vec<f64>) -> Var {
        self.push(value, None)
    }

    /// Values each of which is the sum of some of `source`.
    pub(crate) fn gather(&mut self, source: Var, places: Vec<Vec<usize>>) -> Var {
        let from = self.value(source);
        let value = places
            .iter()
            .map(|places| places.iter().map(|&place| from[place]).sum())
            .collect();
        self.push(
            value,
            Some(Box::new(move |dy, tape| {
                let mut dx = vec![0.0; tape.value(source).len()];
                for (places, dy) in places.iter().zip(dy) {
                    places.iter().for_each(|&place| dx[place] += dy);
                }
                vec![(source, dx)]
            })),
        )
    }

    pub(crate) fn convolution(&mut self, x: Var, weights: Var, shape: Convolution) -> Var {
        let out = shape.out_side();
        let mut value = vec![0.0; shape.images * out * out * shape.outputs];
        let (from, w) = (self.value(x), self.value(weights));
        shape.for_each_product(|output, weight, input| value[output] += w[weight] * from[input]);
        self.push(
            value,
            Some(Box::new(move |dy, tape| {
                let (from, w) = (tape.value(x), tape.value(weights));
                let (mut dx, mut dw) = (vec![0.0; from.len()], vec![0.0; w.len()]);
                shape.for_each_product(|output, weight, input| {
                    dx[input] += w[weight] * dy[output];
                    dw[weight] += from[input] * dy[output];
                });
                vec![(x, dx), (weights, dw)]
            })),
        )
    }

    /// BatchNorm with the statistics of the batch; `gamma` and `beta` have one value per channel.
    pub(crate) fn batch_norm(&mut self, x: Var, gamma: Var, beta: Var, epsilon: f64) -> Var {
        let (scale, shift) = (self.value(gamma), self.value(beta));
        let channels = scale.len();
        let (normal, deviations) = normalise(self.value(x), channels, epsilon);
        let value = (normal.iter().enumerate())
            .map(|(i, value)| scale[i % channels] * value + shift[i % channels])
            .collect();
        self.push(
            value,
            Some(Box::new(move |dy, tape| {
                let scale = tape.value(gamma);
                let (mut dgamma, mut dbeta) = (vec![0.0; channels], vec![0.0; channels]);
                for (i, dy) in dy.iter().enumerate() {
                    dgamma[i % channels] += dy * normal[i];
                    dbeta[i % channels] += dy;
                }
                let count = (dy.len() / channels) as f64;
                let dx = (dy.iter().enumerate())
                    .map(|(i, dy)| {
                        let c = i % channels;
                        let centred = dy - dbeta[c] / count - normal[i] * dgamma[c] / count;
                        scale[c] / deviations[c] * centred
                    })
                    .collect();
                vec![(x, dx), (gamma, dgamma), (beta, dbeta)]
            })),
        )
    }

    pub(crate) fn relu6(&mut self, x: Var) -> Var {
        let value = self.value(x).iter().map(|x| x.clamp(0.0, 6.0)).collect();
        self.push(
            value,
            Some(Box::new(move |dy, tape| {
                let passes = |(dy, x): (&f64, &f64)| if *x > 0.0 && *x < 6.0 { *dy } else { 0.0 };
                vec![(x, dy.iter().zip(tape.value(x)).map(passes).collect())]
            })),
        )
    }

    /// Other values in the place of those of `x`; the gradient goes back to `x` where it `passes`.
    pub(crate) fn straight_through(
        &mut self,
        x: Var,
        value: Vec<f64>,
        passes: impl Fn(f64) -> bool + 'static,
    ) -> Var {
        self.push(
            value,
            Some(Box::new(move |dy, tape| {
                let through = |(dy, x): (&f64, &f64)| if passes(*x) { *dy } else { 0.0 };
                vec![(x, dy.iter().zip(tape.value(x)).map(through).collect())]
            })),
        )
    }

    pub(crate) fn add(&mut self, a: Var, b: Var) -> Var {
        let value = (self.value(a).iter().zip(self.value(b)))
            .map(|(a, b)| a + b)
            .collect();
        self.push(
            value,
            Some(Box::new(move |dy, _| {
                vec![(a, dy.to_vec()), (b, dy.to_vec())]
            })),
        )
    }

    /// The mean of every channel over the positions of each image.
    pub(crate) fn average(&mut self, x: Var, images: usize, channels: usize) -> Var {
        let per_image = self.value(x).len() / images;
        let positions = (per_image / channels) as f64;
        let place = move |i: usize| i / per_image * channels + i % channels;
        let mut value = vec![0.0; images * channels];
        for (i, x) in self.value(x).iter().enumerate() {
            value[place(i)] += x / positions;
        }
        self.push(
            value,
            Some(Box::new(move |dy, tape| {
                let dx = (0..tape.value(x).len()).map(|i| dy[place(i)] / positions);
                vec![(x, dx.collect())]
            })),
        )
    }

    /// Adds the same vector to every row.
    pub(crate) fn bias(&mut self, x: Var, bias: Var) -> Var {
        let vector = self.value(bias);
        let length = vector.len();
        let value = (self.value(x).iter().enumerate())
            .map(|(i, x)| x + vector[i % length])
            .collect();
        self.push(
            value,
            Some(Box::new(move |dy, _| {
                let mut dbias = vec![0.0; length];
                for (i, dy) in dy.iter().enumerate() {
                    dbias[i % length] += dy;
                }
                vec![(x, dy.to_vec()), (bias, dbias)]
            })),
        )
    }

    /// The mean cross-entropy of rows of logits against targets of the same shape: one value.
    pub(crate) fn cross_entropy(&mut self, logits: Var, targets: Vec<f64>, classes: usize) -> Var {
        let probabilities = softmax(self.value(logits), classes);
        let rows = (targets.len() / classes) as f64;
        let loss = -(targets.iter().zip(&probabilities))
            .map(|(target, probability)| target * probability.ln())
            .sum::<f64>()
            / rows;
        self.push(
            vec![loss],
            Some(Box::new(move |dy, _| {
                let dx = (probabilities.iter().zip(&targets))
                    .map(|(probability, target)| dy[0] * (probability - target) / rows);
                vec![(logits, dx.collect())]
            })),
        )
    }

    /// The gradients of the single value `of` with respect to every value; empty where it does not depend on one.
    pub(crate) fn gradients(&self, of: Var) -> Vec<Vec<f64>> {
        let mut gradients = vec![Vec::new(); self.values.len()];
        gradients[of.0] = vec![1.0];
        for index in (0..=of.0).rev() {
            let Some(pull) = self.pulls[index]
                .as_ref()
                .filter(|_| !gradients[index].is_empty())
            else {
                continue;
            };
            for (Var(to), part) in pull(&gradients[index], self) {
                let sum = &mut gradients[to];
                sum.resize(part.len(), 0.0);
                sum.iter_mut()
                    .zip(part)
                    .for_each(|(sum, part)| *sum += part);
            }
        }
        gradients
    }

    /// The gradient of `var` among those of [`Tape::gradients`].
    pub(crate) fn gradient<'a>(&self, gradients: &'a [Vec<f64>], var: Var) -> &'a [f64] {
        &gradients[var.0]
    }
}

/// Probabilities of rows of logits.
pub(crate) fn softmax(logits: &[f64], classes: usize) -> Vec<f64> {
    let row = |row: &[f64]| {
        let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = row.iter().map(|x| (x - largest).exp()).sum();
        row.iter()
            .map(|x| (x - largest).exp() / sum)
            .collect::<Vec<_>>()
    };
    logits.chunks_exact(classes).flat_map(row).collect()
}

/// Values with mean 0 and variance 1 per channel, and the deviations that they were divided by.
fn normalise(x: &[f64], channels: usize, epsilon: f64) -> (Vec<f64>, Vec<f64>) {
    let count = (x.len() / channels) as f64;
    let of_channel = |c: usize| x.iter().skip(c).step_by(channels);
    let means: Vec<f64> = (0..channels)
        .map(|c| of_channel(c).sum::<f64>() / count)
        .collect();
    let deviations: Vec<f64> = (0..channels)
        .map(|c| {
            let squares: f64 = of_channel(c).map(|x| (x - means[c]).powi(2)).sum();
            (squares / count + epsilon).sqrt()
        })
        .collect();
    let normal = (x.iter().enumerate())
        .map(|(i, x)| (x - means[i % channels]) / deviations[i % channels])
        .collect();
    (normal, deviations)
}
