//! Files seen as memory: the only unsafe code of this room.
//!
//! Safe code must not see bytes change while it holds a reference to them. The files of a prepared folder are written
//! beside, renamed and never opened for writing again, so nothing of ours changes them; that nobody else does while they
//! are mapped is asked of the user (`docs` of [`crate::PreparedSet`]). Whoever overwrites one gets wrong pixels, which
//! their checksums show; whoever cuts one off ends the program by a signal (SIGBUS) when the missing page is read.

use crate::error::DataError;
use memmap2::Mmap;
use std::fs::File;
use std::ops::Range;
use std::path::Path;

/// A file that is read as memory. Pages come from the file when they are looked at.
#[derive(Debug)]
pub(crate) struct FileMap {
    /// None for an empty file, which cannot be mapped.
    map: Option<Mmap>,
}

impl FileMap {
    /// Maps a whole file.
    pub(crate) fn open(path: &Path) -> Result<Self, DataError> {
        let read = |source| DataError::ReadPrepared {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(read)?;
        let metadata = file.metadata().map_err(read)?;
        if !metadata.is_file() {
            return Err(DataError::DamagedPrepared {
                path: path.to_owned(),
                problem: "is not a regular file".to_owned(),
            });
        }
        if metadata.len() == 0 {
            return Ok(Self { map: None });
        }
        // SAFETY: the map is read-only, and the file is not changed while it is mapped (see above).
        let map = unsafe { Mmap::map(&file) }.map_err(read)?;
        Ok(Self { map: Some(map) })
    }

    /// All bytes of the file.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.map.as_deref().unwrap_or_default()
    }

    /// Lets the system take back the memory of all pages. They come back from the file when they are looked at again.
    pub(crate) fn release(&self) {
        #[cfg(unix)]
        if let Some(map) = &self.map {
            // SAFETY: the advice drops pages, which would lose what was written to them; a read-only map of a file has
            // nothing that the file does not have. References stay valid: their pages are read again.
            // That it failed could only mean that more memory stays in use.
            let _ = unsafe { map.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) };
        }
    }

    /// Lets the system begin to read these bytes, which must lie within the file.
    pub(crate) fn expect(&self, bytes: Range<usize>) {
        #[cfg(unix)]
        if let Some(map) = &self.map {
            // Only ever a matter of speed.
            let _ = map.advise_range(memmap2::Advice::WillNeed, bytes.start, bytes.len());
        }
        #[cfg(not(unix))]
        let _ = bytes;
    }
}
