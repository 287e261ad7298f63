//! `buggify`: places in our own code where a simulated world may have it go an uncommon way.
//!
//! The word and the idea are FoundationDB's. A correct program does not notice: an outcome is
//! delivered a turn later, a task is polled though nobody woke it, a read brings less than it could.
//! On real machines that takes bad luck, and is where bugs hide.

use crate::LoopHandle;

/// Whether to go an uncommon way, at this place of the code and this once; for authors of layers.
///
/// Without the feature `buggify` this is `false` at compile time, and nothing is left of it. With
/// it, the driver of the loop that runs in this thread decides
/// ([`Driver::buggify`](roundel_driver::Driver::buggify)): on a real kernel never, in a simulated world by
/// the seed, if its faults say so. `site` names the place, in the words in which a trace shows it.
///
/// ```
/// let most = if roundel_loop::buggify("reader: a byte at a time") { 1 } else { 4096 };
/// assert_eq!(most, 4096, "no world is simulated here");
/// ```
#[inline]
pub fn buggify(site: &'static str) -> bool {
    let ask = |handle: Option<&LoopHandle>| handle.is_some_and(|handle| handle.core.buggify(site));
    cfg!(feature = "buggify") && LoopHandle::with_current(ask)
}
