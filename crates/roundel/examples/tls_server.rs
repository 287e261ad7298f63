//! A server under TLS: each line comes back in capitals.
//!
//! ```text
//! cargo run --features tls --example tls_server -- 127.0.0.1:4433 localhost.pem
//! openssl s_client -connect 127.0.0.1:4433 -servername localhost -CAfile localhost.pem
//! ```
//!
//! The certificate is made here, and written to the file so that clients can trust it; a real server
//! reads one that others trust already, and its key.

use std::{env, fs, sync::Arc};

use anyhow::bail;
use futures::StreamExt;
use roundel::{
    SignalKind,
    net::{Connection, Listener, serve},
    signal,
    tls::{TlsAcceptor, rustls},
};

fn main() -> anyhow::Result<()> {
    let words: Vec<_> = env::args().skip(1).collect();
    let [target, file] = &words[..] else { bail!("usage: tls_server HOST:PORT FILE") };
    let (target, file) = (target.clone(), file.clone());
    let acceptor = TlsAcceptor::new(Arc::new(configuration(&file)?));
    roundel::run(async move {
        let listener = Listener::bind(target).await?;
        let mut ctrl_c = signal(SignalKind::INTERRUPT)?;
        println!("listening at {}, as {file} says", listener.local_addresses()[0]);
        // Who does not come through the handshake is reported, and hurts nobody.
        let server = serve(listener, async move |client| capitals(&acceptor, client).await);
        server.serve_until(ctrl_c.next()).await;
        Ok(())
    })?
}

/// Of a certificate for localhost that nobody has signed but itself.
fn configuration(file: &str) -> anyhow::Result<rustls::ServerConfig> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    fs::write(file, made.cert.pem())?;
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = rustls::ServerConfig::builder().with_no_client_auth();
    Ok(config.with_single_cert(vec![made.cert.der().clone()], key.into())?)
}

/// One client, until it ends.
async fn capitals(acceptor: &TlsAcceptor, client: Connection) -> anyhow::Result<()> {
    let mut stream = acceptor.accept(client).await?;
    loop {
        let line = stream.reader.read_line().await?;
        if line.is_empty() {
            break;
        }
        let line = line.to_ascii_uppercase();
        stream.writer.write(line).await?;
    }
    Ok(stream.writer.closed().await?)
}
