//! An accept loop that ends at the first error: too many open files for a moment, and nobody is
//! served any more.

use roundel_executor::{sleep, spawn, timeout};
use roundel_world::{Faults, World};

use crate::{Code, support::*};

async fn serve(code: Code) {
    let listener = listen(7);
    loop {
        let connection = match accept(&listener).await {
            Ok(connection) => connection,
            Err(_) if code.is_broken() => return,
            // The connection stays queued; files are closed meanwhile.
            Err(_) => {
                sleep(10 * MS).await;
                continue;
            }
        };
        spawn(async move {
            while let Ok(data) = recv(&connection).await
                && !data.is_empty()
                && send(&connection, &data).await.is_ok()
            {}
        })
        .detach();
    }
}

pub(crate) async fn body(world: World, code: Code) {
    world.set_faults(Faults { emfile_on_accept: 0.02, ..Faults::NONE });
    let server = world.host("server", async move |_| serve(code).await);
    world.all_tasks_blocked().await;
    for _ in 0..5 {
        let answer = timeout(SECOND, async {
            let connection = connect(server.address(7)).await?;
            send(&connection, b"hello").await?;
            recv(&connection).await
        });
        assert_eq!(answer.await.expect("nobody answers").unwrap(), b"hello");
    }
}
