use super::file::read_text;
use super::*;
use crate::args::{Arguments, Command};
use clap::Parser;

fn resolve(arguments: &[&str]) -> Outcome<Configuration> {
    let line = ["danas", "search"].iter().chain(arguments);
    match Arguments::try_parse_from(line).unwrap().command {
        Command::Search(command) => Configuration::resolve(*command),
        other => panic!("{other:?}"),
    }
}

#[test]
fn options_lie_over_the_file_and_the_file_over_the_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("danas.toml");
    std::fs::write(
        &file,
        "data = \"photos\"\nram = \"256KiB\"\nseed = 3\nresolutions = [64, 32]\ncolours = [\"mono\"]\n\
         steps = { supernet = 1, search = 2, final = 3 }\n",
    )
    .unwrap();
    let config = resolve(&[
        "--config",
        file.to_str().unwrap(),
        "--seed",
        "5",
        "--time",
        "2m",
    ])
    .unwrap();
    assert_eq!(config.seed, 5);
    assert_eq!(config.models, 3);
    assert_eq!(config.limits.ram_bytes, Some(262_144));
    assert_eq!(config.resolutions.unwrap().pixels(), [32, 64]);
    assert_eq!(config.colours, Some(vec![Colour::Mono]));
    assert_eq!(config.budget, Budget::Time(Duration::from_secs(120)));
    assert_eq!(config.out, Path::new("runs/photos-by-hand"));
}

#[test]
fn a_preset_lies_under_the_file_and_the_file_under_the_options() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("danas.toml");
    std::fs::write(&file, "ram = \"256KiB\"\nseed = 3\nspace = \"mobile\"\n").unwrap();
    let preset = ["--preset", "wake-vision-njor2025", "--data", "wake_vision"];
    let alone = resolve(&preset).unwrap();
    let paper = DataSpace::njor2025();
    assert_eq!(alone.resolutions.unwrap().pixels(), paper.resolutions);
    assert_eq!(alone.colours, Some(paper.colours));
    assert_eq!(alone.space, SpaceName::Njor2025);
    assert_eq!(alone.limits.ram_bytes, Some(512 << 10));
    assert_eq!(alone.limits.flash_bytes, Some(2 << 20));
    assert_eq!(alone.budget, Budget::Time(Duration::from_secs(23 * 3600)));
    let more = ["--config", file.to_str().unwrap(), "--seed", "5"];
    let steps = ["--steps", "supernet=1,search=2,final=3"];
    let over = resolve(&[&preset[..], &more, &steps].concat()).unwrap();
    assert_eq!(over.limits.ram_bytes, Some(256 << 10));
    assert_eq!(over.limits.flash_bytes, Some(2 << 20));
    assert_eq!((over.seed, over.space), (5, SpaceName::Mobile));
    assert!(matches!(over.budget, Budget::Steps(_)));
    let unknown = Arguments::try_parse_from(["danas", "search", "--preset", "wake-vision"]);
    let said = unknown.unwrap_err().to_string();
    assert!(said.contains("wake-vision-njor2025"), "{said}");
}

#[test]
fn fixed_genes_narrow_the_data_and_are_kept_for_the_networks() {
    let base = [
        "--data",
        "photos",
        "--ram",
        "64KiB",
        "--resolutions",
        "32,64",
    ];
    let with = |fixes: &[&str]| {
        let fixes = fixes.iter().flat_map(|fix| ["--fix", fix]);
        resolve(&base.into_iter().chain(fixes).collect::<Vec<_>>())
    };
    let config = with(&[
        "resolution=64",
        "Kernel = 3",
        "colour=gray",
        "stage2.width=24",
    ])
    .unwrap();
    assert_eq!(config.resolutions.as_ref().unwrap().pixels(), [64]);
    assert_eq!(config.colours, Some(vec![Colour::Mono]));
    let fixed: Vec<String> = config.fixed.iter().map(ToString::to_string).collect();
    assert_eq!(fixed, ["kernel=3", "stage2.width=24"]);
    for wrong in [
        &["resolution=48"][..],
        &["resolution=32", "resolution=64"],
        &["colour=blue"],
    ] {
        assert!(
            with(wrong).unwrap_err().to_string().contains("--fix"),
            "{wrong:?}"
        );
    }
    let line = ["danas", "search", "--data", "photos", "--fix", "kernel"];
    assert!(Arguments::try_parse_from(line).is_err());
}

