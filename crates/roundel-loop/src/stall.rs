//! `StallWatch`: which call-back held the loop up, without a clock reading per call-back.
//!
//! The clock is read where it is read anyway, around a wait that may block, and after every
//! [`SLICE`] call-backs in between. A slice that took longer than the budget is reported with the
//! places that scheduled its call-backs: one place if the slice is one call-back, else the
//! suspects in the order they ran. From then on, for [`PRECISE_FOR`], every call-back is a slice
//! of its own, so a stall that comes again is named alone. In debug mode it always is.

use std::{
    cell::Cell,
    fmt,
    time::{Duration, Instant},
};

use crate::ready::Site;

/// Call-backs between two readings of the clock. At 25 ns a reading this adds less than 1 ns to
/// each.
const SLICE: usize = 32;

/// How long every call-back is timed after a stall.
const PRECISE_FOR: Duration = Duration::from_secs(10);

/// A call-back, or one of a few, that held the loop up for longer than its budget.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stall {
    /// How long the loop did nothing else.
    pub duration: Duration,
    /// The call-back; several suspects, in the order they ran, if it was not timed alone.
    pub suspects: Vec<Suspect>,
}

/// A call-back that may have held the loop up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Suspect {
    /// Where it was scheduled.
    pub site: Site,
    /// By which number the layer above knows it
    /// ([`LoopHandle::begins`](crate::LoopHandle::begins)); 0 if it does not.
    pub number: u64,
    /// Its name, if the layer above has one for it: a task's.
    pub name: Option<String>,
}

impl fmt::Display for Suspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { site, name, .. } = self;
        match name {
            Some(name) => write!(f, "{site} ({name})"),
            None => write!(f, "{site}"),
        }
    }
}

impl fmt::Display for Stall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.suspects {
            [alone] => write!(f, "the call-back scheduled at {alone} took {:?}", self.duration),
            several => {
                write!(
                    f,
                    "{} call-backs together took {:?}; scheduled at",
                    several.len(),
                    self.duration
                )?;
                let mut told: Vec<&Suspect> = Vec::new();
                for suspect in several {
                    if !told.contains(&suspect) {
                        told.push(suspect);
                        write!(f, " {suspect}")?;
                    }
                }
                Ok(())
            }
        }
    }
}

pub(crate) struct StallWatch {
    budget: Cell<Option<Duration>>,
    debug: Cell<bool>,
    precise_until: Cell<Option<Instant>>,
    /// Call-backs per slice at present.
    slice: Cell<usize>,
    /// When the slice began; none while nothing has been timed.
    since: Cell<Option<Instant>>,
    ran: Cell<usize>,
    longest: Cell<Duration>,
    /// The sites, and the numbers of the layer above.
    suspects: [Cell<Option<(Site, u64)>>; SLICE],
}

impl StallWatch {
    pub(crate) fn new(budget: Option<Duration>, debug: bool) -> Self {
        let watch = Self {
            budget: Cell::new(budget),
            debug: Cell::new(debug),
            precise_until: Cell::new(None),
            slice: Cell::new(SLICE),
            since: Cell::new(None),
            ran: Cell::new(0),
            longest: Cell::default(),
            suspects: [const { Cell::new(None) }; SLICE],
        };
        watch.choose_slice(None);
        watch
    }

    pub(crate) fn set_debug(&self, debug: bool) {
        self.debug.set(debug);
        self.choose_slice(None);
    }

    pub(crate) fn set_budget(&self, budget: Option<Duration>) {
        self.budget.set(budget);
        self.choose_slice(None);
    }

    pub(crate) fn budget(&self) -> Option<Duration> {
        self.budget.get()
    }

    /// Whether the clock has to be read around waits for the watch's sake.
    pub(crate) fn is_on(&self) -> bool {
        self.budget.get().is_some()
    }

    /// A call-back begins, which has this number with the layer above, or 0.
    #[inline]
    pub(crate) fn begin(&self, site: Site, number: u64) {
        let ran = self.ran.get();
        self.suspects[ran % SLICE].set(Some((site, number)));
        self.ran.set(ran + 1);
    }

    /// Whether the slice is full: read the clock and [`check`](Self::check).
    #[inline]
    pub(crate) fn is_slice_full(&self) -> bool {
        self.ran.get() >= self.slice.get()
    }

    /// Where the call-back was scheduled that runs now, or ran last.
    pub(crate) fn current(&self) -> Option<Site> {
        let last = self.ran.get().checked_sub(1)?;
        self.suspects[last % SLICE].get().map(|(site, _)| site)
    }

    /// Ends the slice at `now` and begins the next.
    pub(crate) fn check(&self, now: Instant) -> Option<Stall> {
        let since = self.since.replace(Some(now));
        let ran = self.ran.replace(0);
        let budget = self.budget.get()?;
        let duration = now.saturating_duration_since(since?);
        if ran > 0 {
            self.longest.set(self.longest.get().max(duration));
        }
        if ran == 0 || duration < budget {
            if self.precise_until.get().is_some_and(|until| now >= until) {
                self.choose_slice(None);
            }
            return None;
        }
        let told = ran.min(SLICE);
        let suspects = (ran - told..ran)
            .filter_map(|nth| self.suspects[nth % SLICE].get())
            .map(|(site, number)| Suspect { site, number, name: None })
            .collect();
        self.choose_slice(now.checked_add(PRECISE_FOR));
        Some(Stall { duration, suspects })
    }

    /// The longest slice so far.
    pub(crate) fn longest(&self) -> Duration {
        self.longest.get()
    }

    /// Begins a slice at `now`; what lies before was waiting.
    pub(crate) fn restart(&self, now: Instant) {
        self.since.set(Some(now));
        self.ran.set(0);
    }

    /// Forgets the time: between two runs of the loop nobody is to blame.
    pub(crate) fn pause(&self) {
        self.since.set(None);
        self.ran.set(0);
    }

    fn choose_slice(&self, precise_until: Option<Instant>) {
        self.precise_until.set(precise_until);
        let precise = self.debug.get() || precise_until.is_some();
        self.slice.set(match self.budget.get() {
            None => usize::MAX,
            Some(_) if precise => 1,
            Some(_) => SLICE,
        });
    }
}
