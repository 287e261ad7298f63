//! A role of S3-E11 in a process of its own, to be played in two terminals.

use std::net::{Ipv4Addr, SocketAddr};

use futures::{StreamExt, future::select};
use roundel::{SignalKind, net::Listener, signal};

use super::{
    arguments::Role,
    connections::{address_of, client, server},
    seed::Played,
    stage::Stage,
};

/// The server ends after five seconds, or sooner by Ctrl-C.
pub(crate) fn play(role: Role, stage: &Stage) -> Played {
    stage.run(async move |stage| match role {
        Role::Server { port } => {
            let listener = Listener::bind((Ipv4Addr::LOCALHOST, port)).await?;
            let mut ctrl_c = signal(SignalKind::INTERRUPT)?;
            eprintln!("listening at {}", address_of(&listener));
            server(&stage, listener, select(stage.sleep(5.0), ctrl_c.next())).await;
            Ok(())
        }
        Role::Client { port, repetitions } => {
            client(&stage, SocketAddr::from((Ipv4Addr::LOCALHOST, port)), repetitions).await
        }
    })
}
