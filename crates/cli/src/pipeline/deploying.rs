//! From trained weights to files: quantisation, the .tflite file and what belongs to it, and what is measured of the
//! file itself.

use std::path::PathBuf;

use danas_bench::Work;
use danas_data::{DataConfig, Dataset, Split, preprocessing_toml};
use danas_deploy::{
    Evaluation, Header, Int8Model, Interpreter, Metadata, Quantisation, Ranges, SCHEMES, c_header,
    read_file, write,
};
use danas_device::{Cost, MemoryPlan, Target};
use danas_measure::{Answers, Comparison, Objective, Tally, brier, compare};
use danas_search::{Contender, Objectives};
use danas_space::Candidate;
use danas_study::{ModelRecord, PairedRecord, RunFolder, Store, write_atomic};
use danas_supernet::{ScoringOptions, Supernet, Trained};

use crate::message::{Blame, Failure, Outcome, from_data, from_study};
use crate::pipeline::finishing::{Finalist, evaluated_pictures};
use crate::pipeline::objective;
use crate::pipeline::quantising::{self, CALIBRATION_PICTURES};
use crate::pipeline::records::{buffer_records, layer_records};
use crate::pipeline::searching::cost_record;
use crate::pipeline::session::Session;
use crate::pipeline::{card, columns, repairing, work};
use crate::result::{costs, percent};

/// What is exported of a model, in its folder.
pub(crate) const MODEL_FILES: [&str; 4] =
    ["model.tflite", "model.h", "preprocessing.toml", "card.md"];

/// The most validation pictures that finished models are compared on.
const VALIDATION_PICTURES: usize = 10_000;
/// Pictures of the trial that says how long evaluation takes, and of those by which it quantises in every way.
const TRIAL_PICTURES: usize = 64;
const TRIAL_SAMPLES: usize = 16;
/// Pictures rendered at a time, so that memory does not grow with the split.
const CHUNK: usize = 1024;

/// Where the state of a candidate's final training is kept until the run is finished.
pub(crate) fn checkpoint_path(folder: &RunFolder, id: u64) -> PathBuf {
    folder.model(id).join(".training.safetensors")
}

/// A finished model.
pub(super) struct Finished<'a> {
    pub(super) finalist: &'a Finalist,
    pub(super) file: WrittenFile,
    pub(super) val_float: Tally,
    pub(super) val_int8: Evaluation,
    /// The ranges of activations that it was quantised with.
    pub(super) ranges: Ranges,
    /// How it was quantised, in words.
    pub(super) how: String,
    /// Seconds that evaluating it on validation took, in float and int8.
    pub(super) seconds: f64,
}

/// A file as it was read back.
pub(super) struct WrittenFile {
    /// How the input and the output of every layer are rounded.
    pub(super) quantisations: Vec<Quantisation>,
    pub(super) interpreter: Interpreter,
    plan: MemoryPlan,
    cost: Cost,
}

