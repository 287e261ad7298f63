//! `SocketFile`: the file of a Unix listener, there as long as the listener is.

use std::{
    fs, io,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
};

/// Removes the file of a listener that is gone. What is not a socket is left alone: binding then
/// says that the address is in use.
pub(crate) fn remove_stale(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => match fs::remove_file(path) {
            // Somebody else was quicker.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        },
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// A bound socket's file. Its drop removes it, unless another one stands there by now.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl SocketFile {
    /// Of the file that binding has just made; none if that is gone already.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let identity = identity(path)?;
        Some(Self { path: path.into(), identity })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path) == Some(self.identity) {
            // There is nobody to tell, and whoever listens there next removes it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Device and number.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = fs::symlink_metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}
