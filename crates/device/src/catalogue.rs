//! Catalogues of boards: the built-in one and files of the user's own.

use crate::board::{Board, Power};
use crate::core::Core;
use crate::quantity::{QuantityError, parse_bytes};
use serde::Deserialize;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// There is no board of this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown board `{name}`; nearest: {}", nearest.join(", "))]
pub struct UnknownBoard {
    /// What was asked for.
    pub name: String,
    /// The names most like it, nearest first, at most three.
    pub nearest: Vec<String>,
}

/// Why a catalogue could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// The file could not be read.
    #[error("cannot read the board catalogue {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is larger than any catalogue.
    #[error("{path} is larger than {limit} bytes and hardly a board catalogue")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// It is no TOML, or a value has the wrong type.
    #[error("{origin}: {message}")]
    Syntax {
        /// The file, or what else the text came from.
        origin: String,
        /// What is wrong and where.
        message: String,
    },
    /// A key that means nothing.
    #[error("{origin}: unknown key `{key}` in {place}; did you mean `{nearest}`?")]
    UnknownKey {
        /// The file, or what else the text came from.
        origin: String,
        /// The key.
        key: String,
        /// The board it belongs to, or the top level.
        place: String,
        /// The known key most like it.
        nearest: &'static str,
    },
    /// A value that makes no sense.
    #[error("{origin}: board `{board}`: {message}")]
    Value {
        /// The file, or what else the text came from.
        origin: String,
        /// The board.
        board: String,
        /// What is wrong.
        message: String,
    },
}

/// Catalogue files larger than this are refused, in bytes.
const LARGEST_FILE: u64 = 1 << 20;

static BUILT_IN: LazyLock<Vec<Board>> = LazyLock::new(|| {
    parse_catalogue(include_str!("../boards.toml"), "boards.toml")
        .expect("the catalogue in the program is tested")
});

/// The built-in catalogue.
pub fn boards() -> &'static [Board] {
    &BUILT_IN
}

/// The board with this name; upper and lower case, spaces and underscores are forgiven.
///
/// # Errors
/// If there is none; the error names the nearest.
pub fn find<'a>(boards: &'a [Board], name: &str) -> Result<&'a Board, UnknownBoard> {
    let wanted = name.trim().to_lowercase().replace([' ', '_'], "-");
    boards
        .iter()
        .find(|board| board.name == wanted)
        .ok_or_else(|| {
            let mut scored: Vec<(f64, &str)> = boards
                .iter()
                .map(|board| (similarity(&wanted, board), board.name.as_str()))
                .collect();
            scored.sort_by(|a, b| b.0.total_cmp(&a.0));
            let nearest = scored
                .into_iter()
                .take(3)
                .map(|(_, name)| name.to_owned())
                .collect();
            UnknownBoard {
                name: name.to_owned(),
                nearest,
            }
        })
}

/// How much a name is like a board's name or a word of its title, 0 to 1.
fn similarity(wanted: &str, board: &Board) -> f64 {
    let title = board.title.to_lowercase();
    title
        .split(|c: char| !c.is_alphanumeric())
        .chain([title.as_str(), board.name.as_str()])
        .map(|word| strsim::jaro_winkler(wanted, word))
        .fold(0.0, f64::max)
}

/// The built-in boards with those of a user's file added; one of the same name takes the place of ours.
///
/// # Errors
/// If the file cannot be read or is no catalogue.
pub fn boards_with(path: &Path) -> Result<Vec<Board>, CatalogueError> {
    let read_error = |source| CatalogueError::Read {
        path: path.to_owned(),
        source,
    };
    let file = std::fs::File::open(path).map_err(read_error)?;
    let mut text = String::new();
    file.take(LARGEST_FILE + 1)
        .read_to_string(&mut text)
        .map_err(read_error)?;
    if text.len() as u64 > LARGEST_FILE {
        return Err(CatalogueError::TooLarge {
            path: path.to_owned(),
            limit: LARGEST_FILE,
        });
    }
    let own = parse_catalogue(&text, &path.display().to_string())?;
    let mut all = boards().to_vec();
    for board in own {
        match all.iter_mut().find(|known| known.name == board.name) {
            Some(known) => *known = board,
            None => all.push(board),
        }
    }
    Ok(all)
}

/// A board as a file states it.
#[derive(Deserialize)]
struct Entry {
    name: String,
    title: Option<String>,
    core: Core,
    mhz: f64,
    ram: String,
    flash: String,
    reserved_ram: Option<String>,
    reserved_flash: Option<String>,
    #[serde(default)]
    published: bool,
    #[serde(default)]
    note: String,
    power: Option<f64>,
    power_source: Option<String>,
}

/// The keys of [`Entry`].
const KEYS: [&str; 12] = [
    "name",
    "title",
    "core",
    "mhz",
    "ram",
    "flash",
    "reserved_ram",
    "reserved_flash",
    "published",
    "note",
    "power",
    "power_source",
];

