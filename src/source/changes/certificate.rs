//! From when until when a certificate holds.

use rustls::pki_types::{CertificateDer, pem::PemObject};

use crate::{host, observation::Wall};

/// Longest file that is read, in bytes.
pub(super) const LIMIT: u64 = 256 * 1024;

/// When a certificate begins and ends to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) from: Wall,
    pub(super) until: Wall,
}

/// The validity of the first certificate in a file, the server's own; keys before it are passed
/// over.
pub(super) fn validity(file: &[u8]) -> Option<Validity> {
    let first = CertificateDer::pem_slice_iter(file).next()?.ok()?;
    let facts = host::certificate::read(&first)?;
    Some(Validity { from: facts.not_before, until: facts.not_after })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -subj /CN=shop.lan -days 30`
    const PEM: &str = include_str!("certificate_sample.pem");

    #[test]
    fn the_first_certificate_of_a_file_tells_when_it_holds() {
        let found = validity(PEM.as_bytes()).unwrap();
        assert_eq!(found.until.since(found.from).as_secs(), 30 * 86_400);
        assert_eq!(
            validity(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            None
        );
    }

    proptest! {
        #[test]
        fn any_file_is_read_without_harm(cut in 0..PEM.len(), byte in any::<u8>()) {
            let mut bytes = PEM.as_bytes().to_vec();
            bytes[cut] = byte;
            let _ = validity(&bytes);
            let _ = validity(&bytes[..cut]);
        }
    }
}
