//! What a certificate says (RFC 5280), read from its bytes. Nothing is verified.

use std::net::IpAddr;

use x509_cert::{
    Certificate,
    der::Decode,
    ext::pkix::{SubjectAltName, name::GeneralName},
    time::Time,
};

use crate::observation::{CertificateFacts, Text, Wall};

/// Names kept of one certificate.
const NAMES: usize = 64;
/// Longest certificate that is read, in bytes.
const LONGEST: usize = 64 * 1024;

/// Reads a certificate in DER; `None` for what is none.
pub fn read(der: &[u8]) -> Option<CertificateFacts> {
    if der.len() > LONGEST {
        return None;
    }
    let certificate = Certificate::from_der(der).ok()?;
    let body = certificate.tbs_certificate();
    let subject = body.subject().to_string();
    let alternatives = body.get_extension::<SubjectAltName>().ok().flatten();
    let mut names: Vec<Text> = alternatives
        .iter()
        .flat_map(|(_, names)| &names.0)
        .filter_map(general_name)
        .take(NAMES)
        .collect();
    if names.is_empty() {
        names.extend(common_name(&subject));
    }
    Some(CertificateFacts {
        issuer: Text::new(body.issuer().to_string()),
        subject: Text::new(subject),
        names,
        not_before: wall(body.validity().not_before),
        not_after: wall(body.validity().not_after),
    })
}

fn general_name(name: &GeneralName) -> Option<Text> {
    match name {
        GeneralName::DnsName(name) => Some(Text::new(name.as_str())),
        GeneralName::IpAddress(octets) => {
            let bytes = octets.as_bytes();
            let ip = <[u8; 4]>::try_from(bytes)
                .map(IpAddr::from)
                .or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from));
            ip.ok().map(|ip| Text::new(ip.to_string()))
        }
        _ => None,
    }
}

/// The common name in a distinguished name as RFC 4514 writes it.
fn common_name(subject: &str) -> Option<Text> {
    let value = subject.split([',', '+']).find_map(|part| part.trim().strip_prefix("CN="))?;
    Some(Text::new(value))
}

fn wall(time: Time) -> Wall {
    Wall::from_secs(i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHOP: &[u8] = include_bytes!("../../tests/fixtures/certificates/shop.der");
    const OLD: &[u8] = include_bytes!("../../tests/fixtures/certificates/common-name-only.der");

    #[test]
    fn a_certificate_tells_its_names_its_issuer_and_its_time() {
        let found = read(SHOP).unwrap();
        let names: Vec<&str> = found.names.iter().map(Text::raw).collect();
        assert_eq!(names, ["shop.lan", "*.shop.lan", "10.0.0.5", "::1"]);
        assert_eq!((found.subject.raw(), found.issuer.raw()), ("CN=shop.lan", "CN=Lab Authority"));
        assert!(!found.self_signed() && found.not_before < found.not_after);
        assert_eq!(found.not_after, Wall::from_secs(1_735_689_600));
    }

    #[test]
    fn without_alternative_names_the_common_name_counts() {
        let found = read(OLD).unwrap();
        assert!(found.self_signed());
        assert!(found.covers("old.lan") && !found.covers("shop.lan"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_fail(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes);
        }

        #[test]
        fn no_damage_makes_it_fail(at in 0..SHOP.len(), to: u8, cut in 0..SHOP.len()) {
            let mut bytes = SHOP.to_vec();
            bytes[at] = to;
            let _ = read(&bytes);
            let _ = read(&bytes[..cut]);
        }
    }
}
