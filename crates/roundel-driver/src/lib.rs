//! Operations, however the kernel reports them: readiness made into completion.
#![forbid(unsafe_code)]
