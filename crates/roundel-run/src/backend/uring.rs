//! The proactor on Linux: io_uring.

use roundel_loop::LoopConfig;
use roundel_uring::UringDriver;

use super::Refusal;

pub(super) fn config() -> Result<LoopConfig, Refusal> {
    match UringDriver::new() {
        Ok(driver) => Ok(LoopConfig::with_driver(Box::new(driver))),
        Err(why) => Err(Refusal { reason: why.reason(), source: why.into() }),
    }
}
