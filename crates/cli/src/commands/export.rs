//! `danas export`.

use std::path::{Path, PathBuf};

use danas_deploy::{Library, c_library};
use danas_study::{ModelRecord, RunFolder, Store, write_atomic};

use crate::args::{ExportCommand, ExportForm};
use crate::message::{Failure, Outcome, Status, from_study};
use crate::model_file::{ModelFile, preprocessing_beside};
use crate::output;

/// The name of a C library that is given none.
const LIBRARY_NAME: &str = "model";

/// Writes one model in the form asked for and prints the paths of its files.
pub(crate) fn export(command: &ExportCommand) -> Outcome<Status> {
    match command.form {
        ExportForm::Files => copy_files(command)?,
        ExportForm::C => write_library(command)?,
    }
    Ok(Status::Done)
}

/// Copies the files of a finished model.
fn copy_files(command: &ExportCommand) -> Outcome<()> {
    if command.source.is_file() {
        return Err(Failure::input_text(format!(
            "{} is a file; files are copied from a run folder",
            command.source.display()
        ))
        .hint("--as c writes a .tflite file as C code"));
    }
    if command.name.is_some() {
        return Err(Failure::input_text(
            "--name is the name of C code; without --as c there is none",
        ));
    }
    let folder = model_folder(&command.source, command.model)?;
    for name in crate::pipeline::MODEL_FILES {
        let from = folder.join(name);
        let bytes = std::fs::read(&from).map_err(|error| {
            Failure::internal(error).context(format!("cannot read {}", from.display()))
        })?;
        write(command, name, &bytes)?;
    }
    Ok(())
}

/// Writes a model as C code.
fn write_library(command: &ExportCommand) -> Outcome<()> {
    let path = model_path(command)?;
    let model = ModelFile::read(&path)?.network.into_model();
    let model = model.map_err(|error| {
        Failure::input(error).context(format!("{} cannot be written as C", path.display()))
    })?;
    let preprocessing = preprocessing_beside(&path, model.graph().input)?;
    let (classes, finest) = match preprocessing {
        Some(preprocessing) => (preprocessing.classes, Some(preprocessing.finest)),
        None => {
            let numbered = (0..model.outputs()).map(|class| format!("class {class}"));
            (numbered.collect(), None)
        }
    };
    let library = Library {
        name: command.name.as_deref().unwrap_or(LIBRARY_NAME),
        classes: &classes,
        finest,
    };
    let files = c_library(&model, &library).map_err(|error| {
        Failure::input(error).context(format!("{} cannot be written as C", path.display()))
    })?;
    for file in files {
        write(command, &file.path, file.text.as_bytes())?;
    }
    Ok(())
}

fn write(command: &ExportCommand, name: &str, bytes: &[u8]) -> Outcome<()> {
    let to = command.to.join(name);
    write_atomic(&to, bytes).map_err(from_study)?;
    output::print(&format!("{}\n", to.display()))
}

/// The file of the model that is meant.
fn model_path(command: &ExportCommand) -> Outcome<PathBuf> {
    if !command.source.is_file() {
        return Ok(model_folder(&command.source, command.model)?.join("model.tflite"));
    }
    if command.model.is_some() {
        return Err(Failure::input_text(format!(
            "--model chooses one of a run's models, but {} is a file",
            command.source.display()
        )));
    }
    Ok(command.source.clone())
}

/// The folder of a finished model of a run.
fn model_folder(run: &Path, asked: Option<u64>) -> Outcome<PathBuf> {
    let opened = RunFolder::read(run).map_err(from_study)?;
    let models = opened.study.models().map_err(from_study)?;
    Ok(opened.folder.model(chosen(&models, asked, run)?))
}

/// The id asked for, or the recommended one.
fn chosen(models: &[ModelRecord], asked: Option<u64>, run: &Path) -> Outcome<u64> {
    if models.is_empty() {
        return Err(
            Failure::input_text(format!("{} has no finished models", run.display())).hint(
                "a search finishes its models at its end: give its command again to continue it",
            ),
        );
    }
    let found = match asked {
        Some(id) => models.iter().find(|model| model.candidate == id),
        None => models
            .iter()
            .find(|model| model.recommended)
            .or(models.first()),
    };
    found.map(|model| model.candidate).ok_or_else(|| {
        let ids: Vec<String> = models
            .iter()
            .map(|model| model.candidate.to_string())
            .collect();
        Failure::input_text(format!(
            "model {} was not trained to the end",
            asked.unwrap_or_default()
        ))
        .hint(format!("finished models of this run: {}", ids.join(", ")))
    })
}
