//! `--resolutions`.

use std::str::FromStr;

use danas_data::DataSpace;
use serde::{Deserialize, Serialize};

/// Resolutions in pixels, ascending and each once: `32,64,96`, or `paper` for those of Njor et al. 2025.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ResolutionsForm", into = "Vec<usize>")]
pub(crate) struct Resolutions(Vec<usize>);

/// How resolutions may stand in a file.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a list of pixels, or \"paper\"")]
enum ResolutionsForm {
    List(Vec<usize>),
    Text(String),
}

impl Resolutions {
    /// What a supernet can be trained on and a picture be scaled to.
    const RANGE: std::ops::RangeInclusive<usize> = 8..=512;

    /// Sorted, each once, and within what can be trained and rendered.
    ///
    /// # Errors
    /// If there are none, or one is out of range.
    pub(crate) fn checked(mut pixels: Vec<usize>) -> Result<Self, String> {
        pixels.sort_unstable();
        pixels.dedup();
        if pixels.is_empty() {
            return Err("no resolution is given".to_string());
        }
        match pixels.iter().find(|side| !Self::RANGE.contains(side)) {
            None => Ok(Resolutions(pixels)),
            Some(side) => Err(format!(
                "resolution {side} is not between {} and {} pixels",
                Self::RANGE.start(),
                Self::RANGE.end()
            )),
        }
    }

    /// The resolutions in pixels, ascending.
    pub(crate) fn pixels(&self) -> &[usize] {
        &self.0
    }
}

impl FromStr for Resolutions {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim() == "paper" {
            return Self::checked(DataSpace::njor2025().resolutions);
        }
        let side = |part: &str| {
            part.trim()
                .parse()
                .map_err(|_| format!("`{part}` is not a number of pixels"))
        };
        Self::checked(text.split(',').map(side).collect::<Result<_, _>>()?)
    }
}

impl TryFrom<ResolutionsForm> for Resolutions {
    type Error = String;

    fn try_from(form: ResolutionsForm) -> Result<Self, String> {
        match form {
            ResolutionsForm::List(pixels) => Self::checked(pixels),
            ResolutionsForm::Text(text) => text.parse(),
        }
    }
}

impl From<Resolutions> for Vec<usize> {
    fn from(resolutions: Resolutions) -> Vec<usize> {
        resolutions.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolutions_are_sorted_and_checked() {
        let read = |text: &str| text.parse::<Resolutions>().map(|r| r.pixels().to_vec());
        assert_eq!(read("96,32, 64,32"), Ok(vec![32, 64, 96]));
        assert_eq!(read("paper"), Ok(vec![32, 64, 96, 128, 160, 192, 224]));
        assert!(read("32,wide").unwrap_err().contains("`wide`"));
        assert!(read("4").is_err());
        assert!(read("100000").is_err());
    }
}
