//! `FileStatus`: what statx(2) says of a file, in the kernel's layout.

use std::time::{Duration, SystemTime};

use roundel_driver::{FileKind, Metadata};
use rustix::fs::{FileType, StatxFlags};

/// `struct statx`.
#[repr(C)]
#[derive(Debug, Default)]
pub(crate) struct FileStatus {
    mask: u32,
    block_size: u32,
    attributes: u64,
    links: u32,
    user: u32,
    group: u32,
    mode: u16,
    _spare: u16,
    inode: u64,
    size: u64,
    blocks: u64,
    attributes_mask: u64,
    accessed: Timestamp,
    created: Timestamp,
    changed: Timestamp,
    modified: Timestamp,
    _rest: [u64; 16],
}

const _: () = assert!(size_of::<FileStatus>() == 256);

/// `struct statx_timestamp`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
struct Timestamp {
    seconds: i64,
    nanoseconds: u32,
    _spare: i32,
}

impl FileStatus {
    /// What to ask for.
    pub(crate) const WANTED: StatxFlags = StatxFlags::BASIC_STATS.union(StatxFlags::BTIME);

    pub(crate) fn metadata(&self) -> Metadata {
        let kind = match FileType::from_raw_mode(self.mode.into()) {
            FileType::RegularFile => FileKind::Regular,
            FileType::Directory => FileKind::Directory,
            _ => FileKind::Other,
        };
        let mut metadata = Metadata::new(kind, self.size);
        metadata.mode = u32::from(self.mode) & 0o7777;
        (metadata.user, metadata.group) = (self.user, self.group);
        metadata.links = self.links.into();
        metadata.modified = self.modified.into();
        metadata.accessed = self.accessed.into();
        if StatxFlags::from_bits_retain(self.mask).contains(StatxFlags::BTIME) {
            metadata.created = Some(self.created.into());
        }
        metadata
    }
}

/// Seconds may lie before 1970; nanoseconds count forward from them.
impl From<Timestamp> for SystemTime {
    fn from(time: Timestamp) -> Self {
        let whole = Duration::from_secs(time.seconds.unsigned_abs());
        let epoch = Self::UNIX_EPOCH;
        let second = match time.seconds < 0 {
            true => epoch.checked_sub(whole),
            false => epoch.checked_add(whole),
        };
        second.unwrap_or(epoch) + Duration::from_nanos(time.nanoseconds.into())
    }
}
