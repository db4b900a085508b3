//! Where an example of a prepared set is, in 40 bytes.

/// Where an example is. Stored as its fields in order, little endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Where its pixels begin in the shard.
    pub(super) offset: u64,
    /// Where its name ends among all names; it begins where the one before ends.
    pub(super) name_end: u64,
    /// The shard.
    pub(super) shard: u32,
    /// Width in pixels.
    pub(super) width: u32,
    /// Height in pixels.
    pub(super) height: u32,
    /// 1 or 3.
    pub(super) channels: u32,
    /// Index of the class.
    pub(super) label: u32,
    /// CRC-32 of the pixels.
    pub(super) checksum: u32,
}

/// Bytes of a [`Place`].
pub(super) const PLACE_BYTES: usize = 40;

impl Place {
    pub(super) fn append(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.offset.to_le_bytes());
        bytes.extend(self.name_end.to_le_bytes());
        let numbers = [
            self.shard,
            self.width,
            self.height,
            self.channels,
            self.label,
            self.checksum,
        ];
        bytes.extend(numbers.into_iter().flat_map(u32::to_le_bytes));
    }

    pub(super) fn read(bytes: &[u8; PLACE_BYTES]) -> Self {
        let mut numbers = Fields(bytes);
        Self {
            offset: numbers.long(),
            name_end: numbers.long(),
            shard: numbers.short(),
            width: numbers.short(),
            height: numbers.short(),
            channels: numbers.short(),
            label: numbers.short(),
            checksum: numbers.short(),
        }
    }

    /// Bytes of the pixels, if the sides are those of a picture.
    pub(super) fn length(&self) -> Option<usize> {
        pixel_bytes(self.width, self.height, self.channels)
    }

    /// The bytes of its shard that are its pixels, if that shard has so many.
    pub(super) fn range(&self, shard_bytes: usize) -> Option<std::ops::Range<usize>> {
        let start = usize::try_from(self.offset).ok()?;
        let end = start.checked_add(self.length()?)?;
        (end <= shard_bytes).then_some(start..end)
    }
}

/// Bytes of the pixels of a picture of this size, if there can be such a picture.
pub(super) fn pixel_bytes(width: u32, height: u32, channels: u32) -> Option<usize> {
    let side = 1..=crate::resize::MAX_SIDE as u32;
    let known = side.contains(&width) && side.contains(&height) && [1, 3].contains(&channels);
    known.then(|| width as usize * height as usize * channels as usize)
}

/// Numbers one after the other, little endian. Panics at the end of the bytes: ask for no more than there are.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl Fields<'_> {
    pub(super) fn long(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }

    pub(super) fn short(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (taken, rest) = self.0.split_first_chunk().expect("as many bytes as fields");
        self.0 = rest;
        *taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn places_are_read_as_written_and_never_lead_outside(
            bytes in any::<[u8; 20]>(),
            more in any::<[u8; 20]>(),
            shard_bytes in 0_usize..1 << 40,
        ) {
            let bytes: [u8; PLACE_BYTES] =
                [bytes, more].concat().try_into().expect("twice twenty");
            let place = Place::read(&bytes);
            let mut again = Vec::new();
            place.append(&mut again);
            prop_assert_eq!(&again[..], &bytes[..]);
            if let Some(range) = place.range(shard_bytes) {
                prop_assert!(range.start < range.end && range.end <= shard_bytes);
            }
        }
    }
}
