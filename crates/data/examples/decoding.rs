//! How fast sources are prepared, against bare decoding with the same library on the same files and threads.
//!
//! `cargo run --release -p danas-data --example decoding -- THREADS ROUNDS FOLDER...`

use danas_data::{
    DataSpace, PrepareOptions, ReadLimits, ScanOptions, Source, Split, prepare, scan, survey,
};
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |name| arguments.next().ok_or(format!("{name} is missing"));
    let (threads, rounds): (usize, usize) =
        (number("THREADS")?.parse()?, number("ROUNDS")?.parse()?);
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()?;
    for folder in arguments {
        compare(Path::new(&folder), rounds)?;
    }
    Ok(())
}

/// Both ways in turns; the medians count.
fn compare(folder: &Path, rounds: usize) -> Result<(), Box<dyn std::error::Error>> {
    let catalogue = scan(&Source::Folder(folder.to_owned()), &ScanOptions::default())?;
    let names = Split::ALL
        .into_iter()
        .flat_map(|split| catalogue.names(split));
    let files: Vec<PathBuf> = names.map(|name| folder.join(name)).collect();
    let options = PrepareOptions::new(DataSpace::suggested(&survey(
        &catalogue,
        &ReadLimits::default(),
    )?));
    let (mut bare, mut prepared) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        bare.push(rate(files.len(), || decode_all(&files))?);
        let to = tempfile::tempdir()?;
        prepared.push(rate(files.len(), || {
            prepare(
                &catalogue,
                &to.path().join("set"),
                &options,
                &|_| {},
                &|| false,
            )
            .map(drop)
        })?);
    }
    let (bare, prepared) = (median(bare), median(prepared));
    println!(
        "{}: {} pictures, kept at {} pixels: {bare:.0} a second decoded, {prepared:.0} prepared, {:.1} %",
        folder.display(),
        files.len(),
        options.space.finest(),
        100.0 * prepared / bare
    );
    Ok(())
}

/// Reads and decodes every file, and nothing else.
fn decode_all(files: &[PathBuf]) -> Result<(), image::ImageError> {
    files.par_iter().try_for_each(|file| {
        let decoded = image::load_from_memory(&std::fs::read(file)?)?;
        std::hint::black_box(decoded);
        Ok(())
    })
}

/// Pictures a second.
fn rate<E>(pictures: usize, work: impl FnOnce() -> Result<(), E>) -> Result<f64, E> {
    let started = Instant::now();
    work()?;
    Ok(pictures as f64 / started.elapsed().as_secs_f64())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
