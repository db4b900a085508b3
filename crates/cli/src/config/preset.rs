//! Configuration files that are part of the program.

use super::file::read_text;
use crate::args::{PresetName, SearchOptions};
use crate::message::Outcome;

/// The text of a preset, a file as `--config` reads it.
fn text(preset: PresetName) -> &'static str {
    match preset {
        PresetName::WakeVisionNjor2025 => {
            include_str!("../../presets/wake-vision-njor2025.toml")
        }
    }
}

/// The options of a preset.
///
/// # Errors
/// Those of reading a configuration file.
pub(super) fn options(preset: PresetName) -> Outcome<SearchOptions> {
    read_text(text(preset))
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_preset_can_be_read_and_names_no_data() {
        for preset in PresetName::value_variants() {
            let options = options(*preset).expect("a preset that can be read");
            assert!(
                options.data.is_none() && options.out.is_none(),
                "{preset:?}"
            );
        }
    }
}
