//! The acceptor of a server: one task for each listening socket.

use std::rc::Rc;

use roundel_executor::{sleep, yield_now};
use roundel_loop::{LoopHandle, OperationError, Unhandled, buggify};
use rustix::io::Errno;

use crate::{
    Connection, Handled, Listener, group::Group, listener::accepted_socket, serve::in_full,
};

/// Accepts connections while there is room for them, and begins their handlers.
pub(crate) async fn accept_and_begin<H, R>(group: Rc<Group>, nth: usize, handler: Rc<H>)
where
    H: AsyncFn(Connection) -> R + 'static,
    R: Handled + 'static,
{
    let backlog = group.with_listener(Listener::backlog).unwrap_or(1);
    // How many have come without a wait.
    let mut in_a_row = 0;
    loop {
        group.until(Group::has_room).await;
        if buggify("acceptor: pauses for nothing") {
            sleep(group.options.pause).await;
        }
        let Some(accept) = group.accept(nth) else { return };
        let accepted = match accept.try_now() {
            Ok(accepted) => {
                in_a_row += 1;
                accepted
            }
            Err(accept) => {
                in_a_row = 0;
                accept.await
            }
        };
        match accepted.map(accepted_socket) {
            Ok(socket) => {
                // The other addresses' acceptors may have taken the room meanwhile.
                group.until(Group::has_room).await;
                // Welcome fails if the peer is gone again.
                let welcome = group.with_listener(|listener| listener.welcome(socket));
                if let Some(Ok(connection)) = welcome {
                    group.handle(connection, Rc::clone(&handler));
                }
            }
            Err(error) if is_of_the_connection(&error) => {}
            Err(error) => pause(&group, &error).await,
        }
        // The rest of the program has its turn too.
        if in_a_row >= backlog {
            in_a_row = 0;
            yield_now().await;
        }
    }
}

/// There are no descriptors or no memory, or the listener is broken. Trying again at once would
/// only burn the processor.
async fn pause(group: &Group, error: &OperationError) {
    if group.with_listener(|_| ()).is_none() {
        return;
    }
    group.count(|counted| counted.pauses += 1);
    let pause = group.options.pause;
    let message = match is_want(error) {
        true => "a server is out of descriptors or memory, and pauses",
        false => "a server cannot accept connections, and pauses",
    };
    let report = Unhandled::new(message);
    let report = report.detail("error", in_full(error)).detail("pause", format!("{pause:?}"));
    LoopHandle::current().report(&report);
    sleep(pause).await;
}

fn errno(error: &OperationError) -> Option<Errno> {
    error.raw_os_error().map(Errno::from_raw_os_error)
}

fn is_want(error: &OperationError) -> bool {
    matches!(errno(error), Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM))
}

/// Linux passes on what went wrong with the connection before it was accepted: accept(2).
fn is_of_the_connection(error: &OperationError) -> bool {
    let of_the_network = [
        Errno::CONNABORTED,
        Errno::PROTO,
        Errno::NOPROTOOPT,
        Errno::NETDOWN,
        Errno::NETUNREACH,
        Errno::HOSTDOWN,
        Errno::HOSTUNREACH,
    ];
    errno(error).is_some_and(|errno| of_the_network.contains(&errno))
}
