//! A TLS handshake with an upstream, as far as it tells why a gateway's own one fails: it is ended
//! before a request, and no certificate is refused.

use std::{
    io::{self, Write},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rustls::{
    AlertDescription, ClientConfig, ClientConnection, ProtocolVersion, SignatureScheme,
    client::ResolvesClientCert, pki_types::ServerName, sign::CertifiedKey,
};
use tokio::{net::TcpStream, time::timeout};

use super::{certificate, tls};
use crate::observation::{Text, TlsAnswer, TlsFacts};

/// Most bytes read of one handshake.
const MOST_BYTES: usize = 256 * 1024;
/// After a complete handshake of TLS 1.3 a server that wants a certificate still refuses.
const REFUSAL: Duration = Duration::from_millis(80);

/// What became of a greeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Greeted {
    /// What the first bytes of the answer are.
    pub answer: TlsAnswer,
    /// What the handshake told, when the answer was TLS.
    pub facts: Option<TlsFacts>,
}

/// Has no certificate, and remembers that it was asked for one.
#[derive(Debug, Default)]
struct Asked(AtomicBool);

impl ResolvesClientCert for Asked {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        // Only who might have one is asked (`resolve` is not called otherwise).
        true
    }
}

/// Shakes hands over a connection. `name` is said in the greeting when there is one.
pub(super) async fn greet(stream: &TcpStream, name: Option<&str>, limit: Duration) -> Greeted {
    let asked = Arc::new(Asked::default());
    let Some(mut connection) = connection(&asked, name) else {
        return Greeted { answer: TlsAnswer::Silent, facts: None };
    };
    let first = Mutex::new(Vec::new());
    let ended = timeout(limit, shake(stream, &mut connection, &first)).await;
    let first = first.into_inner().unwrap_or_default();
    if ended.is_err() && first.is_empty() {
        return Greeted { answer: TlsAnswer::Silent, facts: None };
    }
    let answer = tls::classify(&first);
    if !matches!(answer, TlsAnswer::Tls | TlsAnswer::Alert(_)) {
        return Greeted { answer, facts: None };
    }
    let alert = match ended {
        Ok(Err(rustls::Error::AlertReceived(alert))) => Some(alert),
        Ok(Ok(())) if asked.0.load(Ordering::Relaxed) => refusal(stream, &mut connection).await,
        _ => None,
    };
    let leaf = connection.peer_certificates().and_then(|chain| chain.first());
    let facts = TlsFacts {
        said: name.map(Text::new),
        version: connection.protocol_version().map(version),
        alert: alert.map(u8::from),
        asks_certificate: asked.0.load(Ordering::Relaxed),
        certificate: leaf.and_then(|der| certificate::read(der)),
        with_name: None,
    };
    Greeted { answer, facts: Some(facts) }
}

fn connection(asked: &Arc<Asked>, name: Option<&str>) -> Option<ClientConnection> {
    let mut config: ClientConfig = tls::unverified()?;
    config.client_auth_cert_resolver = Arc::<Asked>::clone(asked);
    config.enable_sni = name.is_some();
    config.alpn_protocols.clear();
    config.resumption = rustls::client::Resumption::disabled();
    let name = ServerName::try_from(name.unwrap_or("localhost").to_owned()).ok()?;
    ClientConnection::new(Arc::new(config), name).ok()
}

fn version(version: ProtocolVersion) -> Text {
    Text::new(match version {
        ProtocolVersion::TLSv1_3 => "TLSv1.3",
        ProtocolVersion::TLSv1_2 => "TLSv1.2",
        _ => "another version",
    })
}

/// Until the handshake is over one way or the other. `Err` with the alert that ended it.
async fn shake(
    stream: &TcpStream,
    connection: &mut ClientConnection,
    first: &Mutex<Vec<u8>>,
) -> Result<(), rustls::Error> {
    let mut read = 0;
    loop {
        while connection.wants_write() {
            if stream.writable().await.is_err() {
                return Ok(());
            }
            match connection.write_tls(&mut Wire(stream)) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => break,
            }
        }
        if !connection.is_handshaking() || read > MOST_BYTES {
            return Ok(());
        }
        if stream.readable().await.is_err() {
            return Ok(());
        }
        let mut buffer = [0_u8; 4_096];
        let size = match stream.try_read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(size) => size,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(_) => return Ok(()),
        };
        read += size;
        let got = buffer.get(..size).unwrap_or_default();
        if let Ok(mut first) = first.lock() {
            let free = 16_usize.saturating_sub(first.len());
            first.extend(got.iter().take(free));
        }
        feed(connection, got)?;
    }
}

fn feed(connection: &mut ClientConnection, mut got: &[u8]) -> Result<(), rustls::Error> {
    while !got.is_empty() {
        match connection.read_tls(&mut got) {
            Ok(0) | Err(_) => return Ok(()),
            Ok(_) => connection.process_new_packets()?,
        };
    }
    Ok(())
}

/// The alert of a server that took the handshake and then misses a certificate.
async fn refusal(
    stream: &TcpStream,
    connection: &mut ClientConnection,
) -> Option<AlertDescription> {
    let wait = async {
        loop {
            stream.readable().await.ok()?;
            let mut buffer = [0_u8; 4_096];
            match stream.try_read(&mut buffer) {
                Ok(0) => return None,
                Ok(size) => match feed(connection, buffer.get(..size).unwrap_or_default()) {
                    Err(rustls::Error::AlertReceived(alert)) => return Some(alert),
                    Err(_) => return None,
                    Ok(()) => {}
                },
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return None,
            }
        }
    };
    timeout(REFUSAL, wait).await.ok().flatten()
}

/// A stream that never waits.
struct Wire<'a>(&'a TcpStream);

impl Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
