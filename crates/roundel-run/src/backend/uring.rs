//! The proactor on Linux: io_uring.

use roundel_loop::Driver;
use roundel_uring::UringDriver;

use super::Refusal;

pub(super) fn driver() -> Result<Box<dyn Driver>, Refusal> {
    match UringDriver::new() {
        Ok(driver) => Ok(Box::new(driver)),
        Err(why) => Err(Refusal { reason: why.reason(), source: why.into() }),
    }
}
