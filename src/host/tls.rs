//! A TLS greeting without a conversation: one `ClientHello`, and what its answer starts with.

use std::{fmt::Write as _, sync::Arc};

use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime},
};

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

/// A configuration that takes every certificate, for our own gateway on our own host: whether its
/// certificate is good is not the question that is asked through it.
pub fn unverified() -> Option<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let schemes = provider.signature_verification_algorithms.supported_schemes();
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .ok()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(TakesAll(schemes)))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Some(config)
}

#[derive(Debug)]
struct TakesAll(Vec<SignatureScheme>);

impl ServerCertVerifier for TakesAll {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.clone()
    }
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