/// Reads a catalogue; `origin` says in errors where the text came from.
///
/// # Errors
/// If the text is no TOML, has unknown keys, or values that make no sense.
pub fn parse_catalogue(text: &str, origin: &str) -> Result<Vec<Board>, CatalogueError> {
    let syntax = |message: String| CatalogueError::Syntax {
        origin: origin.to_owned(),
        message,
    };
    let table: toml::Table = text
        .parse()
        .map_err(|e: toml::de::Error| syntax(e.to_string()))?;
    check_keys(&table, &["board"], origin, "the top level")?;
    let entries = match table.get("board") {
        Some(toml::Value::Array(entries)) => entries.as_slice(),
        Some(_) => return Err(syntax("`board` must be a list: write [[board]]".into())),
        None => &[],
    };
    let mut boards: Vec<Board> = Vec::with_capacity(entries.len());
    for (index, value) in entries.iter().enumerate() {
        let Some(entry) = value.as_table() else {
            return Err(syntax(
                "`board` must be a list of tables: write [[board]]".into(),
            ));
        };
        let place = match entry.get("name").and_then(toml::Value::as_str) {
            Some(name) => format!("board `{name}`"),
            None => format!("board number {}", index + 1),
        };
        check_keys(entry, &KEYS, origin, &place)?;
        let entry: Entry = value
            .clone()
            .try_into()
            .map_err(|e: toml::de::Error| syntax(format!("{place}: {}", e.message())))?;
        let board = entry.check(origin)?;
        if boards.iter().any(|other| other.name == board.name) {
            return Err(value_error(origin, &board.name, "is listed twice".into()));
        }
        boards.push(board);
    }
    Ok(boards)
}

fn check_keys(
    table: &toml::Table,
    known: &[&'static str],
    origin: &str,
    place: &str,
) -> Result<(), CatalogueError> {
    let Some(key) = table.keys().find(|key| !known.contains(&key.as_str())) else {
        return Ok(());
    };
    let likeness = |name: &&&'static str| strsim::jaro_winkler(key, name);
    let nearest = known
        .iter()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    Err(CatalogueError::UnknownKey {
        origin: origin.to_owned(),
        key: key.clone(),
        place: place.to_owned(),
        nearest: nearest.copied().unwrap_or_default(),
    })
}

fn value_error(origin: &str, board: &str, message: String) -> CatalogueError {
    CatalogueError::Value {
        origin: origin.to_owned(),
        board: board.to_owned(),
        message,
    }
}

impl Entry {
    fn check(self, origin: &str) -> Result<Board, CatalogueError> {
        let wrong = |message: String| value_error(origin, &self.name, message);
        let bytes = |key: &str, text: &str| {
            parse_bytes(text).map_err(|e: QuantityError| wrong(format!("{key}: {e}")))
        };
        let reserved = |key: &str, text: &Option<String>, default: u64| match text {
            Some(text) => bytes(key, text),
            None => Ok(default),
        };
        let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.name.is_empty() || !self.name.chars().all(kebab) {
            return Err(wrong(
                "the name must be lower case letters, digits and hyphens".into(),
            ));
        }
        if !(self.mhz.is_finite() && self.mhz > 0.0) {
            return Err(wrong(format!("mhz = {} is no clock", self.mhz)));
        }
        let power = match (self.power, &self.power_source) {
            (None, None) => None,
            (Some(milliwatts), Some(source)) if milliwatts.is_finite() && milliwatts > 0.0 => {
                Some(Power {
                    milliwatts,
                    source: source.clone(),
                })
            }
            (Some(milliwatts), Some(_)) => {
                return Err(wrong(format!("power = {milliwatts} is no power")));
            }
            _ => {
                return Err(wrong(
                    "power and power_source belong together: who measured it?".into(),
                ));
            }
        };
        let board = Board {
            core: self.core,
            mhz: self.mhz,
            ram_bytes: bytes("ram", &self.ram)?,
            flash_bytes: bytes("flash", &self.flash)?,
            reserved_ram_bytes: reserved(
                "reserved_ram",
                &self.reserved_ram,
                Board::RESERVED_RAM_BYTES,
            )?,
            reserved_flash_bytes: reserved(
                "reserved_flash",
                &self.reserved_flash,
                Board::RESERVED_FLASH_BYTES,
            )?,
            published: self.published,
            title: self.title.clone().unwrap_or_else(|| self.name.clone()),
            note: self.note.clone(),
            power,
            name: self.name.clone(),
        };
        if board.usable_ram_bytes() == 0 || board.usable_flash_bytes() == 0 {
            return Err(wrong(
                "what is reserved leaves no RAM or no flash for a model".into(),
            ));
        }
        Ok(board)
    }
}
