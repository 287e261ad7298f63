//! A lease that its grantor's timer ends, with nothing to spare for clocks that differ: to a holder
//! whose clock is slow, the timer fires early, and two hold it at once.

use std::{cell::Cell, rc::Rc};

use roundel_executor::sleep;
use roundel_loop::{Attached, Outcome, Socket};
use roundel_world::{Host, World};

use crate::{Code, support::*};

/// How long a holder may hold, by its own clock.
const LEASE: std::time::Duration = SECOND;

async fn grant(code: Code) {
    let socket = datagrams(7);
    loop {
        let Ok(Outcome::Datagram(asked)) = socket.recv_from(10).await else { return };
        let _ = socket.send_to(b"yours", asked.from).await.unwrap();
        // Crystals differ by 100 parts per million, and ways take their time.
        sleep(if code.is_broken() { LEASE } else { LEASE + 20 * MS }).await;
    }
}

async fn hold(socket: &Attached<Socket>, from: Host, holders: &Cell<u32>) {
    let _ = socket.send_to(b"please", from.address(7)).await.unwrap();
    let Ok(Outcome::Datagram(_)) = socket.recv_from(10).await else { return };
    holders.set(holders.get() + 1);
    assert_eq!(holders.get(), 1, "two hold the lease");
    sleep(LEASE).await;
    holders.set(holders.get() - 1);
}

pub(crate) async fn body(world: World, code: Code) {
    let grantor = world.host("grantor", async move |_| grant(code).await);
    world.all_tasks_blocked().await;
    let mut random = world.random("drift");
    grantor.set_drift(random.within(0..200) as i32 - 100);
    world.set_default_link(roundel_world::Link {
        latency: MS / 100,
        jitter: MS / 10,
        ..Default::default()
    });
    let holders = Rc::new(Cell::new(0));
    let clients: Vec<_> = (0..3)
        .map(|number| {
            let host = world.add_host(&format!("holder-{number}"));
            host.set_drift(random.within(0..200) as i32 - 100);
            let (grantor, holders) = (grantor.clone(), Rc::clone(&holders));
            host.spawn(async move {
                let socket = datagrams(0);
                for _ in 0..3 {
                    hold(&socket, grantor.clone(), &holders).await;
                    sleep(MS).await;
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
}
