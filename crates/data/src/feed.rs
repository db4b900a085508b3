//! From examples where they lie to decoded pictures, in order, with bounded memory in between.
//!
//! Workers on all threads fetch the encoded bytes of the next example, decode and reduce it; what lies in containers comes
//! in batches. Pictures are delivered one at a time in the order of the examples, by whichever worker finishes the one that
//! is due. A worker that is too far ahead waits, unless it holds the picture that is due, so memory is bounded and nobody
//! waits for ever.

use crate::catalogue::{Entry, Location, SkippedFile};
use crate::decode::Header;
use crate::error::DataError;
use crate::examples::{Example, Reader};
use crate::picture::Picture;
use crate::resize::Resizer;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Bytes of pixels that may wait for their turn.
const WAITING_BYTES: usize = 16 << 20;

/// A picture as it is kept, and what its file said of it.
pub(crate) struct Decoded {
    pub(crate) header: Header,
    pub(crate) picture: Picture,
}

/// What became of one example.
pub(crate) type Fed = Result<Decoded, SkippedFile>;

/// The order in which examples lie in their source: loose ones as they are listed, then those of every container.
pub(crate) fn storage_order(entries: &[&Entry]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by_key(|&index| match entries[index].location {
        Location::Packed {
            container,
            position,
        } => (container + 1, position),
        _ => (0, 0),
    });
    order
}

/// Decodes `entries`, which are in [`storage_order`], on all threads, drops equal channels, reduces to the granularity
/// `finest`, and gives each with its index to `deliver`, in order.
///
/// # Errors
/// A container is damaged, or the first error of `deliver`, after which no further picture is begun.
pub(crate) fn feed(
    reader: &Reader<'_>,
    entries: &[&Entry],
    finest: usize,
    mut deliver: impl FnMut(usize, Fed) -> Result<(), DataError> + Send,
) -> Result<(), DataError> {
    let is_packed = |entry: &&Entry| matches!(entry.location, Location::Packed { .. });
    let loose = entries.partition_point(|entry| !is_packed(entry));
    feed_loose(reader, &entries[..loose], finest, &mut deliver)?;
    reader.each_packed(
        entries,
        Resizer::default,
        |resizer, _, example| Ok(decode(example, finest, resizer)),
        deliver,
    )
}

/// Of examples that lie in no container: workers fetch them themselves.
fn feed_loose(
    reader: &Reader<'_>,
    entries: &[&Entry],
    finest: usize,
    deliver: impl FnMut(usize, Fed) -> Result<(), DataError> + Send,
) -> Result<(), DataError> {
    let queue = Queue::new(WAITING_BYTES, deliver);
    let next = AtomicUsize::new(0);
    let work = || {
        let _guard = StopOnPanic(&queue);
        let mut resizer = Resizer::default();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(example) = entries.get(index).and_then(|entry| reader.loose(entry)) else {
                return;
            };
            if !queue.submit(index, decode(&example, finest, &mut resizer)) {
                return;
            }
        }
    };
    rayon::scope(|scope| {
        for _ in 0..rayon::current_num_threads() {
            scope.spawn(|_| work());
        }
    });
    queue.into_result()
}

fn decode(example: &Example<'_>, finest: usize, resizer: &mut Resizer) -> Fed {
    let (header, picture) = example.decoded()?;
    Ok(Decoded {
        header,
        picture: picture.drop_equal_channels().reduce(finest, resizer),
    })
}

/// Puts what workers finish in any order into the order of their indices.
struct Queue<D, E> {
    most_bytes: usize,
    state: Mutex<State<D, E>>,
    moved: Condvar,
}

struct State<D, E> {
    /// The index that is due.
    due: usize,
    waiting: BTreeMap<usize, Fed>,
    waiting_bytes: usize,
    stopped: bool,
    error: Option<E>,
    /// Taken by the worker that delivers.
    deliver: Option<D>,
}

