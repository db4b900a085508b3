//! How spaces and candidates are written, and what is refused.

mod common;

use common::{config, mobile, multiplied, tiny};
use danas_data::{Colour, DataSpace};
use danas_space::{Candidate, Expansion, NetworkSpace, SearchSpace, SpaceError};

#[test]
fn spaces_survive_being_written_as_toml() {
    for space in [SearchSpace::njor2025(), mobile()] {
        let text = toml::to_string(&space).expect("TOML");
        assert_eq!(
            toml::from_str::<SearchSpace>(&text).expect("a space"),
            space
        );
    }
}

#[test]
fn written_spaces_are_checked() {
    let text = toml::to_string(&mobile()).expect("TOML");
    let refused = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        let error = toml::from_str::<SearchSpace>(&text.replacen(from, to, 1)).unwrap_err();
        error.to_string()
    };
    assert!(refused("stem = [8, 16, 24]", "stem = [8, 12]").contains("multiples of 8"));
    assert!(refused("max_depth", "most_depth").contains("most_depth"));
}

#[test]
fn candidates_have_stable_json() {
    let candidate = Candidate {
        data: config(32, Colour::Mono),
        network: tiny(true, true).smallest(),
    };
    let text = r#"{"data":{"resolution":32,"colour":"mono"},"network":{"stem":8,"stem_stride":2,"stages":[{"stride":2,"width":8,"blocks":[{"kernel":3,"expansion":10}]},{"stride":2,"width":8,"blocks":[]},{"stride":2,"width":8,"blocks":[]}],"head":0}}"#;
    assert_eq!(serde_json::to_string(&candidate).expect("JSON"), text);
    let back: Candidate = serde_json::from_str(text).expect("a candidate");
    assert_eq!(back, candidate);
}

#[test]
fn candidates_have_a_summary() {
    let candidate = mobile().smallest(config(32, Colour::Mono));
    assert_eq!(
        candidate.summary(2),
        "32x32 mono, stem 8, 3 blocks (8-8-16), no head, 0.0012 M weights, 0.12 M MACs"
    );
}

/// What a change of a valid space is refused with.
fn fault(change: impl Fn(&mut NetworkSpace)) -> SpaceError {
    let mut space = NetworkSpace::default_space();
    change(&mut space);
    let data = DataSpace::njor2025();
    SearchSpace::new(data, space).expect_err("the change makes the space invalid")
}

#[test]
fn descriptions_are_refused_with_their_fault() {
    use SpaceError::*;
    assert!(matches!(fault(|s| s.stem.clear()), NoChoices { .. }));
    assert!(matches!(fault(|s| s.stages.clear()), NoChoices { .. }));
    assert!(matches!(
        fault(|s| s.stages[1].kernels.clear()),
        NoChoices { .. }
    ));
    assert!(matches!(
        fault(|s| s.stages[1].expansions.clear()),
        NoChoices { .. }
    ));
    assert!(matches!(
        fault(|s| s.stem = vec![16, 8]),
        NotAscending {
            previous: 16,
            next: 8,
            ..
        }
    ));
    assert!(matches!(
        fault(|s| s.stages[2].widths = vec![8, 8]),
        NotAscending { .. }
    ));
    assert!(matches!(fault(|s| s.stem = vec![0, 8]), OutOfRange { .. }));
    assert!(matches!(
        fault(|s| s.head = vec![1 << 40]),
        OutOfRange { .. }
    ));
    assert!(matches!(
        fault(|s| s.stages[0].stride = 3),
        OutOfRange { .. }
    ));
    assert!(matches!(
        fault(|s| s.stages[0].stride = 0),
        OutOfRange { .. }
    ));
    assert!(matches!(
        fault(|s| s.mono_width_percent = 0),
        OutOfRange { .. }
    ));
    assert!(matches!(
        fault(|s| s.stages[3].max_depth = 1_000_000),
        OutOfRange { .. }
    ));
    assert!(matches!(
        fault(|s| s.stages[3].expansions = vec![Expansion(0)]),
        OutOfRange { .. }
    ));
    assert!(matches!(
        fault(|s| s.stages[3].kernels = vec![4]),
        Kernel { value: 4, .. }
    ));
    assert!(matches!(
        fault(|s| s.head = vec![0, 20]),
        NotMultipleOfEight {
            value: 20,
            nearest: 24,
            ..
        }
    ));
    assert!(matches!(
        fault(|s| s.stages[1].min_depth = 4),
        Depth { stage: 1, .. }
    ));
    assert!(matches!(
        fault(|s| s.stages[5].min_depth = 1),
        DepthAfterEmpty { stage: 5, .. }
    ));
    assert!(matches!(
        fault(|s| s.stages = vec![s.stages[0].clone(); 13]),
        TooMany {
            found: 13,
            limit: 12,
            ..
        }
    ));
    let untied = fault(|s| {
        s.tied_expansion = true;
        s.stages[4].expansions.pop();
    });
    assert_eq!(untied, TiedExpansions { stage: 4 });
    let badly_multiplied = |change: &dyn Fn(&mut NetworkSpace)| {
        fault(|s| {
            *s = multiplied(false);
            change(s);
        })
    };
    assert!(matches!(
        badly_multiplied(&|s| s.head = vec![16, 32]),
        TiedWidths {
            found: 2,
            expected: 3,
            ..
        }
    ));
    assert!(matches!(
        badly_multiplied(&|s| s.stem = vec![16, 8, 16]),
        NotAscending { .. }
    ));
    assert!(matches!(
        badly_multiplied(&|s| s.width_percents = vec![25, 25, 50]),
        NotAscending { .. }
    ));
    assert!(matches!(
        badly_multiplied(&|s| s.mono_width_percent = 50),
        OutOfRange { .. }
    ));
    assert_eq!(
        badly_multiplied(&|s| s.stem = vec![8; 3]),
        SameWidths {
            percents: [50, 100]
        }
    );
    assert_eq!(
        fault(|s| s.stages[2].widths = vec![16, 20]).to_string(),
        "`stages[2].widths` is 20; numbers of channels must be multiples of 8 (the nearest is 24)"
    );
}

#[test]
fn data_halves_are_checked_too() {
    let mut data = DataSpace::njor2025();
    data.resolutions = vec![1 << 40];
    let network = NetworkSpace::default_space;
    assert!(matches!(
        SearchSpace::new(data.clone(), network()),
        Err(SpaceError::OutOfRange { .. })
    ));
    data.resolutions.clear();
    assert!(matches!(
        SearchSpace::new(data, network()),
        Err(SpaceError::NoChoices { .. })
    ));
}
