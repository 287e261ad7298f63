//! The echo in our world.

use std::{net::SocketAddr, time::Duration};

use roundel_executor::sleep;
use roundel_loop::{Attached, Buffer, Family, LoopHandle, Outcome, Socket, SocketKind};
use roundel_world::{Link, Simulation};

use super::{LATENCY, MESSAGE, Task};

const PORT: u16 = 7;

pub(super) fn run(task: Task) -> Duration {
    let simulation = Simulation::new(1);
    let ran = simulation.run(async move |world| {
        world.set_default_link(Link { latency: LATENCY, ..Link::default() });
        let mut asking = Vec::with_capacity(task.pairs());
        for pair in 0..task.pairs() {
            let server = world.host(&format!("server-{pair}"), async |host| {
                serve(host.address(PORT)).await;
            });
            let client = world.add_host(&format!("client-{pair}"));
            asking.push(client.spawn(ask(server.address(PORT), task)));
        }
        for client in asking {
            client.await.expect("no host goes down");
        }
    });
    ran.expect("the echo works").elapsed
}

fn socket() -> Socket {
    LoopHandle::current().socket(Family::V4, SocketKind::Stream).expect("a socket")
}

async fn serve(address: SocketAddr) {
    let socket = socket();
    socket.bind(&address.into()).expect("the port is free");
    socket.listen(1).expect("nobody else listens");
    let here = LoopHandle::current();
    let listener = here.attach(socket);
    let Ok(Outcome::Accepted(socket)) = listener.accept().await else { return };
    let connection = here.attach(socket);
    while let Ok(Outcome::Received(data)) = connection.recv(4096).await
        && !data.is_empty()
        && connection.send(data).await.is_ok()
    {}
}

async fn ask(to: SocketAddr, task: Task) {
    // The server may not have begun to listen.
    sleep(LATENCY).await;
    let connection = LoopHandle::current().attach(socket());
    connection.connect(to).await.expect("somebody listens");
    for _ in 0..task.rounds {
        round_trip(&connection).await;
        if !task.pause.is_zero() {
            sleep(task.pause).await;
        }
    }
}

async fn round_trip(connection: &Attached<Socket>) {
    connection.send(Buffer::from(&MESSAGE)).await.expect("sent");
    let mut left = MESSAGE.len();
    while left > 0 {
        let Ok(Outcome::Received(data)) = connection.recv(left).await else { panic!("no answer") };
        assert!(!data.is_empty(), "the server is there");
        left -= data.len();
    }
}
