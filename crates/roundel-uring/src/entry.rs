//! A `Request` as a submission entry, its addresses into what the request owns.

use std::{
    os::fd::{AsRawFd, RawFd},
    ptr,
};

use io_uring::{opcode, squeue, types};
use roundel_driver::Buffer;
use rustix::{
    fs::AtFlags,
    net::{RecvFlags, SendFlags},
};

use crate::{
    message::Message,
    request::{ACCEPTED, Request, Room, Vectored},
    statx::FileStatus,
};

/// `IORING_RECVSEND_POLL_FIRST`, which the crate beneath has no name for.
const POLL_FIRST: u16 = 1;
/// The kernel's word for "at its own position".
const HERE: u64 = u64::MAX;
/// `AT_FDCWD`: a path begins at the working directory.
const WORKING_DIRECTORY: RawFd = -100;
/// All of it, however often the kernel has to wait, and no signal if nobody is there.
const ALL: u32 = SendFlags::NOSIGNAL.bits() | RecvFlags::WAITALL.bits();
/// No waiting within the kernel: it copies a message before it looks whether there is room, and what
/// it sends when there is some is then empty (seen on 6.18, with Unix sockets).
const MESSAGE: u32 = SendFlags::NOSIGNAL.bits() | SendFlags::DONTWAIT.bits();

/// The entry of `request` on `descriptor`. The addresses in it are good for as long as the request
/// lives, wherever it moves.
pub(crate) fn entry(descriptor: RawFd, request: &mut Request) -> squeue::Entry {
    let fd = types::Fd(descriptor);
    match request {
        Request::RecvMany
        | Request::Recv { .. }
        | Request::RecvInto { .. }
        | Request::RecvFrom { .. }
        | Request::Read { .. }
        | Request::AcceptMany => receiving(fd, request),
        Request::Connect { address } => {
            opcode::Connect::new(fd, address.as_ptr().cast(), address.addr_len()).build()
        }
        Request::Send { data, from, is_message, .. } => {
            let (address, length) = rest(data, *from);
            let flags = if *is_message { MESSAGE } else { ALL };
            opcode::Send::new(fd, address, length).flags(flags as i32).build()
        }
        Request::SendTo { data, address } => {
            let (bytes, length) = rest(data, 0);
            opcode::Send::new(fd, bytes, length)
                .flags(MESSAGE as i32)
                .dest_addr(address.as_ptr().cast())
                .dest_addr_len(address.addr_len())
                .build()
        }
        Request::SendVectored(vectored) => {
            let Vectored { data, from, message, is_message } = &mut **vectored;
            *message = Message::sending(data, *from);
            let flags = if *is_message { MESSAGE } else { SendFlags::NOSIGNAL.bits() };
            opcode::SendMsg::new(fd, message.header().cast_const().cast()).flags(flags).build()
        }
        Request::Write { data, from } => {
            let (address, length) = rest(data, *from);
            opcode::Write::new(fd, address, length).offset(HERE).build()
        }
        Request::Poll { events, again } => opcode::PollAdd::new(fd, *events).multi(*again).build(),
        Request::Open { path, flags, mode } => {
            opcode::OpenAt::new(types::Fd(WORKING_DIRECTORY), path.as_ptr())
                .flags(*flags as i32)
                .mode(*mode)
                .build()
        }
        Request::ReadAt { buffer, offset } => {
            let (length, address) = (length(buffer), buffer.as_mut_ptr());
            opcode::Read::new(fd, address, length).offset(*offset).build()
        }
        Request::WriteAt { data, from, offset } => {
            let (address, length) = rest(data, *from);
            let here = offset.saturating_add(*from as u64);
            opcode::Write::new(fd, address, length).offset(here).build()
        }
        Request::Sync { data_only } => {
            let some = types::FsyncFlags::DATASYNC;
            let flags = if *data_only { some } else { types::FsyncFlags::empty() };
            opcode::Fsync::new(fd).flags(flags).build()
        }
        Request::Status { status } => {
            opcode::Statx::new(fd, c"".as_ptr(), ptr::from_mut(&mut **status).cast())
                .flags(AtFlags::EMPTY_PATH.bits() as i32)
                .mask(FileStatus::WANTED.bits())
                .build()
        }
        Request::Close { descriptor } => {
            let descriptor = descriptor.as_ref().map_or(-1, AsRawFd::as_raw_fd);
            opcode::Close::new(types::Fd(descriptor)).build()
        }
    }
}

fn receiving(fd: types::Fd, request: &mut Request) -> squeue::Entry {
    let room = request.room().unwrap_or(Room::Small) as u16;
    match request {
        Request::RecvInto { buffer } => {
            let (length, address) = (length(buffer), buffer.as_mut_ptr());
            opcode::Recv::new(fd, address, length).build()
        }
        Request::Recv { at_most, poll_first, .. } => {
            let ioprio = if *poll_first { POLL_FIRST } else { 0 };
            opcode::Recv::new(fd, ptr::null_mut(), *at_most as u32)
                .buf_group(room)
                .ioprio(ioprio)
                .build()
                .flags(squeue::Flags::BUFFER_SELECT)
        }
        Request::RecvFrom { message, .. } => opcode::RecvMsg::new(fd, message.header().cast())
            .buf_group(room)
            .build()
            .flags(squeue::Flags::BUFFER_SELECT),
        Request::Read { at_most, .. } => opcode::Read::new(fd, ptr::null_mut(), *at_most as u32)
            .buf_group(room)
            .offset(HERE)
            .build()
            .flags(squeue::Flags::BUFFER_SELECT),
        Request::AcceptMany => opcode::AcceptMulti::new(fd).flags(ACCEPTED.bits() as i32).build(),
        _ => opcode::RecvMulti::new(fd, room).build(),
    }
}

/// What of `data` lies behind `from`.
fn rest(data: &Buffer, from: usize) -> (*const u8, u32) {
    let rest = data.get(from..).unwrap_or_default();
    (rest.as_ptr(), length(rest))
}

/// As much as one entry takes; the rest takes another.
fn length(bytes: &[u8]) -> u32 {
    bytes.len().min(i32::MAX as usize) as u32
}
