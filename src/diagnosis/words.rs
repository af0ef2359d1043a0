//! The plain words of every cause, read from `assets/causes/`: one file per cause, written for
//! somebody who meets it for the first time.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::observation::SourceId;

/// What a cause is in the story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CauseKind {
    /// It names why: it stands above the states that it led to.
    Reason,
    /// It names what is the case now; a reason may stand behind it.
    State,
    /// It names where a request failed; never a root cause.
    Symptom,
}

impl CauseKind {
    /// In one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reason => "reason",
            Self::State => "state",
            Self::Symptom => "symptom",
        }
    }
}

/// The words of one cause and what it means for others. Written by the makers of this program, so
/// it is not hostile.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CauseText {
    /// Its id, for example `app-unit-stopped`; also the name of its file.
    pub id: String,
    /// At most 60 characters.
    pub title: String,
    /// What it is in the story.
    pub kind: CauseKind,
    /// Whether a rule of this program can find it; otherwise only `explain` knows it.
    #[serde(default = "yes")]
    pub rule: bool,
    /// What it is, in two or three sentences.
    pub what: String,
    /// How it becomes the status that the client sees.
    pub why_502: String,
    /// Look-alikes, and what tells them apart.
    pub tell_apart: String,
    /// The cheapest command or look that tells more.
    pub next_check: String,
    /// What cures it.
    pub fix: String,
    /// Common advice that does not help or does harm.
    pub do_not: String,
    /// Ids of causes and symptoms that it explains when they stand on the same subject.
    pub explains: Vec<String>,
    /// Sources without which it can be at most possible.
    pub deciding_sources: Vec<SourceId>,
    /// Ids of playbooks that may cure it, the best first.
    pub remedies: Vec<String>,
    /// Why there is no remedy at one key, when `remedies` is empty.
    #[serde(default)]
    pub no_remedy: Option<String>,
}

const fn yes() -> bool {
    true
}

macro_rules! texts {
    ($($id:literal),* $(,)?) => {
        [$(($id, include_str!(concat!("../../assets/causes/", $id, ".toml")))),*]
    };
}

