//! The examples as their users meet them: each is started as a process, asked by a tool that we did
//! not write, and ended by Ctrl-C.
//!
//! The tools are Debian's. Where one is missing, the tests that need it say so and pass; with `CI`
//! set they fail. `.ci/run` installs them.

mod process;
mod tool;

mod echo;
mod http;
mod lines;
mod mistakes;
mod plain;
mod roles;

use roundel::Backend;

/// The real drivers that are had here, the best of each kind.
fn drivers() -> Vec<&'static str> {
    let completion = Backend::Proactor.driver().is_ok().then_some("uring");
    ["epoll"].into_iter().chain(completion).collect()
}
