//! Threads that work on one step together.
//!
//! A training step is a thousand short pieces of work, tens of microseconds each, with little between them. What counts
//! is how fast a piece finds its thread: a [`Team`]'s threads wait for the next job by looking for it some ten
//! microseconds long, and only then sleep. Whoever leads a job takes pieces of it too, and at the end waits only for
//! pieces that another thread has begun: on a machine that does other work as well, a thread that is not scheduled
//! holds nobody up.

mod slices;

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::thread;

/// The most threads of a team.
const MOST: usize = 1024;
/// How often a thread looks for work before it sleeps, or for the end of others' work before it lets others go first.
const LOOKS: u32 = 2000;
/// The bits of a claim that count pieces; those above count jobs.
const PIECE_BITS: u32 = 24;
const PIECES: u64 = (1 << PIECE_BITS) - 1;

/// One per number of threads, started when first asked for. They live as long as the process.
static TEAMS: [OnceLock<Team>; MOST] = [const { OnceLock::new() }; MOST];

/// Threads that take the pieces of one job after the other.
pub struct Team {
    shared: Arc<Shared>,
    /// The threads that there are, the calling one included.
    threads: usize,
    /// Held by the thread that leads a job.
    leading: Mutex<()>,
}

impl fmt::Debug for Team {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let threads = self.threads;
        f.debug_struct("Team").field("threads", &threads).finish()
    }
}

/// What is to be done with each piece, and what went wrong in one.
struct Job<'a> {
    work: &'a (dyn Fn(usize) + Sync),
    pieces: usize,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// The pieces of a thread's own share that nobody has begun: the number of the job, and how many of them. On a cache
/// line of its own, because its thread changes it most.
#[derive(Default)]
#[repr(align(64))]
struct Claims(AtomicU64);

struct Shared {
    /// The number of the newest job.
    newest: AtomicU64,
    job: AtomicPtr<Job<'static>>,
    shares: Box<[Claims]>,
    /// Pieces of the job that are done.
    done: AtomicUsize,
    sleeping: AtomicUsize,
    door: Mutex<()>,
    bell: Condvar,
}

