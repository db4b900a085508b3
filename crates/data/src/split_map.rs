//! Which part a name on disk stands for.

use crate::error::DataError;
use crate::split::Split;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::str::FromStr;

/// Names of parts that are understood without being told. Of several training parts the first one here is used:
/// the large one of Wake Vision is for training before the training proper.
const NAMES: [(&str, Split); 10] = [
    ("train", Split::Train),
    ("training", Split::Train),
    ("train_quality", Split::Train),
    (LARGE, Split::Train),
    ("val", Split::Validation),
    ("valid", Split::Validation),
    ("validation", Split::Validation),
    ("dev", Split::Validation),
    ("test", Split::Test),
    ("testing", Split::Test),
];

/// The training part that is used only where there is no other.
const LARGE: &str = "train_large";

/// What the user says a name on disk stands for, as in `train_quality=train` or `test=unused`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MappedSplit {
    /// The name on disk.
    pub name: String,
    /// The part; none where it is not to be used.
    pub split: Option<Split>,
}

impl FromStr for MappedSplit {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let bad = || DataError::BadOption {
            option: "--split-map",
            found: format!("`{text}`"),
            expected: "NAME=train, NAME=validation, NAME=test, NAME=pretraining or NAME=unused"
                .to_owned(),
        };
        let (name, split) = text.split_once('=').ok_or_else(bad)?;
        let (name, split) = (name.trim(), split.trim());
        let split = match split {
            "unused" => None,
            _ => Some(
                Split::ALL
                    .into_iter()
                    .find(|known| known.name() == split)
                    .ok_or_else(bad)?,
            ),
        };
        if name.is_empty() {
            return Err(bad());
        }
        Ok(Self {
            name: name.to_owned(),
            split,
        })
    }
}

impl TryFrom<String> for MappedSplit {
    type Error = DataError;

    fn try_from(text: String) -> Result<Self, DataError> {
        text.parse()
    }
}

impl From<MappedSplit> for String {
    fn from(mapped: MappedSplit) -> Self {
        mapped.to_string()
    }
}

impl MappedSplit {
    /// What the name is used for, in a word.
    fn use_name(&self) -> &'static str {
        self.split.map_or("unused", Split::name)
    }
}

impl std::fmt::Display for MappedSplit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}={}", self.name, self.use_name())
    }
}

/// The part that a name stands for by itself.
fn by_itself(name: &str) -> Option<Split> {
    NAMES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, split)| *split)
}

/// Whether a name is that of a part, by itself or because the user says so.
pub(crate) fn is_part(name: &str, map: &[MappedSplit]) -> bool {
    by_itself(name).is_some() || map.iter().any(|mapped| mapped.name == name)
}

/// Whether a name may be that of a training part.
pub(crate) fn may_train(name: &str, map: &[MappedSplit]) -> bool {
    match map.iter().find(|mapped| mapped.name == name) {
        Some(mapped) => mapped.split == Some(Split::Train),
        None => by_itself(name) == Some(Split::Train),
    }
}

/// The name of a part within a file name, as in `wake_vision-train_quality.tfrecord-00000-of-00010`: the longest one that
/// stands between characters that are neither letters nor digits. Names that the user maps come first.
pub(crate) fn part_within(file: &str, map: &[MappedSplit]) -> Option<String> {
    let file = file.to_lowercase();
    let is_edge = |next: Option<char>| next.is_none_or(|next| !next.is_alphanumeric());
    let is_within = |name: &&str| {
        file.match_indices(&name.to_lowercase())
            .any(|(start, found)| {
                is_edge(file[..start].chars().next_back())
                    && is_edge(file[start + found.len()..].chars().next())
            })
    };
    let given = map.iter().map(|mapped| mapped.name.as_str());
    let known = NAMES.iter().map(|(name, _)| *name);
    let longest = given.filter(is_within).max_by_key(|name| name.len());
    longest
        .or_else(|| known.filter(is_within).max_by_key(|name| name.len()))
        .map(str::to_owned)
}