#[test]
fn what_is_stored_reads_back_as_the_same_configuration() {
    let config = resolve(&[
        "--data",
        "synthetic:objects,size=32",
        "--flash",
        "1MiB",
        "--max-macs",
        "20M",
        "--max-latency",
        "50ms",
        "--steps",
        "supernet=4,search=6,final=2",
        "--resolutions",
        "paper",
        "--colours",
        "rgb,mono",
        "--space",
        "njor2025",
        "--strategy",
        "random",
        "--objective",
        "f1:ring",
        "--class-weights",
        "never",
        "--threads",
        "2",
    ])
    .unwrap();
    let text = config.to_toml().unwrap();
    let again = Configuration::check(read_text(&text).unwrap(), Isa::detect()).unwrap();
    assert_eq!(again.to_toml().unwrap(), text);
    assert_eq!(again.out, Path::new("runs/synthetic-objects-by-hand"));
    assert!(!text.contains("threads"), "{text}");
    assert!(text.contains("objective = \"f1:ring\"\n"), "{text}");
    assert!(text.contains("class-weights = \"never\"\n"), "{text}");
}

#[test]
fn classes_are_weighted_unless_accuracy_was_asked_for() {
    let weights = |more: &[&str]| {
        let line = [&["--data", "photos", "--ram", "64KiB"], more].concat();
        let config = resolve(&line).unwrap();
        let text = config.to_toml().unwrap();
        let again = Configuration::check(read_text(&text).unwrap(), Isa::detect()).unwrap();
        assert_eq!(again.class_weights, config.class_weights, "{text}");
        assert_eq!(again.objective, config.objective, "{text}");
        config.class_weights
    };
    assert_eq!(weights(&[]), ClassWeights::Auto);
    assert_eq!(weights(&["--objective", "balanced"]), ClassWeights::Auto);
    assert_eq!(weights(&["--objective", "accuracy"]), ClassWeights::Never);
    let both = ["--objective", "accuracy", "--class-weights", "auto"];
    assert_eq!(weights(&both), ClassWeights::Auto);
    // Runs of before there was a choice can be continued.
    let line = ["--data", "photos", "--ram", "64KiB"];
    let text = resolve(&line).unwrap().to_toml().unwrap();
    assert!(
        !text.contains("objective") && !text.contains("class-weights"),
        "{text}"
    );
}

#[test]
fn unknown_keys_are_refused_with_the_nearest_name() {
    let message = |text: &str| read_text(text).unwrap_err().to_string();
    assert!(message("tim = \"2m\"").contains("did you mean `time`?"));
    assert!(message("max_macs = 5").contains("did you mean `max-macs`?"));
    assert!(
        message("steps = { supernet = 1, serach = 2, final = 1 }")
            .contains("did you mean `search`?")
    );
    assert!(message("seed = \"x\"").contains("`seed`"));
    assert!(message("ram = \"a lot\"").contains("256KiB"));
    assert!(message("seed = ").contains("expected"));
}

#[test]
fn what_cannot_be_searched_is_refused() {
    assert!(
        resolve(&["--ram", "1KiB"])
            .unwrap_err()
            .to_string()
            .contains("no examples")
    );
    assert!(
        resolve(&["--data", "x"])
            .unwrap_err()
            .to_string()
            .contains("neither a board nor a limit")
    );
    assert!(resolve(&["--data", "x", "--ram", "1KiB", "--models", "0"]).is_err());
    assert!(resolve(&["--data", "x", "--ram", "1KiB", "--threads", "0"]).is_err());
}
