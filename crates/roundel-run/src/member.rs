//! `Member`: what a program of a group knows of the others.

use std::sync::Arc;

use roundel_loop::RemoteHandle;

/// One loop of a [`LoopGroup`](crate::LoopGroup), as its program sees it.
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