/// The part that each of the names found at `path` is used for.
///
/// # Errors
/// A name of the map is not there or there twice, two names claim one part without the user saying so, or none is for
/// training.
pub(crate) fn assign(
    path: &Path,
    names: &[String],
    map: &[MappedSplit],
) -> Result<Vec<Option<Split>>, DataError> {
    if let Some(missing) = map.iter().find(|mapped| !names.contains(&mapped.name)) {
        return Err(DataError::UnknownSplit {
            path: path.to_owned(),
            name: missing.name.clone(),
            found: names.to_vec(),
        });
    }
    for (place, mapped) in map.iter().enumerate() {
        if let Some(before) = map[..place].iter().find(|m| m.name == mapped.name) {
            return Err(DataError::SplitUsedTwice {
                name: mapped.name.clone(),
                first: before.use_name(),
                second: mapped.use_name(),
            });
        }
    }
    let told = |name: &String| map.iter().find(|mapped| &mapped.name == name);
    let mut uses: Vec<Option<Split>> = names
        .iter()
        .map(|name| told(name).and_then(|mapped| mapped.split))
        .collect();
    for split in Split::ALL {
        if uses.contains(&Some(split)) {
            continue;
        }
        let mut open: Vec<usize> = (0..names.len())
            .filter(|&at| told(&names[at]).is_none() && by_itself(&names[at]) == Some(split))
            .collect();
        if open.len() > 1 {
            open.retain(|&at| names[at] != LARGE);
        }
        match open[..] {
            [] => {}
            [only] => uses[only] = Some(split),
            [first, second, ..] => {
                return Err(DataError::AmbiguousSplit {
                    path: path.to_owned(),
                    split,
                    first: names[first].clone(),
                    second: names[second].clone(),
                });
            }
        }
    }
    if !uses.contains(&Some(Split::Train)) {
        return Err(DataError::NoTrainingPart {
            path: path.to_owned(),
            found: names.to_vec(),
        });
    }
    Ok(uses)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(text: &str) -> Vec<MappedSplit> {
        text.split(',')
            .map(|text| text.parse().expect("a mapping"))
            .collect()
    }

    fn assigned(names: &[&str], map: &[MappedSplit]) -> Result<Vec<Option<Split>>, String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        assign(Path::new("data"), &names, map).map_err(|error| error.to_string())
    }

    #[test]
    fn the_quality_part_is_trained_on_and_the_large_one_left() {
        let names = ["test", "train_large", "train_quality", "validation"];
        let (train, validation, test) = (Split::Train, Split::Validation, Split::Test);
        let by_itself = [Some(test), None, Some(train), Some(validation)];
        assert_eq!(assigned(&names, &[]).as_deref(), Ok(&by_itself[..]));
        let large = [Some(test), Some(train), None, Some(validation)];
        let told = map("train_large=train");
        assert_eq!(assigned(&names, &told).as_deref(), Ok(&large[..]));
        let both = map("train_large=train,train_quality=train,test=unused");
        let uses = [None, Some(train), Some(train), Some(validation)];
        assert_eq!(assigned(&names, &both).as_deref(), Ok(&uses[..]));
        assert_eq!(
            assigned(&["train_large"], &[]).as_deref(),
            Ok(&[Some(train)][..])
        );
        let stages = [
            Some(test),
            Some(Split::Pretraining),
            Some(train),
            Some(validation),
        ];
        for told in [
            "train_large=pretraining",
            "train_large=pretraining,train_quality=train",
        ] {
            assert_eq!(assigned(&names, &map(told)).as_deref(), Ok(&stages[..]));
        }
    }

    #[test]
    fn what_cannot_be_assigned_is_said() {
        let said = assigned(&["train", "val", "valid"], &[]).expect_err("two for one part");
        assert!(said.contains("val") && said.contains("valid"), "{said}");
        let said = assigned(&["test"], &[]).expect_err("nothing to train on");
        assert!(said.contains("test"), "{said}");
        let said = assigned(&["train"], &map("trian=train")).expect_err("a name that is not there");
        assert!(said.contains("trian") && said.contains("`train`"), "{said}");
        let said = assigned(&["train", "test"], &map("train=pretraining,train=train"))
            .expect_err("one name for two parts");
        assert!(
            said.contains("`train`") && said.contains("pretraining and train"),
            "{said}"
        );
        let said = assigned(&["train", "test"], &map("train=pretraining"))
            .expect_err("nothing to train on after pretraining");
        assert!(said.contains("no part to train on"), "{said}");
        for wrong in ["train", "=train", "a=b", ""] {
            assert!(wrong.parse::<MappedSplit>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn parts_are_found_in_file_names() {
        let found = |file| part_within(file, &[]);
        let is = |name: &str| Some(name.to_owned());
        assert_eq!(
            found("train_quality_part_0-00012-of-00030.parquet"),
            is("train_quality")
        );
        assert_eq!(
            found("wake_vision-train_large.tfrecord-00000-of-00010"),
            is("train_large")
        );
        assert_eq!(found("validation-00000-of-00001.parquet"), is("validation"));
        assert_eq!(found("imagenet-Train-000000.tar"), is("train"));
        assert_eq!(found("latest-contest.tar"), None);
        assert_eq!(
            part_within("fold3-train.csv", &map("fold3=test")).as_deref(),
            Some("fold3"),
            "what the user says comes first"
        );
    }
}
