//! `Target`: a host and a port, as people write them.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

/// Where to connect to, or to listen: a host, by name or by address, and a port.
///
/// ```
/// use std::net::{Ipv6Addr, SocketAddr};
/// use roundel_net::Target;
///
/// assert_eq!(Target::from("example.org:80").to_string(), "example.org:80");
/// assert_eq!(Target::from(("example.org", 80)), Target::from("example.org:80"));
/// // What is an address already is never looked up.
/// let address = SocketAddr::from((Ipv6Addr::LOCALHOST, 80));
/// assert_eq!(Target::from(("::1", 80)).address(), Some(address));
/// assert_eq!(Target::from("[::1]:80").address(), Some(address));
/// // The empty host is every interface to a listener, and this machine to a client.
/// assert_eq!(Target::from(":80").host(), "");
/// ```
///
/// The port is a number: names of services are not looked up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target(Form);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Form {
    Address(SocketAddr),
    Name {
        host: String,
        port: u16,
    },
    /// Kept as it came, for the error that says so.
    Malformed(String),
}

/// What has to be done to have addresses.
pub(crate) enum Step<'a> {
    Nothing(SocketAddr),
    LookUp { host: &'a str, port: u16 },
    GiveUp(&'a str),
}

impl Target {
    /// The address, if the host is one and nothing has to be looked up.
    pub fn address(&self) -> Option<SocketAddr> {
        match self.0 {
            Form::Address(address) => Some(address),
            _ => None,
        }
    }

    /// The host, without the port. Of a text that names none, the text.
    pub fn host(&self) -> String {
        match &self.0 {
            Form::Address(address) => address.ip().to_string(),
            Form::Name { host, .. } => host.clone(),
            Form::Malformed(text) => text.clone(),
        }
    }

    pub(crate) fn step(&self) -> Step<'_> {
        match &self.0 {
            Form::Address(address) => Step::Nothing(*address),
            Form::Name { host, port } => Step::LookUp { host, port: *port },
            Form::Malformed(text) => Step::GiveUp(text),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Address(address) => address.fmt(f),
            // A zone index: `[fe80::1%eth0]:80`.
            Form::Name { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Form::Name { host, port } => write!(f, "{host}:{port}"),
            Form::Malformed(text) => text.fmt(f),
        }
    }
}

impl From<SocketAddr> for Target {
    fn from(address: SocketAddr) -> Self {
        Self(Form::Address(address))
    }
}

impl From<(IpAddr, u16)> for Target {
    fn from(address: (IpAddr, u16)) -> Self {
        Self::from(SocketAddr::from(address))
    }
}

impl From<(Ipv4Addr, u16)> for Target {
    fn from(address: (Ipv4Addr, u16)) -> Self {
        Self::from(SocketAddr::from(address))
    }
}

impl From<(Ipv6Addr, u16)> for Target {
    fn from(address: (Ipv6Addr, u16)) -> Self {
        Self::from(SocketAddr::from(address))
    }
}

impl From<(&str, u16)> for Target {
    fn from((host, port): (&str, u16)) -> Self {
        Self(match host.parse() {
            Ok(address) => Form::Address(SocketAddr::new(address, port)),
            Err(_) => Form::Name { host: host.to_owned(), port },
        })
    }
}

impl From<(String, u16)> for Target {
    fn from((host, port): (String, u16)) -> Self {
        Self::from((&*host, port))
    }
}

/// `host:port`, or `[host]:port` around colons. What is neither fails when it is resolved.
impl From<&str> for Target {
    fn from(text: &str) -> Self {
        let split = text.rsplit_once(':').and_then(|(host, port)| {
            let port = port.parse().ok()?;
            let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
            // Several colons without brackets: where the port begins is anybody's guess.
            if bare.is_none() && host.contains(':') {
                None
            } else {
                Some((bare.unwrap_or(host), port))
            }
        });
        split.map_or_else(|| Self(Form::Malformed(text.to_owned())), Self::from)
    }
}

impl From<String> for Target {
    fn from(text: String) -> Self {
        Self::from(&*text)
    }
}

impl From<&Self> for Target {
    fn from(target: &Self) -> Self {
        target.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_host_and_port_is_kept_for_the_error() {
        for text in ["", "localhost", "localhost:", "localhost:http", "::1:80", "a:1:b", "a:70000"]
        {
            assert!(
                matches!(Target::from(text).step(), Step::GiveUp(kept) if kept == text),
                "{text}"
            );
        }
    }

    #[test]
    fn a_zone_is_part_of_the_host() {
        for target in [Target::from("[fe80::1%lo]:80"), Target::from(("fe80::1%lo", 80))] {
            assert_eq!(target.address(), None);
            assert_eq!(target.to_string(), "[fe80::1%lo]:80");
        }
    }
}
