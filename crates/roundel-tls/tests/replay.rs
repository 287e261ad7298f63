//! TLS in a simulated world: with a provider that draws from the seed, a seed is a run to the byte;
//! with the system's, it is not.

#[path = "support/seeded.rs"]
mod seeded;
mod support;

use std::{sync::Arc, time::Duration};

use rcgen::{CertificateParams, KeyPair, PKCS_ED25519, SerialNumber};
use roundel_executor::{sleep, spawn};
use roundel_tls::{
    TlsAcceptor, TlsConnector,
    rustls::{
        ClientConfig, RootCertStore, ServerConfig,
        crypto::{CryptoProvider, ring},
        pki_types::{CertificateDer, PrivateKeyDer, UnixTime},
        time_provider::TimeProvider,
    },
};
use support::{MS, connections, localhost, run_simulated};

/// Where time stands still: certificates are looked at by the wall's clock, which a world has not.
#[derive(Debug)]
struct Noon;

impl TimeProvider for Noon {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_secs(1_700_000_000)))
    }
}

/// For localhost, signed by Ed25519, whose signatures are not drawn by chance.
fn identity() -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let mut parameters = CertificateParams::new(["localhost".to_owned()]).unwrap();
    parameters.serial_number = Some(SerialNumber::from(1));
    let certificate = parameters.self_signed(&key).unwrap();
    (certificate.der().clone(), PrivateKeyDer::try_from(key.serialize_der()).unwrap())
}

/// Runs a client and a server in a world; returns the hash of all that happened.
fn world(
    seed: u64,
    (certificate, key): &(CertificateDer<'static>, PrivateKeyDer<'static>),
    provider: impl Fn() -> CryptoProvider,
) -> u64 {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let client = ClientConfig::builder_with_details(Arc::new(provider()), Arc::new(Noon))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let server = ServerConfig::builder_with_details(Arc::new(provider()), Arc::new(Noon))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key.clone_key())
        .unwrap();
    let (connector, acceptor) =
        (TlsConnector::new(Arc::new(client)), TlsAcceptor::new(Arc::new(server)));
    run_simulated(seed, async move {
        for _ in 0..2 {
            let (ours, theirs) = connections().await;
            let acceptor = acceptor.clone();
            let server = spawn(async move {
                let mut stream = acceptor.accept(theirs).await.unwrap();
                roundel_stream::copy(&mut stream.reader, &mut stream.writer).await.unwrap();
                // why: the simulated kernel resets a connection whose peer's end, which comes right
                // behind its notice, finds the socket closed; Linux does not.
                sleep(MS).await;
                stream.writer.closed().await.unwrap();
            });
            let mut stream = connector.open(localhost(), ours).await.unwrap();
            stream.writer.write(vec![1; 100_000]).await.unwrap();
            stream.writer.write_eof().await.unwrap();
            assert_eq!(stream.reader.read_to_end().await.unwrap().len(), 100_000);
            stream.writer.closed().await.unwrap();
            server.await.unwrap();
        }
    })
}

#[test]
fn a_seed_is_a_run_to_the_byte_if_everything_is_drawn_from_it() {
    let identity = identity();
    let run = |seed| world(seed, &identity, || seeded::provider(seed));
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn what_the_system_draws_makes_each_run_another() {
    let identity = identity();
    let run = || world(1, &identity, ring::default_provider);
    assert_ne!(run(), run());
}