/// Every file of `assets/causes/`, by id.
const FILES: &[(&str, &str)] = &texts![
    "apache-balancer-error-state",
    "apache-max-workers",
    "apache-module-missing",
    "apache-ssl-proxy-off",
    "app-backlog-full",
    "app-bind-address-missing",
    "app-bind-failed",
    "app-boot-failure",
    "app-boot-window",
    "app-config-invalid",
    "app-crash-signal",
    "app-deadlock",
    "app-dependency-failed",
    "app-env-missing",
    "app-exception-500",
    "app-exception-no-response",
    "app-exec-missing",
    "app-fd-limit",
    "app-frozen",
    "app-killed-not-restarted",
    "app-not-listening",
    "app-port-in-use",
    "app-recycled-memory",
    "app-request-timeout-kill",
    "app-restart-loop",
    "app-runtime-max",
    "app-start-limit-hit",
    "app-stop-sigkill",
    "app-stopped-by-operator",
    "app-uncaught-exception",
    "app-unit-condition-skipped",
    "app-unit-failed-exit",
    "app-unit-start-timeout",
    "app-unit-stopped",
    "app-unit-watchdog",
    "app-workdir-or-user-missing",
    "app-worker-exit",
    "app-worker-killed",
    "app-worker-segfault",
    "apparmor-denied",
    "auth-subrequest-failed-500",
    "boot-order",
    "cdn-passes-502",
    "chained-proxy",
    "client-abort-499",
    "clock-skew",
    "config-not-reloaded",
    "conntrack-full",
    "container-child-oom",
    "container-exec-missing",
    "container-exited",
    "container-listens-loopback",
    "container-network-mismatch",
    "container-no-restart-policy",
    "container-oomkilled",
    "container-paused",
    "container-port-conflict",
    "container-port-mapping-wrong",
    "container-port-not-published",
    "container-restart-exhausted",
    "container-restart-loop",
    "container-stale-ip",
    "container-unhealthy",
    "cpu-throttled",
    "disk-full-app",
    "disk-full-proxy-temp",
    "disk-readonly",
    "dns-implicit-upstream-shadow",
    "dns-no-resolver",
    "dns-nxdomain",
    "dns-server-failure",
    "dns-stale-ip",
    "dns-unresolvable-at-start",
    "docker-daemon-down",
    "docker-iptables-flushed",
    "ephemeral-ports-exhausted",
    "firewall-drop",
    "firewall-reject",
    "fpm-allowed-clients",
    "fpm-max-children",
    "fpm-orphan-children",
    "haproxy-no-server",
    "haproxy-queue-timeout",
    "haproxy-server-down",
    "haproxy-server-maint",
    "health-check-wrong",
    "host-down-arp",
    "inodes-exhausted",
    "intercepted-error-page",
    "keepalive-race",
    "kernel-connect-timeout",
    "lb-deregistration",
    "lb-keepalive-race",
    "lb-no-targets",
    "lb-target-timeout",
    "mtu-blackhole",
    "net-blackhole-route",
    "net-no-route",
    "net-route-prohibit",
    "node-heap-oom",
    "oom-cgroup-unit",
    "oom-global",
    "oom-systemd-oomd",
    "php-max-execution-time",
    "php-memory-limit",
    "pids-limit",
    "pm2-errored",
    "pm2-not-resurrected",
    "protocol-ajp-mismatch",
    "protocol-fcgi-to-http",
    "protocol-grpc-to-http1",
    "protocol-h2-on-http1",
    "protocol-http-to-fcgi",
    "protocol-uwsgi-to-http",
    "proxy-bind-address-missing",
    "proxy-config-invalid",
    "proxy-fd-limit",
    "proxy-no-workers",
    "proxy-not-running",
    "proxy-own-answer",
    "proxy-port-in-use",
    "proxy-protocol-mismatch",
    "proxy-rate-limit-503",
    "proxy-read-timeout",
    "proxy-send-timeout",
    "proxy-temp-permission",
    "proxy-url-invalid",
    "proxy-worker-connections",
    "proxy-worker-killed",
    "reload-does-not-recreate-socket",
    "reload-drops-requests",
    "reload-kills-fpm",
    "remote-refused",
    "request-body-too-large-413",
    "request-header-too-big-for-app",
    "response-framing-conflict",
    "response-header-invalid",
    "response-header-too-big",
    "response-not-http",
    "response-truncated",
    "runtime-dir-missing",
    "selinux-name-connect",
    "selinux-unix-connectto",
    "stop-without-drain",
    "supervisor-fatal",
    "syn-queue-full",
    "systemd-sandbox-family",
    "tcp-accept-queue-full",
    "tcp-retransmit-timeout",
    "timeout-chain-inverted",
    "tls-cert-expired",
    "tls-client-cert-required",
    "tls-handshake-closed",
    "tls-handshake-timeout",
    "tls-name-mismatch",
    "tls-plain-to-https",
    "tls-sni-missing",
    "tls-to-plain-port",
    "tls-untrusted-ca",
    "tls-version-or-cipher",
    "unexpected-upgrade",
    "unit-not-enabled",
    "unix-backlog-full",
    "unix-socket-dir-permission",
    "unix-socket-path-mismatch",
    "unix-socket-permission",
    "unix-socket-private-tmp",
    "unix-socket-stale",
    "unix-socket-unlinked",
    "unix-socket-wrong-type",
    "upload-rejected-early",
    "upstream-addr-family",
    "upstream-all-banned",
    "upstream-all-down-marked",
    "upstream-bind-interface",
    "upstream-max-conns",
    "upstream-port-wrong",
    "upstream-sent-5xx",
];

/// Sorted by id. A file that cannot be read is left out; a test keeps that from happening.
static TEXTS: LazyLock<Vec<CauseText>> = LazyLock::new(|| {
    let read = |(_, text): &(&str, &str)| toml::from_str(text).ok();
    FILES.iter().filter_map(read).collect()
});

