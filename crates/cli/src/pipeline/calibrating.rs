//! What a search's work costs on this machine: every kind of it is timed on candidates of all sizes.

use std::time::{Duration, Instant};

use danas_bench::{Costs, Fit, Load, Observation, Rates, Work};
use danas_data::{DataSpace, Dataset, ReadLimits, ScanOptions, Split, Streams, scan, survey};
use danas_deploy::{Interpreter, Quantisation};
use danas_device::{Limits, Target};
use danas_measure::Objective;
use danas_space::{Candidate, NetworkSpace, Sampler, SearchSpace};
use danas_supernet::{
    FinalTrainer, FineTuner, Grid, Isa, Scorer, ScoringOptions, Supernet, Trained, Trainer,
    TrainingOptions,
};

use crate::message::{Blame, Outcome, from_data};
use crate::pipeline::course::Training;
use crate::pipeline::{examples, quantising, searching};
use crate::progress::{Screen, Task};

/// How much is timed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Thoroughness {
    /// Candidates of whose work the time is taken.
    candidates: usize,
    /// Steps of the supernet whose time is taken; each has networks of its own.
    sandwiches: usize,
    /// How long a measurement of anything else lasts at least.
    span: Duration,
}

impl Thoroughness {
    /// Two or three minutes.
    pub(crate) const USUAL: Thoroughness = Thoroughness {
        candidates: 45,
        sandwiches: 300,
        span: Duration::from_millis(40),
    };
}

/// Steps of the supernet before those whose time is taken: they only warm the machine up.
const WARMING_SANDWICHES: usize = 10;
/// Measurements of everything else; the middle one counts.
const ROUNDS: usize = 3;
/// Training and validation pictures each by which networks are quantised.
const QUANTISING_PICTURES: usize = 48;
/// Pictures that are classified at a time.
const PICTURES: usize = 256;
/// Limits within which candidates are drawn: what today's boards can hold and minutes can train.
const LIMITS: Limits = Limits {
    ram_bytes: Some(512 << 10),
    flash_bytes: Some(2 << 20),
    latency_ms: None,
    macs: Some(20_000_000),
};

/// What work costs, and how well that is known.
pub(crate) struct Calibration {
    /// The costs.
    pub(crate) costs: Costs,
    /// How they were found.
    pub(crate) fits: Vec<(Work, Fit)>,
}

/// Times of all kinds of work.
#[derive(Default)]
struct Observations(Vec<(Work, Observation)>);

impl Observations {
    fn add(&mut self, work: Work, load: Load, seconds: f64) {
        let seconds = seconds.max(1e-9);
        self.0.push((work, Observation { load, seconds }));
    }

    fn fit(&self, work: Work) -> Fit {
        let of_kind = self.0.iter().filter(|(kind, _)| *kind == work);
        Fit::of(&of_kind.map(|(_, o)| *o).collect::<Vec<_>>())
    }
}

