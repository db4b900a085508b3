//! The memory plan that a file may carry.

use super::flat::{Scalar, Table};
use super::{File, ReadError};
use crate::network::Network;
use crate::schema::{self, memory_plan};

/// The most entries of metadata that are looked through.
const MAX_ENTRIES: usize = 4096;

fn wrong<T>(what: String) -> Result<T, ReadError> {
    Err(ReadError::MemoryPlan(what))
}

/// The offsets of the network's tensors, which are the tensors `written` of the file; empty where the file carries no
/// plan. Other metadata is passed over.
pub(super) fn offsets(
    root: &Table<'_>,
    file: &File<'_>,
    written: &[i32],
) -> Result<Vec<Option<u64>>, ReadError> {
    let Some(entries) = root.vector::<u32>(schema::model::METADATA)? else {
        return Ok(Vec::new());
    };
    if entries.len() > MAX_ENTRIES {
        return wrong(format!(
            "it is one of {} entries of metadata",
            entries.len()
        ));
    }
    let mut plan = None;
    for index in 0..entries.len() {
        let entry = entries.table(index)?;
        let name = entry.vector::<u8>(schema::metadata::NAME)?;
        // of several plans TFLM follows the last
        if name.is_some_and(|name| name.bytes() == memory_plan::NAME.as_bytes()) {
            plan = Some(entry.scalar(schema::metadata::BUFFER, 0)?);
        }
    }
    match plan {
        Some(buffer) => parse(file.buffer("the memory plan", buffer)?, file, written),
        None => Ok(Vec::new()),
    }
}

/// The offsets in the buffer of a plan.
fn parse(data: &[u8], file: &File<'_>, written: &[i32]) -> Result<Vec<Option<u64>>, ReadError> {
    let numbers: Vec<i32> = data
        .chunks_exact(i32::SIZE)
        .filter_map(i32::parse)
        .collect();
    let tensors = file.tensors.len();
    let Some((header, carried)) = numbers.split_at_checked(memory_plan::HEADER) else {
        return wrong("it is cut off".to_owned());
    };
    let stated = header[memory_plan::HEADER - 1];
    if usize::try_from(stated) != Ok(tensors) || carried.len() < tensors {
        let found = carried.len();
        return wrong(format!(
            "it is for {stated} tensors and has {found} offsets, but the file has {tensors} tensors"
        ));
    }
    written
        .iter()
        .map(|&tensor| {
            // `written` holds tensors that were found in the file
            match usize::try_from(tensor).map_or(memory_plan::OPEN, |tensor| carried[tensor]) {
                memory_plan::OPEN => Ok(None),
                offset => match u64::try_from(offset) {
                    Ok(offset) => Ok(Some(offset)),
                    Err(_) => wrong(format!("tensor {tensor} lies at {offset}")),
                },
            }
        })
        .collect()
}

/// Refuses a plan in which tensors that are alive at the same time overlap: the runtime would not notice.
pub(super) fn check(network: &Network, offsets: &[Option<u64>]) -> Result<(), ReadError> {
    let lifetimes: Vec<(usize, usize)> = network.program().lifetimes().collect();
    let placed: Vec<(usize, std::ops::Range<u64>)> = offsets
        .iter()
        .enumerate()
        .filter_map(|(tensor, &offset)| {
            let bytes = network.shape(tensor).elements() as u64;
            offset.map(|offset| (tensor, offset..offset + bytes))
        })
        .collect();
    for (index, (a, bytes)) in placed.iter().enumerate() {
        for (b, others) in &placed[index + 1..] {
            let together = lifetimes[*a].0 <= lifetimes[*b].1 && lifetimes[*b].0 <= lifetimes[*a].1;
            if together && bytes.start < others.end && others.start < bytes.end {
                return wrong(format!(
                    "tensors {a} and {b} of the network are alive at the same time and overlap"
                ));
            }
        }
    }
    Ok(())
}
