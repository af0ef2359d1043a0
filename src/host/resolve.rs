//! Name lookups with a deadline: the host's own way (whatever `nsswitch.conf` says), and by
//! asking one server, as nginx's `resolver` does.

use std::{io, net::IpAddr, time::Duration};

use tokio::time::timeout;

use crate::observation::{ResolutionOutcome, Text};

/// Most addresses kept of one name.
const MOST_ADDRESSES: usize = 32;

/// Looks a name up the way every program on this host does, in the blocking pool. After the
/// deadline the lookup goes on there, unheard.
pub async fn by_host(host: &str, deadline: Duration) -> ResolutionOutcome {
    match timeout(deadline, tokio::net::lookup_host((host, 0))).await {
        Err(_) => ResolutionOutcome::TimedOut,
        Ok(Err(error)) => failure(&error),
        Ok(Ok(found)) => {
            let mut addresses: Vec<IpAddr> = Vec::new();
            for address in found.map(|a| a.ip()) {
                if addresses.len() < MOST_ADDRESSES && !addresses.contains(&address) {
                    addresses.push(address);
                }
            }
            ResolutionOutcome::Found(addresses)
        }
    }
}

/// getaddrinfo(3) tells its errors in words only (glibc's and musl's).
fn failure(error: &io::Error) -> ResolutionOutcome {
    const UNKNOWN: [&str; 4] = [
        "Name or service not known",
        "No address associated with hostname",
        "Name does not resolve",
        "Name has no usable address",
    ];
    let words = error.to_string();
    if UNKNOWN.iter().any(|unknown| words.contains(unknown)) {
        return ResolutionOutcome::NxDomain;
    }
    let words = words.strip_prefix("failed to lookup address information: ").unwrap_or(&words);
    ResolutionOutcome::ServerFailure(Text::new(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn localhost_resolves_without_any_server() {
        let found = by_host("localhost", Duration::from_secs(5)).await;
        let ResolutionOutcome::Found(addresses) = found else { panic!("{found:?}") };
        assert!(addresses.iter().all(IpAddr::is_loopback) && !addresses.is_empty());
    }

    #[test]
    fn an_unknown_name_is_not_a_failing_server() {
        let of = |words: &str| failure(&io::Error::other(words));
        let prefix = "failed to lookup address information: ";
        assert_eq!(of(&format!("{prefix}Name or service not known")), ResolutionOutcome::NxDomain);
        assert_eq!(
            of(&format!("{prefix}Temporary failure in name resolution")),
            ResolutionOutcome::ServerFailure(Text::new("Temporary failure in name resolution"))
        );
    }
}