impl<D, E> Queue<D, E>
where
    D: FnMut(usize, Fed) -> Result<(), E>,
{
    fn new(most_bytes: usize, deliver: D) -> Self {
        Self {
            most_bytes,
            state: Mutex::new(State {
                due: 0,
                waiting: BTreeMap::new(),
                waiting_bytes: 0,
                stopped: false,
                error: None,
                deliver: Some(deliver),
            }),
            moved: Condvar::new(),
        }
    }

    /// Hands over what became of an example, and delivers what is due if nobody else does. Returns whether to go on.
    fn submit(&self, index: usize, fed: Fed) -> bool {
        let bytes = bytes_of(&fed);
        let mut state = self.lock();
        while index != state.due && state.waiting_bytes + bytes > self.most_bytes && !state.stopped
        {
            state = self
                .moved
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.stopped {
            return false;
        }
        state.waiting_bytes += bytes;
        state.waiting.insert(index, fed);
        if let Some(deliver) = state.deliver.take() {
            state = self.deliver_due(state, deliver);
        }
        !state.stopped
    }

    /// Delivers for as long as the picture that is due is there.
    fn deliver_due<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<D, E>>,
        mut deliver: D,
    ) -> MutexGuard<'a, State<D, E>> {
        while !state.stopped {
            let due = state.due;
            let Some(fed) = state.waiting.remove(&due) else {
                break;
            };
            state.due += 1;
            state.waiting_bytes -= bytes_of(&fed);
            drop(state);
            let result = deliver(due, fed);
            state = self.lock();
            if let Err(error) = result {
                state.error = Some(error);
                state.stopped = true;
            }
            self.moved.notify_all();
        }
        state.deliver = Some(deliver);
        state
    }

    fn into_result(self) -> Result<(), E> {
        let state = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        state.error.map_or(Ok(()), Err)
    }
}

impl<D, E> Queue<D, E> {
    fn lock(&self) -> MutexGuard<'_, State<D, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets nobody wait for a worker that panicked.
struct StopOnPanic<'a, D, E>(&'a Queue<D, E>);

impl<D, E> Drop for StopOnPanic<'_, D, E> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.lock().stopped = true;
            self.0.moved.notify_all();
        }
    }
}

fn bytes_of(fed: &Fed) -> usize {
    fed.as_ref()
        .map_or(0, |decoded| decoded.picture.bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayon::prelude::*;

    fn fed(bytes: usize) -> Fed {
        Ok(Decoded {
            header: Header {
                width: bytes,
                height: 1,
                channels: 1,
                decoding_bytes: 0,
            },
            picture: Picture {
                width: bytes,
                height: 1,
                channels: 1,
                bytes: vec![0; bytes],
            },
        })
    }

    fn submit_all<E: Send>(
        count: usize,
        deliver: impl FnMut(usize, Fed) -> Result<(), E> + Send,
    ) -> Result<(), E> {
        let queue = Queue::new(100, deliver);
        let next = AtomicUsize::new(0);
        (0..8).into_par_iter().with_max_len(1).for_each(|_| {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= count || !queue.submit(index, fed(1 + index % 97)) {
                    return;
                }
            }
        });
        queue.into_result()
    }

    #[test]
    fn whatever_the_threads_do_delivery_is_in_order() {
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .expect("a pool");
            let mut delivered = Vec::new();
            let result = pool.install(|| {
                submit_all(2000, |index, _| {
                    delivered.push(index);
                    Ok::<(), ()>(())
                })
            });
            assert_eq!(result, Ok(()));
            assert!(delivered.into_iter().eq(0..2000), "{threads} threads");
        }
    }

    #[test]
    fn an_error_ends_it() {
        let mut delivered = 0;
        let result = submit_all(2000, |index, _| {
            delivered += 1;
            if index == 40 { Err("full") } else { Ok(()) }
        });
        assert_eq!((result, delivered), (Err("full"), 41));
    }
}
