//! The programs of others that our results are held against.

use std::path::{Path, PathBuf};

/// The Python with the oracles: `$DANAS_ORACLE`, or `.venv` at the root of the repository.
pub fn oracle(root: &Path) -> Option<PathBuf> {
    let candidates = [
        std::env::var_os("DANAS_ORACLE").map(PathBuf::from),
        Some(root.join(".venv/bin/python")),
    ];
    candidates.into_iter().flatten().find(|path| path.exists())
}
