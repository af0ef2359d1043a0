//! What the answer to a TLS greeting starts with, and a way to ask that refuses no certificate.

use std::{fmt::Write as _, sync::Arc};

use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use crate::observation::{Text, TlsAnswer};

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
    fn an_ssh_banner_is_neither_tls_nor_http() {
        assert_eq!(classify(b"SSH-2"), TlsAnswer::Other(Text::new("5353482d32")));
        assert_eq!(classify(b""), TlsAnswer::Closed);
    }
}
