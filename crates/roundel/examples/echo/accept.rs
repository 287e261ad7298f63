//! Accepting by call-back, for the two levels that have no tasks.

use std::{net::TcpListener, rc::Rc, time::Duration};

use roundel::{
    Attached, Backend, EventLoop, LoopConfig, LoopHandle, Outcome,
    event_loop::{Socket, SocketOption},
    signal::ctrl_c,
};

/// Has `begin` called for every connection, until Ctrl-C stops the loop.
pub(crate) fn serve(
    listener: TcpListener,
    driver: &str,
    begin: fn(Attached<Socket>),
) -> anyhow::Result<()> {
    let address = listener.local_addr()?;
    let driver = Backend::from(driver).driver()?;
    let mut event_loop = EventLoop::with_config(LoopConfig::with_driver(driver));
    let listener = event_loop.handle().attach(Socket::new(listener));
    accept(Rc::new(listener), begin);

    // Refused where Ctrl-C is ignored, as in the background of a script.
    let ctrl_c = ctrl_c().ok();
    if let Some(ctrl_c) = &ctrl_c {
        // The promise is kept in the thread that hears signals; a remote handle may be used there.
        let remote = event_loop.remote();
        ctrl_c.pressed().on_done(move |_| remote.stop());
    }
    println!("listening at {address}");
    event_loop.run_forever()?;
    Ok(())
}

/// Asks for one connection; when it comes, for the next.
fn accept(listener: Rc<Attached<Socket>>, begin: fn(Attached<Socket>)) {
    listener.accept().then(move |outcome| match outcome {
        Ok(Outcome::Accepted(socket)) => {
            // A failure to hurry is none to echo.
            let _ = socket.set(SocketOption::NoDelay(true));
            begin(LoopHandle::current().attach(socket));
            accept(listener, begin);
        }
        Ok(other) => unreachable!("an accept was answered with {other:?}"),
        Err(error) => {
            // No more descriptors, say: later there may be.
            eprintln!("{error}");
            let pause = Duration::from_secs(1);
            LoopHandle::current().call_later(pause, move || accept(listener, begin));
        }
    });
}
