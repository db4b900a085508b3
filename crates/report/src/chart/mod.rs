//! Drawings, made as SVG without any library.

pub(crate) mod audit;
pub(crate) mod axis;
pub(crate) mod front;
pub(crate) mod label;
pub(crate) mod memory;
pub(crate) mod plot;
pub(crate) mod svg;