impl CauseText {
    /// Every cause, sorted by id.
    pub fn all() -> &'static [Self] {
        &TEXTS
    }

    /// The cause with this id.
    pub fn get(id: &str) -> Option<&'static Self> {
        let at = TEXTS.binary_search_by(|text| text.id.as_str().cmp(id)).ok()?;
        TEXTS.get(at)
    }

    /// Whether it explains another cause or symptom of the same subject.
    pub fn explains(&self, id: &str) -> bool {
        self.explains.iter().any(|other| other == id)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::evidence::Signatures;

    const SPINE: [&str; 36] = [
        "app-unit-stopped",
        "app-unit-failed-exit",
        "app-crash-signal",
        "app-killed-not-restarted",
        "app-restart-loop",
        "app-start-limit-hit",
        "app-config-invalid",
        "app-boot-failure",
        "app-worker-killed",
        "app-worker-segfault",
        "upstream-port-wrong",
        "upstream-addr-family",
        "app-port-in-use",
        "unix-socket-permission",
        "unix-socket-unlinked",
        "unix-socket-stale",
        "unix-socket-path-mismatch",
        "firewall-reject",
        "dns-server-failure",
        "dns-nxdomain",
        "tls-to-plain-port",
        "response-header-too-big",
        "fpm-max-children",
        "unix-backlog-full",
        "oom-cgroup-unit",
        "oom-global",
        "container-exited",
        "container-oomkilled",
        "container-restart-loop",
        "container-port-mapping-wrong",
        "container-listens-loopback",
        "container-paused",
        "upstream-sent-5xx",
        "proxy-read-timeout",
        "proxy-config-invalid",
        "proxy-not-running",
    ];

    const REMEDIES: [&str; 19] = [
        "start-program",
        "raise-open-files",
        "raise-tasks",
        "raise-container-memory",
        "start-enable-unit",
        "restart-policy",
        "open-directory",
        "start-unit",
        "restart-unit",
        "reload-gateway",
        "start-container",
        "restart-container",
        "unpause-container",
        "edit-config",
        "reset-failed-start",
        "raise-memory-limit",
        "fix-socket-permission",
        "enable-unit",
        "stop-port-owner",
    ];

    #[test]
    fn every_file_is_read_under_its_own_name() {
        for (name, text) in FILES {
            let read: CauseText = toml::from_str(text).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(read.id, *name);
        }
        let ids: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
        assert!(ids.is_sorted(), "the list must be sorted");
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
        let on_disk = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/causes"));
        assert_eq!(on_disk.unwrap().count(), ids.len(), "a file is not in the list");
    }

    #[test]
    fn the_spine_is_complete() {
        for id in SPINE {
            assert!(CauseText::get(id).is_some_and(|text| text.rule), "{id}");
        }
    }

    #[test]
    fn every_field_says_something() {
        for text in CauseText::all() {
            let id = &text.id;
            assert!((8..=60).contains(&text.title.chars().count()), "{id}");
            for field in [&text.what, &text.why_502, &text.tell_apart, &text.fix, &text.do_not] {
                assert!((12..=420).contains(&field.chars().count()), "{id}: {field}");
                assert!(field.ends_with('.') || field.ends_with('?'), "{id}: {field}");
            }
            assert!((4..=200).contains(&text.next_check.chars().count()), "{id}");
            assert_eq!(text.remedies.is_empty(), text.no_remedy.is_some(), "{id}");
        }
    }

    #[test]
    fn remedies_and_explained_ids_exist() {
        let mut known: BTreeSet<&str> = CauseText::all().iter().map(|t| t.id.as_str()).collect();
        known.extend(Signatures::embedded().all().map(|info| info.id.as_str()));
        for text in CauseText::all() {
            for id in &text.explains {
                assert!(known.contains(id.as_str()), "{} explains {id}", text.id);
                assert_ne!(*id, text.id);
            }
            for id in &text.remedies {
                assert!(REMEDIES.contains(&id.as_str()), "{} has {id}", text.id);
            }
        }
    }

    #[test]
    fn no_two_causes_explain_each_other() {
        for text in CauseText::all() {
            for other in text.explains.iter().filter_map(|id| CauseText::get(id)) {
                assert!(!other.explains(&text.id), "{} and {}", text.id, other.id);
            }
        }
    }
}