/// Makes the files of all finalists, recommends one by its validation accuracy, and only then looks at the test split,
/// once. Returns whether any file meets the limits.
///
/// # Errors
/// If a model cannot be quantised, written or read back.
pub(crate) fn deploy(
    session: &Session<'_>,
    dataset: &Dataset,
    finalists: &[Finalist],
) -> Outcome<bool> {
    session.begin_again()?;
    let task = session.screen.task("evaluation", "models");
    let mut finished = Vec::new();
    for finalist in finalists {
        finished.push(finish(session, dataset, finalist)?);
        dataset.check_intact().map_err(from_data)?;
        task.update(
            finished.len() as f64 / finalists.len() as f64 / 2.0,
            finished.len() as u64,
            String::new,
        );
        session.stop_if_asked()?;
    }
    repairing::repair(session, dataset, &mut finished, &task)?;
    let objective = objective::resolve(session.config, dataset.classes())?;
    let recommended = recommend(session.target, dataset, &finished, objective);
    for (index, model) in finished.iter().enumerate() {
        let mut record = measure(dataset, model)?;
        record.recommended = recommended == Some(index);
        record.paired = (recommended.filter(|&other| other != index))
            .map(|other| paired(&compared(dataset, model, &finished[other], objective)));
        dataset.check_intact().map_err(from_data)?;
        let (candidate, test) = (&model.finalist.candidate, dataset.len(Split::Test));
        work::evaluation(session, dataset, candidate, Work::Inference, test);
        work::evaluation(session, dataset, candidate, Work::Int8, test);
        let folder = session.folder.model(record.candidate);
        let card = card::text(
            session,
            &record,
            model.finalist,
            &model.file.plan,
            &model.how,
            dataset,
            objective,
        );
        write_atomic(&folder.join("card.md"), card.as_bytes()).map_err(from_study)?;
        session.study.record_model(&record).map_err(from_study)?;
        session.stop_if_asked()?;
    }
    task.finish(match recommended {
        Some(index) => format!(
            "model {} recommended, validation {} {} in int8",
            finished[index].finalist.record.id,
            objective.words(dataset.classes()),
            percent(finished[index].val_int8.tally().score(objective))
        ),
        None => "no file meets the limits".to_string(),
    });
    Ok(recommended.is_some())
}

/// The index of the file to recommend, if any meets the limits.
fn recommend(
    target: &Target,
    dataset: &Dataset,
    finished: &[Finished<'_>],
    objective: Objective,
) -> Option<usize> {
    let classes = sample_classes(dataset);
    let models: Vec<Contender> = (finished.iter())
        .map(|model| Contender {
            objectives: Objectives {
                error: 1.0 - model.val_int8.tally().score(objective),
                costs: costs(&cost_record(&model.file.cost)),
                violation: target.violation(&model.file.cost),
            },
            brier: brier(&classes, &model.val_int8.answers, objective),
        })
        .collect();
    danas_search::recommend(&models, |one, other| {
        compared(dataset, &finished[one], &finished[other], objective)
    })
}

/// How two files compare on the validation split.
fn compared(
    dataset: &Dataset,
    one: &Finished<'_>,
    other: &Finished<'_>,
    objective: Objective,
) -> Comparison {
    let answers = Answers {
        classes: &sample_classes(dataset),
        first: &one.val_int8.answers,
        second: &other.val_int8.answers,
    };
    compare(answers, objective)
}

/// How a file compares with the recommended one, as it is recorded.
fn paired(comparison: &Comparison) -> PairedRecord {
    PairedRecord {
        only_this: comparison.only_first,
        only_recommended: comparison.only_second,
        p: comparison.p,
        // Without a standard error there is nothing to record.
        apart: Some(comparison.apart).filter(|apart| apart.is_finite()),
        tie: comparison.is_tie(),
    }
}

/// Quantises a finalist, writes its file, reads that back and evaluates it on validation.
fn finish<'a>(
    session: &Session<'_>,
    dataset: &Dataset,
    finalist: &'a Finalist,
) -> Outcome<Finished<'a>> {
    let config = finalist.candidate.data;
    let pictures = quantising::choice_pictures(dataset);
    let asked = [CALIBRATION_PICTURES, pictures];
    let objective = objective::resolve(session.config, dataset.classes())?;
    let choice = quantising::quantise_best(dataset, config, &finalist.trained, asked, objective)?;
    work::quantisation(session, dataset, &finalist.candidate, asked);
    let file = write_files(session, dataset, finalist, &choice.model)?;
    let started = session.clock.seconds();
    let (sample, trained) = (validation_sample(dataset), &finalist.trained);
    let val_float = (trained.evaluate(dataset, Split::Validation, &sample)).tally;
    let val_int8 = evaluate(
        &file.interpreter,
        dataset,
        Split::Validation,
        &sample,
        config,
    )?;
    work::evaluation(
        session,
        dataset,
        &finalist.candidate,
        Work::Inference,
        sample.len(),
    );
    work::evaluation(
        session,
        dataset,
        &finalist.candidate,
        Work::Int8,
        sample.len(),
    );
    Ok(Finished {
        finalist,
        file,
        val_float,
        val_int8,
        ranges: choice.ranges,
        how: format!(
            "{}: the best of {SCHEMES} ways on {pictures} validation pictures",
            choice.scheme
        ),
        seconds: session.clock.seconds() - started,
    })
}

