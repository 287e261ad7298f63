//! Names and addresses: what is looked up, and that it holds nothing up.

mod support;

use std::{
    cell::Cell,
    net::{IpAddr, SocketAddr},
    rc::Rc,
};

use roundel_executor::{spawn, yield_now};
use roundel_net::{Answer, RESOLVER, ResolveError, Resolver, SystemResolver, resolve};

use support::{on_both, run};

/// Counts what it is asked, and answers nothing.
#[derive(Debug, Default)]
struct Counting(Cell<u32>);

impl Resolver for Counting {
    fn look_up<'a>(&'a self, _host: &'a str, _port: u16) -> Answer<'a> {
        self.0.set(self.0.get() + 1);
        Box::pin(async { Ok(Vec::new()) })
    }
}

// spec: LPE-09
#[test]
fn what_is_an_address_is_not_looked_up_but_one_with_a_zone_is() {
    on_both(|| async {
        let counting = Rc::new(Counting::default());
        RESOLVER
            .scope(counting.clone(), async {
                for (text, port) in [("127.0.0.1", 80), ("::1", 0), ("192.0.2.1", 443)] {
                    let found = resolve((text, port)).await.unwrap();
                    assert_eq!(found, [SocketAddr::new(text.parse().unwrap(), port)]);
                }
                // The empty host is this machine.
                assert!(resolve(":80").await.unwrap().iter().all(|one| one.ip().is_loopback()));
            })
            .await;
        assert_eq!(counting.0.get(), 0);

        let zone = RESOLVER.scope(counting.clone(), resolve("[::1%lo]:80")).await.unwrap_err();
        assert!(matches!(zone, ResolveError::NoAddress { .. }));
        assert_eq!(counting.0.get(), 1);
    });
    run(async {
        let scoped = SystemResolver.look_up("fe80::1%lo", 80).await.unwrap();
        assert!(matches!(scoped[..], [SocketAddr::V6(one)] if one.scope_id() != 0), "{scoped:?}");
    });
}

// spec: LPE-08
#[test]
fn the_system_knows_this_machine_and_the_loop_goes_on_meanwhile() {
    run(async {
        let looking = spawn(resolve("localhost:80"));
        let mut turns = 0;
        while !looking.is_done() {
            turns += 1;
            yield_now().await;
        }
        assert!(turns > 0);
        let found = looking.await.unwrap().unwrap();
        assert!(!found.is_empty());
        assert!(found.iter().map(SocketAddr::ip).all(|ip: IpAddr| ip.is_loopback()), "{found:?}");
    });
}

#[test]
fn a_name_that_does_not_exist_is_told() {
    run(async {
        // Reserved for this: RFC 6761.
        let error = resolve("nobody.invalid:80").await.unwrap_err();
        assert_eq!(error.to_string(), "resolving \"nobody.invalid\"");
    });
}

/// The resolver of a task is that of the tasks it begins.
#[test]
fn a_resolver_is_inherited() {
    run(async {
        let counting = Rc::new(Counting::default());
        let found = RESOLVER
            .scope(counting.clone(), async { spawn(resolve("example.org:80")).await })
            .await;
        assert!(found.unwrap().is_err());
        assert_eq!(counting.0.get(), 1);
    });
}
