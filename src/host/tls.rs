//! A TLS greeting without a conversation: one `ClientHello`, and what its answer starts with.

use std::{fmt::Write as _, sync::Arc};

use rustls::{ClientConfig, ClientConnection, RootCertStore, pki_types::ServerName};

use crate::observation::{Text, TlsAnswer};

/// The bytes of a `ClientHello` (RFC 8446, TLS 1.2 and 1.3 offered, no server name, as nginx
/// sends it by default). The handshake is never finished, so no certificate is judged.
pub fn client_hello() -> Option<Vec<u8>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .ok()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    config.enable_sni = false;
    let name = ServerName::try_from("localhost").ok()?;
    let mut connection = ClientConnection::new(Arc::new(config), name).ok()?;
    let mut bytes = Vec::new();
    connection.write_tls(&mut bytes).ok()?;
    Some(bytes)
}

/// What the first bytes of an answer mean (record types of RFC 8446, section 5.1).
pub fn classify(bytes: &[u8]) -> TlsAnswer {
    match bytes {
        [] => TlsAnswer::Closed,
        [0x15, 0x03, _, _, _, _, code, ..] => TlsAnswer::Alert(*code),
        [0x16, 0x03, ..] => TlsAnswer::Tls,
        [b'H', b'T', b'T', b'P', b'/', ..] => TlsAnswer::PlainHttp,
        other => {
            let hex = other.iter().take(16).fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            });
            TlsAnswer::Other(Text::new(hex))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_is_one_handshake_record() {
        let hello = client_hello().unwrap();
        assert_eq!(hello[..2], [0x16, 0x03]);
        let length = usize::from(u16::from_be_bytes([hello[3], hello[4]]));
        assert_eq!(hello.len(), 5 + length);
    }

    #[test]
    fn an_ssh_banner_is_neither_tls_nor_http() {
        assert_eq!(classify(b"SSH-2"), TlsAnswer::Other(Text::new("5353482d32")));
        assert_eq!(classify(b""), TlsAnswer::Closed);
    }
}
