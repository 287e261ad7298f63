//! The machine: its cores, its clocks, its limits.

use std::{
    fs, io,
    path::PathBuf,
    time::{Duration, Instant},
};

use rustix::{
    process::{Resource, Rlimit, getrlimit, nice, setrlimit},
    thread::{CpuSet, sched_setaffinity},
    time::{ClockId, Timespec, clock_gettime},
};

/// Where the measured work runs: loops and servers.
pub const SERVER_CORE: usize = 0;
/// Where the load comes from.
pub const CLIENT_CORE: usize = 1;

/// Keeps the calling thread on one core; threads and processes it starts begin there.
///
/// # Errors
/// The machine has no such core, or it is not ours to use.
pub fn pin(core: usize) -> io::Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core);
    sched_setaffinity(None, &cores)
        .map_err(|cause| io::Error::other(format!("pinning to core {core}: {cause}")))
}

/// Gives this process the lowest priority: whoever else has something to do goes first.
///
/// # Errors
/// The system does not let it.
pub fn give_way() -> io::Result<()> {
    nice(19)?;
    Ok(())
}

/// Allows as many descriptors as the system lets us have.
///
/// # Errors
/// The system refuses its own limit.
pub fn raise_descriptor_limit() -> io::Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?)
}

/// CPU time of the calling thread: what the work costs, whoever else runs meanwhile.
pub fn thread_cpu() -> Duration {
    cpu_by(ClockId::ThreadCPUTime)
}

fn cpu_by(clock: ClockId) -> Duration {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(clock);
    Duration::new(tv_sec.unsigned_abs(), u32::try_from(tv_nsec).unwrap_or(0))
}

/// CPU time of `work` in the calling thread.
pub fn cpu_of(work: impl FnOnce()) -> Duration {
    let before = thread_cpu();
    work();
    thread_cpu() - before
}

/// CPU time of `work` in the calling thread, in nanoseconds for each of `count` things it does.
pub fn cpu_per_item(count: usize, work: impl FnOnce()) -> f64 {
    cpu_of(work).as_nanos() as f64 / count as f64
}

/// CPU time of `work` in all of this process's threads, in nanoseconds for each of `count` things
/// it does; for work that may start threads of its own.
pub fn process_cpu_per_item(count: usize, work: impl FnOnce()) -> f64 {
    let before = cpu_by(ClockId::ProcessCPUTime);
    work();
    (cpu_by(ClockId::ProcessCPUTime) - before).as_nanos() as f64 / count as f64
}

/// CPU time of another process's threads, once they have come to rest; those of its that the
/// kernel works with count in.
///
/// # Errors
/// The process is gone, or the kernel does not tell.
pub fn cpu_at_rest(process: u32) -> io::Result<Duration> {
    let read = || -> io::Result<u64> {
        let threads = fs::read_dir(format!("/proc/{process}/task"))?;
        let run_time = |thread: io::Result<fs::DirEntry>| {
            let text = fs::read_to_string(thread?.path().join("schedstat"))?;
            let first = text.split(' ').next().and_then(|field| field.parse::<u64>().ok());
            first.ok_or_else(|| io::Error::other("no run time in the process's schedstat"))
        };
        threads.map(run_time).sum()
    };
    // The last answer is out before the server has gone to sleep behind it.
    let deadline = Instant::now() + Duration::from_secs(1);
    let mut last = read()?;
    loop {
        std::thread::sleep(Duration::from_millis(1));
        let now = read()?;
        if now == last || Instant::now() > deadline {
            return Ok(Duration::from_nanos(now));
        }
        last = now;
    }
}

/// Memory of this process that is in RAM, in bytes.
///
/// # Errors
/// The kernel does not tell.
pub fn resident_bytes() -> io::Result<usize> {
    let text = fs::read_to_string("/proc/self/statm")?;
    let pages = text.split(' ').nth(1).and_then(|field| field.parse::<usize>().ok());
    let pages = pages.ok_or_else(|| io::Error::other("no resident pages in statm"))?;
    Ok(pages * rustix::param::page_size())
}

/// A program built together with this one.
///
/// # Errors
/// It is not there: only one program was built.
pub fn sibling(name: &str) -> io::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    match path.exists() {
        true => Ok(path),
        false => Err(io::Error::other(format!("{name} is not built; `cargo build --bins`"))),
    }
}
