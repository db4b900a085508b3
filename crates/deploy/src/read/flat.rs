//! Bounds-checked access to FlatBuffers. Nothing here recurses or allocates more than the file holds.

use super::ReadError;

/// A little-endian number of a FlatBuffer.
pub(super) trait Scalar: Copy {
    const SIZE: usize;
    /// The number in the first [`Self::SIZE`] bytes.
    fn parse(bytes: &[u8]) -> Option<Self>;
}

macro_rules! scalars {
    ($($kind:ty),*) => {$(
        impl Scalar for $kind {
            const SIZE: usize = size_of::<$kind>();
            fn parse(bytes: &[u8]) -> Option<Self> {
                bytes.first_chunk().copied().map(<$kind>::from_le_bytes)
            }
        }
    )*};
}
scalars!(u8, i8, u16, i32, u32, i64, u64, f32);

fn read<T: Scalar>(bytes: &[u8], offset: usize, what: &'static str) -> Result<T, ReadError> {
    bytes
        .get(offset..)
        .and_then(T::parse)
        .ok_or(ReadError::OutOfBounds { what, offset })
}

/// Follows the offset that is stored at `position`.
fn follow(bytes: &[u8], position: usize, what: &'static str) -> Result<usize, ReadError> {
    let offset: u32 = read(bytes, position, what)?;
    position
        .checked_add(offset as usize)
        .filter(|&target| target < bytes.len())
        .ok_or(ReadError::OutOfBounds {
            what,
            offset: position,
        })
}

/// A table: scalars and offsets that are found through a vtable.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table<'a> {
    bytes: &'a [u8],
    position: usize,
    vtable: usize,
    vtable_size: usize,
}

impl<'a> Table<'a> {
    /// The table to which the file's first offset points.
    pub(super) fn root(bytes: &'a [u8]) -> Result<Self, ReadError> {
        Self::at(bytes, follow(bytes, 0, "the root table")?)
    }

    fn at(bytes: &'a [u8], position: usize) -> Result<Self, ReadError> {
        let distance: i32 = read(bytes, position, "a table")?;
        let vtable = i64::try_from(position)
            .ok()
            .map(|position| position - i64::from(distance))
            .and_then(|vtable| usize::try_from(vtable).ok())
            .ok_or(ReadError::OutOfBounds {
                what: "a vtable",
                offset: position,
            })?;
        let vtable_size: u16 = read(bytes, vtable, "a vtable")?;
        Ok(Self {
            bytes,
            position,
            vtable,
            vtable_size: usize::from(vtable_size),
        })
    }

    /// The position of a field, if the table has it.
    fn field(&self, slot: u16) -> Result<Option<usize>, ReadError> {
        let slot = usize::from(slot);
        if slot + u16::SIZE > self.vtable_size {
            return Ok(None);
        }
        let offset: u16 = read(self.bytes, self.vtable + slot, "a vtable")?;
        Ok((offset != 0).then(|| self.position + usize::from(offset)))
    }

    /// A number, or the default of the schema.
    pub(super) fn scalar<T: Scalar>(&self, slot: u16, default: T) -> Result<T, ReadError> {
        match self.field(slot)? {
            Some(position) => read(self.bytes, position, "a field"),
            None => Ok(default),
        }
    }

    /// A table that this one refers to.
    pub(super) fn table(&self, slot: u16) -> Result<Option<Table<'a>>, ReadError> {
        match self.field(slot)? {
            Some(position) => {
                let target = follow(self.bytes, position, "a table")?;
                Table::at(self.bytes, target).map(Some)
            }
            None => Ok(None),
        }
    }

    /// A vector of elements of type `T`; offsets to tables are `u32`.
    pub(super) fn vector<T: Scalar>(&self, slot: u16) -> Result<Option<Vector<'a>>, ReadError> {
        let Some(position) = self.field(slot)? else {
            return Ok(None);
        };
        let target = follow(self.bytes, position, "a vector")?;
        let length: u32 = read(self.bytes, target, "a vector")?;
        let start = target + u32::SIZE;
        let bytes = (length as usize)
            .checked_mul(T::SIZE)
            .and_then(|size| start.checked_add(size))
            .filter(|&end| end <= self.bytes.len())
            .map(|end| start..end)
            .ok_or(ReadError::OutOfBounds {
                what: "a vector",
                offset: target,
            })?;
        Ok(Some(Vector {
            file: self.bytes,
            elements: bytes,
            length: length as usize,
        }))
    }

    /// All numbers of a vector, at most `limit`; none if the table has no such field. Tables may share a vector, so the
    /// size of the file does not bound how much is read from it.
    pub(super) fn scalars<T: Scalar>(&self, slot: u16, limit: usize) -> Result<Vec<T>, ReadError> {
        let Some(vector) = self.vector::<T>(slot)? else {
            return Ok(Vec::new());
        };
        if vector.len() > limit {
            return Err(ReadError::LongList {
                offset: vector.elements.start,
                found: vector.len(),
                limit,
            });
        }
        let numbers = vector.bytes().chunks_exact(T::SIZE);
        Ok(numbers.filter_map(T::parse).collect())
    }
}

/// A vector whose elements are known to lie inside the file.
#[derive(Debug, Clone)]
pub(super) struct Vector<'a> {
    file: &'a [u8],
    elements: std::ops::Range<usize>,
    length: usize,
}

impl<'a> Vector<'a> {
    /// The number of elements.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// The elements' bytes.
    pub(super) fn bytes(&self) -> &'a [u8] {
        &self.file[self.elements.clone()]
    }

    /// The table behind element `index` of a vector of offsets.
    pub(super) fn table(&self, index: usize) -> Result<Table<'a>, ReadError> {
        let position = self.elements.start + index * u32::SIZE;
        Table::at(self.file, follow(self.file, position, "an element")?)
    }
}
