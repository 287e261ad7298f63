//! `Address`: where a socket is, or is to be; without the kernel's layout of it.

use std::{
    fmt, io,
    net::SocketAddr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use rustix::{
    io::Errno,
    net::{AddressFamily, SocketAddrAny, SocketAddrUnix},
};

use crate::Family;

/// Where a socket is, or what it connects or sends to.
///
/// ```
/// use roundel_driver::{Address, Family};
///
/// let address = Address::from(std::net::SocketAddr::from(([127, 0, 0, 1], 80)));
/// assert_eq!(address.family(), Family::V4);
/// assert_eq!(address.to_string(), "127.0.0.1:80");
/// assert_eq!(Address::unix("/run/echo")?.to_string(), "/run/echo");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Address {
    /// TCP or UDP.
    Inet(SocketAddr),
    /// A Unix socket.
    Unix(UnixAddress),
}

impl Address {
    /// The Unix socket at `path`.
    ///
    /// # Errors
    /// The path is longer than the kernel's `sun_path` (108 bytes on Linux) or holds a NUL.
    pub fn unix(path: impl AsRef<Path>) -> io::Result<Self> {
        let address = UnixAddress(Name::Path(path.as_ref().into()));
        address.to_kernel()?;
        Ok(Self::Unix(address))
    }

    /// The Unix socket of this name in Linux's abstract namespace, which needs no file.
    ///
    /// # Errors
    /// The name is empty or longer than 107 bytes, or the system is not Linux.
    pub fn abstract_unix(name: impl AsRef<[u8]>) -> io::Result<Self> {
        let address = UnixAddress(Name::Abstract(name.as_ref().into()));
        address.to_kernel()?;
        Ok(Self::Unix(address))
    }

    /// A Unix socket without a name: what the client's end of a connection has.
    pub fn unnamed_unix() -> Self {
        Self::Unix(UnixAddress(Name::Unnamed))
    }

    /// The family of the sockets that can use the address.
    pub fn family(&self) -> Family {
        match self {
            Self::Inet(SocketAddr::V4(_)) => Family::V4,
            Self::Inet(SocketAddr::V6(_)) => Family::V6,
            Self::Unix(_) => Family::Unix,
        }
    }

    /// The address and port; none for a Unix socket.
    pub fn inet(&self) -> Option<SocketAddr> {
        match *self {
            Self::Inet(address) => Some(address),
            Self::Unix(_) => None,
        }
    }

    pub(crate) fn from_kernel(address: SocketAddrAny) -> Result<Self, Errno> {
        if address.address_family() == AddressFamily::UNIX {
            let address = SocketAddrUnix::try_from(address)?;
            return Ok(Self::Unix(UnixAddress::from_kernel(&address)));
        }
        Ok(Self::Inet(SocketAddr::try_from(address)?))
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Inet(address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(address) => address.fmt(f),
            Self::Unix(address) => address.fmt(f),
        }
    }
}

/// The name of a Unix socket, checked for its length: a path, an abstract name, or none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UnixAddress(Name);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Name {
    Path(PathBuf),
    Abstract(Box<[u8]>),
    Unnamed,
}

impl UnixAddress {
    /// The path; none for an abstract name, and where there is no name.
    pub fn path(&self) -> Option<&Path> {
        match &self.0 {
            Name::Path(path) => Some(path),
            _ => None,
        }
    }

    /// The name in Linux's abstract namespace.
    pub fn abstract_name(&self) -> Option<&[u8]> {
        match &self.0 {
            Name::Abstract(name) => Some(name),
            _ => None,
        }
    }

    /// Whether the socket has no name.
    pub fn is_unnamed(&self) -> bool {
        matches!(self.0, Name::Unnamed)
    }

    pub(crate) fn to_kernel(&self) -> Result<SocketAddrUnix, Errno> {
        match &self.0 {
            Name::Path(path) => SocketAddrUnix::new(path),
            #[cfg(target_os = "linux")]
            Name::Abstract(name) if name.is_empty() => Err(Errno::INVAL),
            #[cfg(target_os = "linux")]
            Name::Abstract(name) => SocketAddrUnix::new_abstract_name(name),
            #[cfg(target_os = "linux")]
            Name::Unnamed => Ok(SocketAddrUnix::new_unnamed()),
            // Only Linux has such names.
            #[cfg(not(target_os = "linux"))]
            _ => Err(Errno::OPNOTSUPP),
        }
    }

    fn from_kernel(address: &SocketAddrUnix) -> Self {
        if let Some(path) = address.path_bytes() {
            return Self(Name::Path(PathBuf::from(std::ffi::OsStr::from_bytes(path))));
        }
        #[cfg(target_os = "linux")]
        if let Some(name) = address.abstract_name().filter(|name| !name.is_empty()) {
            return Self(Name::Abstract(name.into()));
        }
        Self(Name::Unnamed)
    }
}

impl fmt::Display for UnixAddress {
    /// An abstract name begins with an `@`, as in Linux's own tables.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Name::Path(path) => path.display().fmt(f),
            Name::Abstract(name) => write!(f, "@{}", name.escape_ascii()),
            Name::Unnamed => f.write_str("(unnamed)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn a_name_too_long_is_refused() {
        assert!(Address::unix("x".repeat(107)).is_ok());
        assert!(Address::unix("x".repeat(109)).is_err());
        assert!(Address::unix("with\0nul").is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_abstract_name_is_not_empty() {
        assert!(Address::abstract_unix("x".repeat(107)).is_ok());
        assert!(Address::abstract_unix("x".repeat(108)).is_err());
        assert!(Address::abstract_unix("").is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn names_survive_the_kernels_form() {
        let path = Address::unix("/run/echo").unwrap();
        let hidden = Address::abstract_unix(b"\0roundel").unwrap();
        for (address, shown) in
            [(path, "/run/echo"), (hidden, r"@\x00roundel"), (Address::unnamed_unix(), "(unnamed)")]
        {
            let Address::Unix(unix) = &address else { unreachable!() };
            let back = Address::from_kernel(unix.to_kernel().unwrap().into()).unwrap();
            assert_eq!(back, address);
            assert_eq!(back.to_string(), shown);
        }
    }
}
