//! `read` and `write`: a whole file at a time.

use std::path::Path;

use roundel_loop::{Buffer, OperationError};

use crate::File;

/// All that a file holds.
///
/// # Cancel safety
/// The file is closed; what had been read is dropped.
///
/// # Errors
/// It cannot be opened or read.
///
/// # Panics
/// If no loop runs in this thread.
pub async fn read(path: impl AsRef<Path>) -> Result<Vec<u8>, OperationError> {
    let file = File::open(path).await?;
    let all = file.read_to_end().await?;
    file.close().await?;
    Ok(all)
}

/// Makes a file of these bytes, whatever it held before; they come back. It is not synced.
///
/// # Cancel safety
/// The file may be there or not, empty, half written or whole.
///
/// # Errors
/// It cannot be made or written.
///
/// # Panics
/// If no loop runs in this thread.
pub async fn write(
    path: impl AsRef<Path>,
    data: impl Into<Buffer>,
) -> Result<Buffer, OperationError> {
    let data = data.into();
    let file = File::create(path).await?;
    let data = file.write_at(0, data).await?;
    file.close().await?;
    Ok(data)
}