impl Team {
    /// The team of so many threads (at least 1, at most 1024), the calling one included.
    pub fn of(threads: usize) -> &'static Team {
        let threads = threads.clamp(1, MOST);
        TEAMS[threads - 1].get_or_init(|| Team::start(threads))
    }

    /// Starts the other threads; where the system grants fewer, the team has fewer.
    fn start(threads: usize) -> Team {
        let shared = Arc::new(Shared {
            newest: AtomicU64::new(0),
            job: AtomicPtr::new(ptr::null_mut()),
            shares: (0..threads).map(|_| Claims::default()).collect(),
            done: AtomicUsize::new(0),
            sleeping: AtomicUsize::new(0),
            door: Mutex::new(()),
            bell: Condvar::new(),
        });
        let started = (1..threads).take_while(|&own| {
            let shared = Arc::clone(&shared);
            let builder = thread::Builder::new().name(format!("team-{own}"));
            builder.spawn(move || shared.serve(own)).is_ok()
        });
        // What falls to a thread that could not be started is taken by the others.
        let threads = 1 + started.count();
        Team {
            shared,
            threads,
            leading: Mutex::new(()),
        }
    }

    /// The number of threads, the calling one included.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Calls `work` once for every number below `pieces`, on any of the threads, and returns when all calls have.
    /// Neighbouring numbers are likelier to meet on one thread, and a number on the same thread in every job of as many
    /// pieces, where what it worked on is in the cache. While another thread leads a job, or from within one, the
    /// calling thread does everything itself.
    ///
    /// # Panics
    /// If `work` does, with its panic; the other pieces are done all the same. With more than 16 million pieces.
    pub fn run(&self, pieces: usize, work: impl Fn(usize) + Sync) {
        assert!(pieces as u64 <= PIECES, "{pieces} pieces are too many");
        let lead = if pieces > 1 { self.lead() } else { None };
        match lead {
            Some(lead) => self.run_leading(lead, pieces, &work),
            None => (0..pieces).for_each(work),
        }
    }

    /// Calls `work` once on every thread of the team; on the calling one alone while another leads a job.
    ///
    /// # Panics
    /// If `work` does.
    pub fn on_every_thread(&self, work: impl Fn() + Sync) {
        let Some(lead) = self.lead() else {
            return work();
        };
        let here = AtomicUsize::new(0);
        self.run_leading(lead, self.threads, &|_| {
            here.fetch_add(1, Ordering::Relaxed);
            // Who waits here takes no second piece.
            while here.load(Ordering::Relaxed) < self.threads {
                thread::yield_now();
            }
            work();
        });
    }

    /// The right to lead a job, if there is anybody to lead and nobody else does.
    fn lead(&self) -> Option<MutexGuard<'_, ()>> {
        if self.threads == 1 {
            return None;
        }
        match self.leading.try_lock() {
            Ok(lead) => Some(lead),
            Err(TryLockError::Poisoned(lead)) => Some(lead.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    fn run_leading(&self, lead: MutexGuard<'_, ()>, pieces: usize, work: &(dyn Fn(usize) + Sync)) {
        let job = Job {
            work,
            pieces,
            panic: Mutex::new(None),
        };
        self.shared.publish(&job);
        self.shared.take_pieces(0);
        self.shared.wait_for_all(pieces);
        drop(lead);
        let panic = job
            .panic
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}

impl Shared {
    /// Deals out the pieces of a job. Only the leader calls this, and only when the job before is done.
    fn publish(&self, job: &Job<'_>) {
        let number = self.newest.load(Ordering::Relaxed) + 1;
        self.done.store(0, Ordering::Relaxed);
        let erased = ptr::from_ref(job).cast::<Job<'static>>().cast_mut();
        self.job.store(erased, Ordering::Relaxed);
        let threads = self.shares.len();
        for (thread, share) in self.shares.iter().enumerate() {
            let pieces = first_piece(thread + 1, threads, job.pieces)
                - first_piece(thread, threads, job.pieces);
            let claims = number << PIECE_BITS | pieces as u64;
            // Released, so that whoever takes a piece sees the job.
            share.0.store(claims, Ordering::Release);
        }
        // In one order with the sleepers' count: either the sleeper sees the new job, or this sees the sleeper.
        self.newest.store(number, Ordering::SeqCst);
        if self.sleeping.load(Ordering::SeqCst) > 0 {
            let _door = lock(&self.door);
            self.bell.notify_all();
        }
    }

    /// Takes pieces until none is left: of the thread's own share first, then of the others'.
    fn take_pieces(&self, own: usize) {
        let threads = self.shares.len();
        for thread in (own..threads).chain(0..own) {
            while let Some(place) = self.shares[thread].take() {
                // SAFETY: the job of the piece just taken cannot end before `done` below counts it, and the pointer is
                // changed only for a job that comes after its end. `publish` stored it before the claim that was
                // taken, which `take` has acquired.
                let job = unsafe { &*self.job.load(Ordering::Relaxed) };
                job.run(first_piece(thread, threads, job.pieces) + place);
                self.done.fetch_add(1, Ordering::Release);
            }
        }
    }

    /// Waits for pieces that other threads have begun.
    fn wait_for_all(&self, pieces: usize) {
        let mut looks = 0;
        while self.done.load(Ordering::Acquire) < pieces {
            looks += 1;
            if looks < LOOKS {
                std::hint::spin_loop();
            } else {
                thread::yield_now();
            }
        }
    }

    /// The life of a thread that is not the leader.
    fn serve(&self, own: usize) {
        let mut seen = 0;
        loop {
            seen = self.next_job(seen);
            self.take_pieces(own);
        }
    }

    /// Waits for a job after number `seen` and returns its number.
    fn next_job(&self, seen: u64) -> u64 {
        for _ in 0..LOOKS {
            let newest = self.newest.load(Ordering::Acquire);
            if newest != seen {
                return newest;
            }
            std::hint::spin_loop();
        }
        let mut door = lock(&self.door);
        self.sleeping.fetch_add(1, Ordering::SeqCst);
        loop {
            let newest = self.newest.load(Ordering::SeqCst);
            if newest != seen {
                self.sleeping.fetch_sub(1, Ordering::SeqCst);
                return newest;
            }
            door = self.bell.wait(door).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Claims {
    /// Takes the last piece that is left and returns its place in the share. A thread that comes late, with an old
    /// claim in its hands, finds another job's number and looks again.
    fn take(&self) -> Option<usize> {
        let mut claims = self.0.load(Ordering::Relaxed);
        while claims & PIECES > 0 {
            let taken = self.0.compare_exchange_weak(
                claims,
                claims - 1,
                Ordering::Acquire,
                Ordering::Relaxed,
            );
            match taken {
                Ok(_) => return Some((claims & PIECES) as usize - 1),
                Err(now) => claims = now,
            }
        }
        None
    }
}

impl Job<'_> {
    fn run(&self, piece: usize) {
        let result = catch_unwind(AssertUnwindSafe(|| (self.work)(piece)));
        if let Err(panic) = result {
            lock(&self.panic).get_or_insert(panic);
        }
    }
}

/// Where the share of a thread begins.
fn first_piece(thread: usize, threads: usize, pieces: usize) -> usize {
    thread * pieces / threads
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_piece_is_done_once_on_any_number_of_threads() {
        for threads in [1, 2, 3, 5, 16] {
            let team = Team::of(threads);
            assert_eq!(team.threads(), threads);
            for pieces in [0, 1, 2, 3, 7, 8, 100] {
                let counts: Vec<AtomicUsize> = (0..pieces).map(|_| AtomicUsize::new(0)).collect();
                team.run(pieces, |piece| {
                    counts[piece].fetch_add(1, Ordering::Relaxed);
                });
                assert!(
                    counts
                        .iter()
                        .all(|count| count.load(Ordering::Relaxed) == 1)
                );
            }
        }
    }

    /// Jobs follow each other as fast as they can, so that threads that are late meet the next one.
    #[test]
    fn late_threads_take_nothing_of_another_job() {
        let team = Team::of(4);
        let mut sums = [0u64; 6];
        for job in 0..50_000u64 {
            let pieces = 1 + (job % 6) as usize;
            team.each((&mut sums[..pieces], 1), |number, sum| {
                sum[0] += job + number as u64;
            });
        }
        let mut expected = [0u64; 6];
        for job in 0..50_000u64 {
            for number in 0..=(job % 6) {
                expected[number as usize] += job + number;
            }
        }
        assert_eq!(sums, expected);
    }

    #[test]
    fn several_leaders_and_jobs_within_jobs_do_not_mix() {
        let team = Team::of(3);
        let lead = || {
            for _ in 0..500 {
                let mut values = [1u32; 40];
                team.each((&mut values, 7), |_, outer| {
                    team.each((outer, 2), |_, inner| {
                        inner.iter_mut().for_each(|v| *v += 1)
                    });
                });
                assert_eq!(values, [2; 40]);
            }
        };
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(lead);
            }
        });
    }

    #[test]
    fn a_panic_reaches_the_leader_and_the_team_goes_on() {
        let team = Team::of(2);
        let done = AtomicUsize::new(0);
        let result = catch_unwind(AssertUnwindSafe(|| {
            team.run(8, |piece| {
                assert_ne!(piece, 5, "this one");
                done.fetch_add(1, Ordering::Relaxed);
            });
        }));
        assert!(result.is_err());
        assert_eq!(done.load(Ordering::Relaxed), 7);
        team.run(2, |_| {
            done.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(done.load(Ordering::Relaxed), 9);
    }

    #[test]
    fn every_thread_is_called_once() {
        // A number that no other test leads.
        let team = Team::of(7);
        let names = Mutex::new(BTreeSet::new());
        team.on_every_thread(|| {
            // Not all at once: some have gone to sleep.
            thread::sleep(Duration::from_millis(1));
            assert!(lock(&names).insert(format!("{:?}", thread::current().id())));
        });
        assert_eq!(lock(&names).len(), 7);
    }
}