/// Writes the files of an int8 model, and reads the model back: what is evaluated is the file.
pub(super) fn write_files(
    session: &Session<'_>,
    dataset: &Dataset,
    finalist: &Finalist,
    model: &Int8Model,
) -> Outcome<WrittenFile> {
    let folder = session.folder.model(finalist.record.id);
    let metadata = Metadata {
        offsets: session.target.plan(model.graph()).carried_offsets(),
        ..Metadata::default()
    };
    let path = folder.join("model.tflite");
    write_atomic(&path, &write(model, &metadata)).map_err(from_study)?;
    let stored = std::fs::read(&path).map_err(|error| {
        Failure::internal(error).context(format!("cannot read {} back", path.display()))
    })?;
    let file = read_file(&stored).or_internal()?;
    let graph = file.model.graph();
    let plan = session.target.plan_of_file(graph, &file.offsets);
    let cost = session.target.cost_of_file(graph, &file.offsets);
    let cost = with_file_size(cost, stored.len() as u64);
    let header = Header {
        name: "model",
        classes: dataset.classes(),
        arena_bytes: cost.arena_bytes,
    };
    let header = c_header(&stored, &header).or_internal()?;
    write_atomic(&folder.join("model.h"), header.as_bytes()).map_err(from_study)?;
    let preprocessing = preprocessing_toml(dataset, finalist.candidate.data);
    write_atomic(&folder.join("preprocessing.toml"), preprocessing.as_bytes())
        .map_err(from_study)?;
    Ok(WrittenFile {
        quantisations: file.model.quantisations().to_vec(),
        interpreter: Interpreter::new(file.model),
        plan,
        cost,
    })
}

/// Evaluates a file on the test split, and describes it; whether it is recommended stays open.
fn measure(dataset: &Dataset, model: &Finished<'_>) -> Outcome<ModelRecord> {
    let finalist = model.finalist;
    // The same graph as the file's, with the layers' names, which the file leaves out to save flash.
    let graph = &finalist.trained.graph;
    let all = every_example(dataset, Split::Test);
    let test = evaluate(
        &model.file.interpreter,
        dataset,
        Split::Test,
        &all,
        finalist.candidate.data,
    )?;
    let test_float = (finalist.trained.evaluate(dataset, Split::Test, &all)).tally;
    Ok(ModelRecord {
        candidate: finalist.record.id,
        path: format!("models/{}/model.tflite", finalist.record.id),
        cost: cost_record(&model.file.cost),
        host_arena_bytes: model.file.cost.host_arena_bytes,
        val_accuracy_float: model.val_float.accuracy(),
        val_accuracy_int8: model.val_int8.accuracy,
        test_accuracy_float: test_float.accuracy(),
        test_accuracy_int8: test.accuracy,
        val_tally_float: Some(model.val_float.clone()),
        val_tally_int8: Some(model.val_int8.tally()),
        test_tally_float: Some(test_float),
        columns: columns::records(dataset, Split::Test, &test.answers),
        confusion: test.confusion,
        layers: layer_records(graph),
        memory: buffer_records(graph, &model.file.plan),
        recommended: false,
        paired: None,
    })
}

/// A prediction with the size of the file as it is.
fn with_file_size(cost: Cost, bytes: u64) -> Cost {
    Cost {
        model_bytes: bytes,
        flash_bytes: bytes + cost.runtime_bytes,
        ..cost
    }
}

/// The validation pictures that finished models are compared on: all, or of a large split a part that is of all classes
/// as the whole is.
pub(super) fn validation_sample(dataset: &Dataset) -> Vec<usize> {
    dataset.spread(Split::Validation, VALIDATION_PICTURES)
}

