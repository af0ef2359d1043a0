//! Waiting that the kernel ended, not the gateway: a connect that outlives the kernel's tries, and a
//! connection whose other side went away without a word.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::Origin,
};

use super::{by_upstream_line, rule::Rule};

pub(super) const CONNECT: Rule = Rule { cause: "kernel-connect-timeout", judge: connect };
pub(super) const RETRANSMIT: Rule = Rule { cause: "tcp-retransmit-timeout", judge: retransmit };

fn connect(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = by_upstream_line::judge(
        scene,
        CONNECT.cause,
        &[CONNECT.cause],
        Confidence::Confirmed,
        |address, n| {
            format!(
                "{address} does not answer, and the kernel gave up before the gateway did ({n} times)"
            )
        },
    );
    let retries = scene.case.settings.as_ref().and_then(|s| s.syn_retries);
    for finding in &mut found {
        let Some(chain) = scene.chains_of(&finding.subject.upstreams).next() else { continue };
        let limit = &chain.upstream.timeouts.connect;
        let place = limit.place.clone().unwrap_or_else(|| chain.upstream.place.clone());
        let mut more = finding.clone().with(
            format!("the connect timeout is {} s", limit.value / 1_000),
            Origin::Config(place),
            None,
        );
        if let Some(retries) = retries {
            let path = "/proc/sys/net/ipv4/tcp_syn_retries";
            more = more.with(
                format!(
                    "the kernel tries {} times, for about {} s",
                    u32::from(retries) + 1,
                    budget_secs(retries)
                ),
                Origin::Path(path.into()),
                None,
            );
        }
        *finding = more.check("why does it not answer? ip route get, ip neigh, a firewall on the way; then set proxy_connect_timeout to a few seconds");
    }
    found
}

/// How long the kernel tries: one second, doubled with each try (tcp(7), `tcp_syn_retries`).
fn budget_secs(retries: u8) -> u64 {
    (1_u64 << (u32::from(retries) + 1).min(20)) - 1
}

fn retransmit(scene: &Scene<'_>) -> Vec<Finding> {
    let ids = [RETRANSMIT.cause];
    let mut found = by_upstream_line::judge(
        scene,
        RETRANSMIT.cause,
        &ids,
        Confidence::Confirmed,
        |address, n| {
            format!(
                "{address} went away in the middle of connections, without closing them ({n} times)"
            )
        },
    );
    for finding in &mut found {
        let Some(chain) = scene.chains_of(&finding.subject.upstreams).next() else { continue };
        if chain.upstream.keepalive > 0 {
            let what = format!("{} idle connections are kept to it", chain.upstream.keepalive);
            let place = Origin::Config(chain.upstream.place.clone());
            *finding = finding.clone().with(what, place, None);
        }
        finding.next_check = Some(
            "is there a NAT, firewall or load balancer between that drops idle connections? ss -toi dst ADDRESS"
                .to_owned(),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::{Confidence, testing::Host};

    const AT: &str = "192.0.2.7:8000";

    #[test]
    fn a_connect_that_the_kernel_gave_up_is_told_with_both_limits() {
        let host = Host::passing_to(AT)
            .upstream_with("192.0.2.8:80", |_| {})
            .config(|c| c.upstreams[0].timeouts.connect.value = 300_000)
            .settings(|s| s.syn_retries = Some(6))
            .nginx(
                10,
                "connect() failed (110: Connection timed out) while connecting to upstream",
                AT,
            );
        host.incident("kernel-connect-timeout", Confidence::Confirmed, "192.0.2.7");
        let found = host.root("kernel-connect-timeout");
        assert!(found.evidence.iter().any(|e| e.what.contains("for about 127 s")), "{found:#?}");
        assert!(found.evidence.iter().any(|e| e.what.contains("is 300 s")));
    }

    #[test]
    fn a_timeout_of_the_gateway_itself_is_not_the_kernels() {
        Host::passing_to(AT)
            .nginx(
                10,
                "upstream timed out (110: Connection timed out) while connecting to upstream",
                AT,
            )
            .spares("kernel-connect-timeout");
    }

    #[test]
    fn a_peer_that_vanished_in_the_middle_is_not_slow() {
        let host = Host::new().upstream_with(AT, |u| u.keepalive = 16).nginx(
            10,
            "recv() failed (110: Connection timed out) while reading response header from upstream",
            AT,
        );
        host.incident("tcp-retransmit-timeout", Confidence::Confirmed, "192.0.2.7");
        host.spares("proxy-read-timeout");
    }
}
