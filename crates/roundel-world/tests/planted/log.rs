//! A server that answers before its disk has the entry: a crash in between loses what was
//! acknowledged.

use roundel_executor::{sleep, spawn, timeout};
use roundel_loop::{Attached, File, LoopHandle, OpenOptions, Outcome};
use roundel_world::World;

use crate::{Code, support::*};

async fn open() -> Attached<File> {
    let options = OpenOptions { read: true, append: true, create: true, ..OpenOptions::NONE };
    match LoopHandle::current().open("/log", options).await.unwrap() {
        Outcome::Opened(file) => LoopHandle::current().attach(file),
        other => panic!("no file: {other:?}"),
    }
}

async fn entries() -> Vec<u8> {
    match open().await.read_at(0, 1000).await.unwrap() {
        Outcome::Received(data) => data.into_vec(),
        other => panic!("no data: {other:?}"),
    }
}

async fn serve(code: Code) {
    let (socket, log) = (datagrams(7), open().await);
    while let Ok(Outcome::Datagram(entry)) = socket.recv_from(10).await {
        let _ = log.write_at(0, entry.data.to_vec()).await.unwrap();
        if !code.is_broken() {
            let _ = log.sync(true).await.unwrap();
        }
        let _ = socket.send_to(entry.data, entry.from).await.unwrap();
        if code.is_broken() {
            sleep(MS).await;
            let _ = log.sync(true).await.unwrap();
        }
    }
}

pub(crate) async fn body(world: World, code: Code) {
    let server = world.host("server", async move |_| serve(code).await);
    world.all_tasks_blocked().await;
    let (nap, host) = (world.random("crash").time(30 * MS), server.clone());
    spawn(async move {
        sleep(nap).await;
        host.restart();
    })
    .detach();
    let (socket, mut acknowledged) = (datagrams(0), Vec::new());
    for entry in 1..10 {
        let _ = socket.send_to(&[entry], server.address(7)).await.unwrap();
        if let Ok(Ok(Outcome::Datagram(_))) = timeout(10 * MS, socket.recv_from(10)).await {
            acknowledged.push(entry);
        }
    }
    sleep(SECOND).await;
    let kept = server.spawn(entries()).await.unwrap();
    let lost: Vec<_> = acknowledged.iter().filter(|entry| !kept.contains(entry)).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?} of {acknowledged:?}");
}
