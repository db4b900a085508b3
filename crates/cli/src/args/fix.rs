//! `--fix`: what a person decides instead of the search.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A gene with the value that it is to have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Fix {
    pub(crate) gene: String,
    pub(crate) value: String,
}

impl FromStr for Fix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (gene, value) = text
            .split_once('=')
            .ok_or_else(|| format!("`{text}` is not GENE=VALUE"))?;
        Ok(Fix {
            gene: gene.trim().to_ascii_lowercase(),
            value: value.trim().to_string(),
        })
    }
}

impl TryFrom<String> for Fix {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Fix> for String {
    fn from(fix: Fix) -> String {
        fix.to_string()
    }
}

impl fmt::Display for Fix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.gene, self.value)
    }
}
