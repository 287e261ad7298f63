//! Which sources are ready: select, poll, epoll, kqueue, event ports and IOCP behind one trait.
#![forbid(unsafe_code)]
