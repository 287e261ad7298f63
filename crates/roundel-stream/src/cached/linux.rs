//! Linux: sendfile(2), and preadv2(2) to learn what is in memory.

use std::io::{self, IoSliceMut};

use roundel_driver::{File, Socket, Source};
use rustix::{
    fs::{OFlags, fcntl_getfl, fstat, sendfile},
    io::{Errno, ReadWriteFlags, preadv2},
};

use super::Piece;

#[derive(Debug)]
pub(crate) struct Cached {
    file: Source,
    /// As it was at the beginning; only says where to look.
    size: u64,
}

impl Cached {
    /// None, if the kernel cannot send from the one to the other, or would wait within the call:
    /// sendfile(2) knows no "do not wait" but the socket's own.
    pub(crate) fn between(file: &File, socket: &Socket) -> Option<Self> {
        let (file, socket) = (file.source()?, socket.source()?);
        let size = fstat(&file).ok()?.st_size.try_into().ok()?;
        fcntl_getfl(&socket).ok()?.contains(OFlags::NONBLOCK).then_some(Self { file, size })
    }

    /// Whether the kernel has these bytes in memory. It is asked for the first and the last of them:
    /// pages come and go in rows. Where it does not tell, the answer is no.
    pub(crate) fn has(&self, from: u64, at_most: usize) -> bool {
        let behind = from.saturating_add(at_most as u64).min(self.size);
        let last = behind.saturating_sub(1).max(from);
        [from, last].into_iter().all(|at| {
            let room = &mut [0];
            preadv2(&self.file, &mut [IoSliceMut::new(room)], at, ReadWriteFlags::NOWAIT).is_ok()
        })
    }

    /// Sends bytes of the file that the kernel has in memory, one call's worth.
    pub(crate) fn send(&self, to: &Socket, from: u64, at_most: usize) -> io::Result<Piece> {
        let Some(to) = to.source() else { return Ok(Piece::Refused) };
        loop {
            let mut offset = from;
            return match sendfile(&to, &self.file, Some(&mut offset), at_most) {
                Ok(sent) => Ok(Piece::Sent(sent)),
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => Ok(Piece::NoRoom),
                // Of the file; who reads it will be told, if it cannot be read either.
                Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::IO) => {
                    Ok(Piece::Refused)
                }
                Err(cause) => Err(cause.into()),
            };
        }
    }
}
