//! From a path to the address of a Unix socket, abstract names included.

use std::{io, os::unix::ffi::OsStrExt, path::Path};

use roundel_loop::Address;

/// A path that begins with a NUL is a name without a file, as in Python and in the kernel's own
/// form.
pub(crate) fn parse(path: &Path) -> io::Result<Address> {
    match path.as_os_str().as_bytes() {
        [0, name @ ..] => Address::abstract_unix(name),
        _ => Address::unix(path),
    }
}
