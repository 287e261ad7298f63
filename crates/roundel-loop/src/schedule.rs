//! `Schedule`: in which order the tasks of a batch run: as they were woken, or, for whoever looks
//! for bugs, in any.

/// In which order the tasks that are ready run.
///
/// First come, first served is what programs may rely on, and the default. Any order that a seed
/// says is for simulations: a program that is right only in one order of its tasks is found out.
/// Call-backs keep their order in both.
///
/// ```
/// use roundel_loop::{EventLoop, LoopConfig, Schedule};
///
/// let mut config = LoopConfig::new()?;
/// assert_eq!(config.schedule, Schedule::Fifo);
/// config.schedule = Schedule::Seeded(7);
/// let event_loop = EventLoop::with_config(config);
/// # let _ = event_loop;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Schedule {
    /// As they were woken.
    #[default]
    Fifo,
    /// In an order that follows from this number, another one in each batch.
    Seeded(u64),
}

impl Schedule {
    /// A number below `bound`; 0 without a seed. The numbers are those of SplitMix64.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let Self::Seeded(state) = self else { return 0 };
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((u128::from(mixed ^ (mixed >> 31)) * bound as u128) >> 64) as usize
    }
}
