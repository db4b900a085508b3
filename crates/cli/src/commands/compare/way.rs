//! The ways to search that a comparison holds against each other.

use danas_data::DataConfig;
use danas_report::Role;

use crate::args::{Fix, MethodName, SpaceName};

/// The width multiplier of the standard network.
const STANDARD_WIDTH: &str = "0.35";

/// How it searches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Way {
    Searched,
    Random,
    Separate,
    NoSupernet,
    Paper,
    Fixed(DataConfig),
    /// The standard network, not searched at all.
    Standard(DataConfig),
}

impl Way {
    pub(super) fn role(self) -> Role {
        match self {
            Way::Searched => Role::Searched,
            Way::Fixed(_) => Role::Fixed,
            Way::Standard(_) => Role::Network,
            Way::Random | Way::Separate | Way::NoSupernet | Way::Paper => Role::Baseline,
        }
    }

    /// The one data configuration that it looks at.
    pub(super) fn data(self) -> Option<DataConfig> {
        match self {
            Way::Fixed(data) | Way::Standard(data) => Some(data),
            Way::Searched | Way::Random | Way::Separate | Way::NoSupernet | Way::Paper => None,
        }
    }

    /// Where its candidates get their weights from.
    pub(super) fn method(self) -> MethodName {
        match self {
            Way::Separate => MethodName::Separate,
            Way::NoSupernet => MethodName::None,
            Way::Paper => MethodName::Paper,
            Way::Searched | Way::Random | Way::Fixed(_) | Way::Standard(_) => MethodName::Shared,
        }
    }

    /// Whether one supernet for all data configurations is trained.
    pub(super) fn has_shared_supernet(self) -> bool {
        self.method() == MethodName::Shared && self.role() != Role::Network
    }

    /// The networks that it looks at, where those are not the usual ones.
    pub(super) fn networks(self) -> (Option<SpaceName>, Option<Vec<Fix>>) {
        match self {
            Way::Standard(_) => (
                Some(SpaceName::Mobilenetv2),
                Some(vec![Fix {
                    gene: "width".to_string(),
                    value: STANDARD_WIDTH.to_string(),
                }]),
            ),
            _ => (None, None),
        }
    }
}

impl std::fmt::Display for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Way::Searched => write!(f, "searched"),
            Way::Random => write!(f, "random"),
            Way::Separate => write!(f, "separate supernets"),
            Way::NoSupernet => write!(f, "no supernet"),
            Way::Paper => write!(f, "as in the paper"),
            Way::Fixed(data) => write!(f, "fixed {data}"),
            Way::Standard(data) => write!(f, "MobileNetV2 {STANDARD_WIDTH} {data}"),
        }
    }
}