/// The classes of these pictures.
pub(super) fn sample_classes(dataset: &Dataset) -> Vec<usize> {
    let labels = dataset.labels(Split::Validation);
    let sample = validation_sample(dataset).into_iter();
    sample.map(|index| labels[index]).collect()
}

/// All examples of a split.
pub(crate) fn every_example(dataset: &Dataset, split: Split) -> Vec<usize> {
    (0..dataset.len(split)).collect()
}

/// Evaluates an int8 model on the examples `indices` of a split.
///
/// # Errors
/// If the model does not fit the pictures or the classes.
pub(crate) fn evaluate(
    interpreter: &Interpreter,
    dataset: &Dataset,
    split: Split,
    indices: &[usize],
    config: DataConfig,
) -> Outcome<Evaluation> {
    let mut whole: Option<Evaluation> = None;
    for indices in indices.chunks(CHUNK) {
        let batch = dataset.evaluation_batch(split, indices, config);
        let part = interpreter
            .evaluate(&batch.pixels, &batch.labels)
            .or_internal()?;
        whole = Some(match whole {
            Some(whole) => whole.and(&part),
            None => part,
        });
    }
    whole.ok_or_else(|| Failure::internal(anyhow::anyhow!("there are no {split} pictures")))
}

/// Seconds that the way from trained weights to an evaluated file takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trial {
    /// Recalibrating and taking the network out of the supernet.
    pub(crate) extraction: f64,
    /// Quantising, and evaluating on validation and test, in float and int8.
    pub(crate) evaluation: f64,
}

/// Measures a candidate's way to a file on a few pictures, with its present weights.
///
/// # Errors
/// If the candidate cannot be quantised: better now than after its training.
pub(crate) fn trial(
    session: &Session<'_>,
    dataset: &Dataset,
    supernet: &Supernet,
    candidate: &Candidate,
) -> Outcome<Trial> {
    let clock = &session.clock;
    let started = clock.seconds();
    let trained = Trained::extract(supernet, candidate, dataset, ScoringOptions::default());
    work::extraction(session, dataset, candidate);
    let extraction = clock.seconds() - started;

    let started = clock.seconds();
    let asked = [TRIAL_SAMPLES; 2];
    let objective = objective::resolve(session.config, dataset.classes())?;
    let choice = quantising::quantise_best(dataset, candidate.data, &trained, asked, objective)?;
    work::quantisation(session, dataset, candidate, asked);
    let quantisation = clock.seconds() - started;

    let interpreter = Interpreter::new(choice.model);
    let few = dataset.spread(Split::Validation, TRIAL_PICTURES);
    let (mut in_int8, mut in_both) = (0.0, 0.0);
    // The first time only warms up caches and threads.
    for _ in 0..2 {
        let started = clock.seconds();
        let seconds = || (clock.seconds() - started) / few.len().max(1) as f64;
        let batch = dataset.evaluation_batch(Split::Validation, &few, candidate.data);
        interpreter
            .evaluate(&batch.pixels, &batch.labels)
            .or_internal()?;
        work::evaluation(session, dataset, candidate, Work::Int8, few.len());
        in_int8 = seconds();
        // In float it is rendered again.
        let batch = dataset.evaluation_batch(Split::Validation, &few, candidate.data);
        trained.logits(&batch.pixels);
        work::evaluation(session, dataset, candidate, Work::Inference, few.len());
        in_both = seconds();
    }
    let pictures = quantising::choice_pictures(dataset);
    let all_runs = quantising::runs(CALIBRATION_PICTURES, pictures);
    let further = all_runs.saturating_sub(quantising::runs(TRIAL_SAMPLES, TRIAL_SAMPLES));
    Ok(Trial {
        extraction,
        evaluation: quantisation
            + in_int8 * further as f64
            + in_both * evaluated_pictures(dataset) as f64,
    })
}
