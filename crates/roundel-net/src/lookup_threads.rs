//! The threads in which names are looked up: few, made when needed, ended when idle, and waited for
//! by nobody.
//!
//! The system's resolver blocks, for as long as the network likes. In a pool shared with other jobs
//! it would hold those up, and the exit too; so it has threads of its own, which nobody joins.

use std::{
    collections::VecDeque,
    io,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// How many lookups are under way at most. They wait for the network, not for a processor.
const MOST_THREADS: usize = 8;

/// An idle thread ends after this time.
const PATIENCE: Duration = Duration::from_secs(10);

type Job = Box<dyn FnOnce() + Send>;

/// All threads of the process.
static THREADS: LookupThreads = LookupThreads::new();

/// Has a lookup made. The error is of a system that has no room for even one thread.
pub(crate) fn have_made(job: impl FnOnce() + Send + 'static) -> io::Result<()> {
    THREADS.give(Box::new(job))
}

struct LookupThreads {
    state: Mutex<State>,
    news: Condvar,
}

struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

impl LookupThreads {
    const fn new() -> Self {
        let state = State { jobs: VecDeque::new(), threads: 0, idle: 0 };
        Self { state: Mutex::new(state), news: Condvar::new() }
    }

    fn give(&'static self, job: Job) -> io::Result<()> {
        let mut state = self.lock();
        state.jobs.push_back(job);
        if state.jobs.len() <= state.idle {
            self.news.notify_one();
            return Ok(());
        }
        if state.threads == MOST_THREADS {
            return Ok(());
        }
        let named = thread::Builder::new().name("roundel-resolve".to_owned());
        match named.spawn(|| self.work()) {
            Ok(_) => state.threads += 1,
            // Those that are there will come to it.
            Err(_) if state.threads > 0 => {}
            Err(error) => {
                let job = state.jobs.pop_back();
                drop(state);
                drop(job);
                return Err(error);
            }
        }
        Ok(())
    }

    /// A thread's life.
    fn work(&self) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                job();
                state = self.lock();
                continue;
            }
            state.idle += 1;
            let waited = self.news.wait_timeout(state, PATIENCE);
            let timed_out;
            (state, timed_out) = waited.unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
            if timed_out.timed_out() && state.jobs.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A job runs without the lock, and nothing else in here panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Barrier, mpsc};

    use super::*;

    fn fresh() -> &'static LookupThreads {
        Box::leak(Box::new(LookupThreads::new()))
    }

    #[test]
    fn a_stuck_lookup_holds_up_no_other_and_there_are_never_more_threads_than_the_most() {
        let threads = fresh();
        let stuck = Arc::new(Barrier::new(MOST_THREADS));
        // All but one are stuck until the last arrives.
        for _ in 1..MOST_THREADS {
            let stuck = Arc::clone(&stuck);
            threads.give(Box::new(move || _ = stuck.wait())).unwrap();
        }
        let (done, is_done) = mpsc::channel();
        for _ in 0..100 {
            let done = done.clone();
            threads.give(Box::new(move || done.send(()).unwrap())).unwrap();
            is_done.recv().unwrap();
        }
        assert_eq!(threads.lock().threads, MOST_THREADS);
        stuck.wait();
    }

    #[test]
    fn an_idle_thread_is_used_again() {
        let threads = fresh();
        let (done, is_done) = mpsc::channel();
        for _ in 0..10 {
            let done = done.clone();
            threads.give(Box::new(move || done.send(thread::current().id()).unwrap())).unwrap();
            let _: thread::ThreadId = is_done.recv().unwrap();
            // Told before the job has returned: idle a moment later.
            while threads.lock().idle == 0 {
                thread::yield_now();
            }
        }
        assert_eq!(threads.lock().threads, 1);
    }
}
