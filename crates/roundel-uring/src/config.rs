//! `UringConfig`: how large a ring is to be.

/// The sizes of a ring; its fields are the options. The kernel rounds up to powers of two and
/// cuts down to what it allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UringConfig {
    /// How many requests go to the kernel in one system call; more take several. 256 unless
    /// changed.
    pub submissions: u32,
    /// How many answers find room before anybody takes one; the kernel keeps the others, at a
    /// price. 4096 unless changed.
    pub completions: u32,
}

impl Default for UringConfig {
    fn default() -> Self {
        Self { submissions: 256, completions: 4096 }
    }
}
