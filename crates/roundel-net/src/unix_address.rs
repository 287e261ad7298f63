//! Unix sockets by path: from a path to an address, abstract names included, and to a bound socket
//! with its file.

use std::{io, os::unix::ffi::OsStrExt, path::Path};

use roundel_loop::{Address, Socket};

use crate::{
    BindError,
    socket_file::{SocketFile, remove_stale},
};

/// A path that begins with a NUL is a name without a file, as in Python and in the kernel's own
/// form.
pub(crate) fn parse(path: &Path) -> io::Result<Address> {
    match path.as_os_str().as_bytes() {
        [0, name @ ..] => Address::abstract_unix(name),
        _ => Address::unix(path),
    }
}

/// Binds a socket to a path, in the place of a dead server's. The file is the caller's to hold,
/// unless it is to stay.
pub(crate) fn bind_path(
    socket: &Socket,
    path: &Path,
    keep: bool,
) -> Result<Option<SocketFile>, BindError> {
    let address = parse(path).map_err(|source| BindError::Name { path: path.into(), source })?;
    // A simulated network keeps its names to itself.
    let is_file = socket.source().is_some()
        && matches!(&address, Address::Unix(unix) if unix.path().is_some());
    if is_file {
        let stale = |source| BindError::StaleFile { path: path.into(), source };
        remove_stale(path).map_err(stale)?;
    }
    socket.bind(&address)?;
    Ok(if is_file && !keep { SocketFile::of(path) } else { None })
}
