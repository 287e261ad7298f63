//! Cryptography without secrets: whatever TLS draws by chance comes from a seed.
//!
//! Two things are drawn: bytes, from the provider's `SecureRandom`, and the keys of the exchange,
//! which ring draws by itself, so that another X25519 is put in its place. A signature must not be
//! drawn either: of rustls' kinds that leaves Ed25519.

use std::sync::Mutex;

use roundel_sim::Random;
use roundel_tls::rustls::{
    Error, NamedGroup,
    crypto::{
        ActiveKeyExchange, CryptoProvider, GetRandomFailed, SecureRandom, SharedSecret,
        SupportedKxGroup, ring,
    },
};
use x25519_dalek::{PublicKey, StaticSecret};

#[derive(Debug)]
struct Seeded(Mutex<Random>);

impl SecureRandom for Seeded {
    fn fill(&self, room: &mut [u8]) -> Result<(), GetRandomFailed> {
        let mut random = self.0.lock().unwrap();
        room.fill_with(|| random.number() as u8);
        Ok(())
    }
}

#[derive(Debug)]
struct X25519(&'static Seeded);

impl SupportedKxGroup for X25519 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let mut secret = [0; 32];
        self.0.fill(&mut secret)?;
        let secret = StaticSecret::from(secret);
        let public = PublicKey::from(&secret);
        Ok(Box::new(Exchange { secret, public }))
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}

struct Exchange {
    secret: StaticSecret,
    public: PublicKey,
}

impl ActiveKeyExchange for Exchange {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        let peer: [u8; 32] = peer.try_into().map_err(|_| Error::General("no key".into()))?;
        Ok(self.secret.diffie_hellman(&peer.into()).as_bytes()[..].into())
    }

    fn pub_key(&self) -> &[u8] {
        self.public.as_bytes()
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}

/// A provider that draws everything from `seed`. rustls wants its parts for ever: they are.
pub(crate) fn provider(seed: u64) -> CryptoProvider {
    let seeded: &'static Seeded = Box::leak(Box::new(Seeded(Mutex::new(Random::new(seed)))));
    CryptoProvider {
        kx_groups: vec![Box::leak(Box::new(X25519(seeded)))],
        secure_random: seeded,
        ..ring::default_provider()
    }
}
