//! `Member`: what a program of a group knows of the others.

use std::sync::Arc;

use roundel_loop::RemoteHandle;

/// One loop of a [`LoopGroup`](crate::LoopGroup), as its program sees it.
///
/// ```
/// use roundel_executor::{RemoteSpawn, yield_now};
/// use roundel_run::LoopGroup;
///
/// let tens = LoopGroup::new().loops(2).run(async |member| {
///     let other = 1 - member.index();
///     let task = member.loops()[other].spawn(move || async move {
///         yield_now().await; // on the other loop
///         other * 10
///     });
///     task.expect("no loop is closed before all programs have ended").await
/// })?;
/// let tens: Vec<usize> = tens.into_iter().map(|ten| ten.unwrap().unwrap()).collect();
/// assert_eq!(tens, [10, 0]);
/// # Ok::<(), roundel_run::LoopGroupError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Member {
    index: usize,
    loops: Arc<[RemoteHandle]>,
}

impl Member {
    pub(crate) fn new(index: usize, loops: Arc<[RemoteHandle]>) -> Self {
        Self { index, loops }
    }

    /// The number of this loop, from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Every loop of the group by its number, this one included.
    pub fn loops(&self) -> &[RemoteHandle] {
        &self.loops
    }
}
