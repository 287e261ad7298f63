//! No proactor: elsewhere than on Linux.

use roundel_loop::Driver;

use super::Refusal;

pub(super) fn driver() -> Result<Box<dyn Driver>, Refusal> {
    let reason = "there is no proactor for this system";
    Err(Refusal { reason, source: reason.into() })
}
