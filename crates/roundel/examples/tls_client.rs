//! A client under TLS: sends what it reads from standard input, and prints what comes.
//!
//! ```text
//! cargo run --features tls --example tls_client -- localhost:4433 localhost.pem
//! ```
//!
//! The file holds the certificates to be trusted, and nobody else is. The server's has to be for the
//! host that is connected to.

use std::{env, sync::Arc};

use anyhow::bail;
use roundel::{
    stream::{copy_bidirectional, stdin, stdout},
    tls::{
        TlsConnector,
        rustls::{
            ClientConfig, RootCertStore,
            pki_types::{CertificateDer, pem::PemObject},
        },
    },
};

fn main() -> anyhow::Result<()> {
    let words: Vec<_> = env::args().skip(1).collect();
    let [target, file] = &words[..] else { bail!("usage: tls_client HOST:PORT FILE") };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file)? {
        roots.add(certificate?)?;
    }
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let connector = TlsConnector::new(Arc::new(config));
    let target = target.clone();
    roundel::run(async move {
        let mut stream = connector.connect(target).await?;
        let (version, suite) = (stream.session.version(), stream.session.cipher_suite());
        eprintln!("{version:?}, {suite:?}");
        let (mut input, mut output) = (stdin()?, stdout()?);
        let here = (&mut input, &mut output);
        copy_bidirectional(here, (&mut stream.reader, &mut stream.writer)).await?;
        Ok(stream.writer.closed().await?)
    })?
}