/// Times all kinds of work on pictures of a source, with the threads of the global pool.
///
/// # Errors
/// If there are no usable pictures, or an untrained network cannot be quantised.
pub(crate) fn calibrate(
    screen: &Screen,
    source: &str,
    reading: &ScanOptions,
    isa: Isa,
    thoroughness: Thoroughness,
) -> Outcome<Calibration> {
    let started = Instant::now();
    let source = source.parse().map_err(from_data)?;
    let catalogue = scan(&source, reading).map_err(from_data)?;
    let survey = survey(&catalogue, &ReadLimits::default()).map_err(from_data)?;
    let data = DataSpace::suggested(&survey);
    let options = danas_data::LoadOptions {
        finest: data.finest(),
        ..Default::default()
    };
    let dataset = examples::decode(screen, &catalogue, &options)?;
    // All at once is the only size there is, so there is nothing to fit.
    let decoding = Rates {
        pixel: started.elapsed().as_secs_f64() / examples::load_of(&survey).pixels.max(1.0),
        ..Rates::default()
    };

    let space = SearchSpace::new(data, NetworkSpace::default_space()).or_input()?;
    let target = Target::new(None, LIMITS);
    let classes = dataset.classes().len();
    let violation = |candidate: &Candidate| searching::violation(&target, candidate, classes);
    let sampler = Sampler::new(&space, &violation).or_input()?;
    let task = screen.task("calibration", "measurements");
    let bench = Bench {
        dataset: &dataset,
        sampler: &sampler,
        streams: Streams::new(0),
        task: &task,
        thoroughness,
    };
    let mut observations = Observations::default();
    let supernet = Supernet::new(&space.envelope(), classes, &bench.streams).with_isa(isa);
    let supernet = bench.sandwiches(supernet, &mut observations)?;
    for index in 0..thoroughness.candidates {
        bench.candidate(index, &supernet, &mut observations)?;
    }
    task.finish("all kinds of work are timed");
    let fitted = Work::ALL.into_iter().filter(|work| *work != Work::Decoding);
    let fits: Vec<(Work, Fit)> = fitted.map(|work| (work, observations.fit(work))).collect();
    let threads = rayon::current_num_threads();
    let rates = |work| {
        let found = fits.iter().find(|(kind, _)| *kind == work);
        found.map_or(decoding, |(_, fit)| fit.rates)
    };
    let costs = Costs::new(processor(), isa.name().to_string(), threads, rates);
    Ok(Calibration { costs, fits })
}

/// What work is timed on.
struct Bench<'a> {
    dataset: &'a Dataset,
    sampler: &'a Sampler<'a>,
    streams: Streams,
    task: &'a Task,
    thoroughness: Thoroughness,
}

