//! No proactor: elsewhere than on Linux.

use roundel_loop::LoopConfig;

use super::Refusal;

pub(super) fn config() -> Result<LoopConfig, Refusal> {
    let reason = "there is no proactor for this system";
    Err(Refusal { reason, source: reason.into() })
}
