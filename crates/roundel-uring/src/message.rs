//! `Message`: the header of sendmsg(2) and recvmsg(2), in the kernel's layout.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6},
    path::Path,
    ptr,
};

use roundel_driver::{Address, Buffer};
use rustix::net::{AddressFamily, ReturnFlags};

/// More pieces are not taken at once: Linux's `UIO_MAXIOV`.
const MOST_PARTS: usize = 1024;

/// `struct user_msghdr`.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Header {
    name: *mut u8,
    name_length: u32,
    parts: *mut Part,
    parts_length: usize,
    control: *mut u8,
    control_length: usize,
    flags: u32,
}

/// `struct iovec`.
#[repr(C)]
#[derive(Debug)]
struct Part {
    address: *mut u8,
    length: usize,
}

/// A header and what it points to. It points there once it lies where it is to stay.
#[derive(Debug)]
pub(crate) struct Message {
    header: Header,
    parts: Vec<Part>,
    /// The peer's address, as the kernel lays it out.
    name: [u8; 128],
}

impl Message {
    fn new() -> Box<Self> {
        let nothing = ptr::null_mut();
        let header = Header {
            name: nothing,
            name_length: 0,
            parts: ptr::null_mut(),
            parts_length: 0,
            control: nothing,
            control_length: 0,
            flags: 0,
        };
        Box::new(Self { header, parts: Vec::new(), name: [0; 128] })
    }

    /// For one datagram of at most so many bytes and its sender's address; where the bytes go is
    /// the kernel's choice.
    pub(crate) fn receiving(at_most: usize) -> Box<Self> {
        let mut message = Self::new();
        message.parts.push(Part { address: ptr::null_mut(), length: at_most });
        message.header.name_length = message.name.len() as u32;
        message
    }

    /// For what of `data` lies behind the first `from` bytes.
    pub(crate) fn sending(data: &[Buffer], mut from: usize) -> Box<Self> {
        let mut message = Self::new();
        for part in data {
            let skipped = from.min(part.len());
            from -= skipped;
            if skipped < part.len() && message.parts.len() < MOST_PARTS {
                let rest = &part[skipped..];
                let (address, length) = (rest.as_ptr().cast_mut(), rest.len());
                message.parts.push(Part { address, length });
            }
        }
        message
    }

    /// The header, pointing to the rest; good for as long as the box is.
    pub(crate) fn header(&mut self) -> *mut Header {
        let Self { header, parts, name } = self;
        if header.name_length > 0 {
            header.name = name.as_mut_ptr();
        }
        (header.parts, header.parts_length) = (parts.as_mut_ptr(), parts.len());
        ptr::from_mut(header)
    }

    /// Whether the datagram was longer than its room.
    pub(crate) fn is_truncated(&self) -> bool {
        ReturnFlags::from_bits_retain(self.header.flags).contains(ReturnFlags::TRUNC)
    }

    /// Who sent what was received; only a Unix socket can speak without a name.
    pub(crate) fn sender(&self) -> Address {
        let name = self.name.get(..self.header.name_length as usize).unwrap_or(&self.name);
        read(name).unwrap_or_else(Address::unnamed_unix)
    }
}

/// An address in the kernel's layout: `sockaddr_in`, `sockaddr_in6` or `sockaddr_un`.
fn read(name: &[u8]) -> Option<Address> {
    let (family, rest) = name.split_first_chunk::<2>()?;
    let family = AddressFamily::from_raw(u16::from_ne_bytes(*family));
    let chunk = |at: usize| rest.get(at..at + 4)?.try_into().ok();
    let port = || rest.first_chunk::<2>().map(|port| u16::from_be_bytes(*port));
    match family {
        AddressFamily::INET => {
            let ip: [u8; 4] = chunk(2)?;
            Some(SocketAddr::from((Ipv4Addr::from(ip), port()?)).into())
        }
        AddressFamily::INET6 => {
            let (flow, scope) = (u32::from_be_bytes(chunk(2)?), u32::from_ne_bytes(chunk(22)?));
            let ip: [u8; 16] = rest.get(6..22)?.try_into().ok()?;
            let address = SocketAddrV6::new(Ipv6Addr::from(ip), port()?, flow, scope);
            Some(SocketAddr::from(address).into())
        }
        AddressFamily::UNIX => match rest {
            [0, name @ ..] => Address::abstract_unix(name).ok(),
            path => {
                use std::os::unix::ffi::OsStrExt;
                let path = path.split(|byte| *byte == 0).next().filter(|path| !path.is_empty())?;
                Address::unix(Path::new(std::ffi::OsStr::from_bytes(path))).ok()
            }
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use roundel_driver::Address;

    use super::{Message, read};

    #[test]
    fn pieces_begin_where_the_last_send_ended() {
        let data = [b"abc".into(), b"".into(), b"defg".into()];
        let lengths = |from| -> Vec<usize> {
            Message::sending(&data, from).parts.iter().map(|part| part.length).collect()
        };
        assert_eq!(lengths(0), [3, 4]);
        assert_eq!(lengths(2), [1, 4]);
        assert_eq!(lengths(3), [4]);
        assert_eq!(lengths(6), [1]);
        assert!(lengths(7).is_empty());
    }

    #[test]
    fn addresses_are_read_as_the_kernel_writes_them() {
        let inet = [2_u16.to_ne_bytes().as_slice(), &[0x1f, 0x90, 127, 0, 0, 1], &[0; 8]].concat();
        assert_eq!(read(&inet).unwrap().to_string(), "127.0.0.1:8080");
        let family = 10_u16.to_ne_bytes();
        let inet6 = [
            &family[..],
            &[0, 80, 0, 0, 0, 0],
            &[0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
            &[7, 0, 0, 0],
        ];
        assert_eq!(read(&inet6.concat()).unwrap().to_string(), "[fe80::1%7]:80");
        let unix = |rest: &[u8]| read(&[1_u16.to_ne_bytes().as_slice(), rest].concat());
        assert_eq!(unix(b"/run/x\0").unwrap(), Address::unix("/run/x").unwrap());
        assert_eq!(unix(b"\0x").unwrap(), Address::abstract_unix("x").unwrap());
        assert!(unix(b"").is_none() && read(b"").is_none());
    }
}