impl Bench<'_> {
    /// Times steps of the supernet, and returns it.
    fn sandwiches(&self, supernet: Supernet, observations: &mut Observations) -> Outcome<Supernet> {
        let options = TrainingOptions::supernet();
        let mut trainer =
            Trainer::new(supernet, self.dataset, self.sampler, options, &self.streams);
        let steps = WARMING_SANDWICHES + self.thoroughness.sandwiches;
        for step in 0..steps {
            let started = Instant::now();
            let report = trainer.step(0.5).or_internal()?;
            let seconds = started.elapsed().as_secs_f64();
            if step >= WARMING_SANDWICHES {
                observations.add(Work::Sandwich, trainer.load(&report), seconds);
            }
            let share = step as f64 / steps as f64;
            self.task.update(share / 10.0, step as u64, String::new);
        }
        Ok(trainer.into_supernet())
    }

    /// Times all that is done with one candidate.
    fn candidate(
        &self,
        index: usize,
        supernet: &Supernet,
        observations: &mut Observations,
    ) -> Outcome<()> {
        let mut rng = self.streams.stream("calibration", index as u64);
        let candidate = self.sampler.sample(&mut rng);
        let (dataset, classes) = (self.dataset, self.dataset.classes().len());
        let load = |pictures: usize| Load::of(&candidate, classes, pictures);

        let options = TrainingOptions::final_training();
        let mut trainer = FinalTrainer::new(supernet, &candidate, dataset, options, &self.streams);
        let mut load_of_step = Load::default();
        let seconds = self.measure(|| {
            let report = trainer.step(0.5).or_internal()?;
            load_of_step = trainer.load(&report);
            Ok(())
        })?;
        observations.add(Work::Training, load_of_step, seconds);
        drop(trainer);

        let few = dataset.spread(Split::Train, PICTURES);
        let render = || dataset.evaluation_batch(Split::Train, &few, candidate.data);
        let seconds = self.measure(|| {
            std::hint::black_box(render());
            Ok(())
        })?;
        let batch = render();
        observations.add(
            Work::Rendering,
            Load::of_pixels(batch.pixels.len() as f64),
            seconds,
        );

        // Nearly all of such a score is recalibration.
        let options = ScoringOptions {
            calibration_examples: few.len(),
            validation_examples: 1,
            ..ScoringOptions::default()
        };
        let mut scorer = Scorer::new(supernet, dataset, options);
        let seconds = self.measure(|| {
            std::hint::black_box(scorer.score(&candidate));
            Ok(())
        })?;
        observations.add(Work::Recalibration, load(few.len()), seconds);

        let trained = Trained::extract(supernet, &candidate, dataset, options);
        let seconds = self.measure(|| {
            std::hint::black_box(trained.logits(&batch.pixels));
            Ok(())
        })?;
        observations.add(Work::Inference, load(few.len()), seconds);

        let asked = QUANTISING_PICTURES.min(dataset.len(Split::Validation));
        let config = candidate.data;
        let objective = Objective::default();
        let quantise =
            || quantising::quantise_best(dataset, config, &trained, [asked; 2], objective);
        let seconds =
            self.measure(|| quantise().map(|choice| drop(std::hint::black_box(choice))))?;
        let runs = quantising::runs(asked, asked);
        observations.add(Work::Quantisation, load(runs), seconds);

        let int8 = quantise()?.model;
        let grid =
            |quantisation: &Quantisation| Grid::new(quantisation.scale, quantisation.zero_point);
        let grids: Vec<Grid> = int8.quantisations().iter().map(grid).collect();
        let options = FineTuner::options();
        let mut tuner = FineTuner::new(&trained, &grids, dataset, options, &self.streams);
        let seconds = self.measure(|| tuner.step(0.5).map(drop).or_internal())?;
        observations.add(Work::FineTuning, load(options.batch), seconds);

        let interpreter = Interpreter::new(int8);
        let seconds = self.measure(|| {
            let evaluation = interpreter.evaluate(&batch.pixels, &batch.labels);
            std::hint::black_box(evaluation.or_internal()?);
            Ok(())
        })?;
        observations.add(Work::Int8, load(few.len()), seconds);
        let share = (index + 1) as f64 / self.thoroughness.candidates as f64;
        self.task.update(0.1 + 0.9 * share, index as u64, || {
            candidate.data.to_string()
        });
        Ok(())
    }

    /// The middle one of some measurements of how long something takes, behind a first time that only warms the machine up.
    fn measure(&self, mut run: impl FnMut() -> Outcome<()>) -> Outcome<f64> {
        run()?;
        let mut rounds = [0.0; ROUNDS];
        for seconds in &mut rounds {
            let (started, mut runs) = (Instant::now(), 0);
            while runs == 0 || started.elapsed() < self.thoroughness.span {
                run()?;
                runs += 1;
            }
            *seconds = started.elapsed().as_secs_f64() / f64::from(runs);
        }
        rounds.sort_unstable_by(f64::total_cmp);
        Ok(rounds[ROUNDS / 2])
    }
}

/// The processor in its own words, where the system tells them.
fn processor() -> String {
    let told = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let named = told
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    match named {
        Some(name) => name.trim_start_matches([' ', '\t', ':']).to_string(),
        None => format!("a processor of kind {}", std::env::consts::ARCH),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_work_is_timed() {
        let little = Thoroughness {
            candidates: 9,
            sandwiches: 9,
            span: Duration::ZERO,
        };
        let source = "synthetic:objects,size=32,train=96,test=32,classes=3,seed=1";
        let reading = ScanOptions::default();
        let found = calibrate(&Screen::new(true), source, &reading, Isa::detect(), little).unwrap();
        let load = Load {
            layers: 40.0,
            macs: 1e6,
            depthwise_macs: 1e5,
            activations: 1e5,
            pixels: 3072.0,
            weights: 1e5,
        };
        for work in Work::ALL {
            let seconds = found.costs.seconds(work, &load);
            assert!(seconds > 1e-6 && seconds < 10.0, "{work}: {seconds}");
        }
        assert_eq!(found.fits.len(), Work::ALL.len() - 1);
        assert!(found.fits.iter().all(|(_, fit)| fit.held_out == 3));
        assert!(!found.costs.processor.is_empty());
    }
}
