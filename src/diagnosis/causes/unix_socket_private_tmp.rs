//! The socket lies in a /tmp that the gateway does not see.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::Origin,
};

use super::{
    rule::Rule,
    unix_socket::{gone, is_hidden},
};

pub(super) const RULE: Rule = Rule { cause: "unix-socket-private-tmp", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    gone(scene)
        .filter(|gone| is_hidden(gone.socket))
        .map(|gone| {
            let path = &gone.socket.path;
            let master = gone.chain.gateway.master.unwrap_or_default();
            let by = hidden_by(path.raw());
            let summary = format!(
                "{path} exists, but not in the file tree that the gateway sees ({by} or another \
                 mount)"
            );
            gone.finding(scene, RULE.cause, Confidence::Confirmed, summary)
                .with("a socket in the host's tree", Origin::Path(path.clone()), None)
                .with("no such file in the gateway's tree", Origin::Process(master), None)
                .with_some(gone.symptom(scene))
                .check("move the socket to /run (RuntimeDirectory= of the application's unit)")
        })
        .collect()
}

/// The setting of a unit that most likely hides a path (systemd.exec(5)).
fn hidden_by(path: &str) -> &'static str {
    let below = |top: &str| path.strip_prefix(top).is_some_and(|rest| rest.starts_with('/'));
    if ["/home", "/root", "/run/user"].into_iter().any(below) {
        "ProtectHome="
    } else if ["/tmp", "/var/tmp"].into_iter().any(below) {
        "PrivateTmp="
    } else {
        "InaccessiblePaths=, RootDirectory="
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{Confidence, testing::Host},
        observation::{SocketFile, SocketFileKind},
    };

    const AT: &str = "unix:/tmp/shop.sock";

    fn shop(change: impl FnOnce(&mut SocketFile)) -> Host {
        Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .socket("/tmp/shop.sock", SocketFileKind::Missing, change)
            .no_such_socket(10, AT)
    }

    #[test]
    fn a_socket_that_only_the_host_sees_is_hidden_from_the_gateway() {
        let host = shop(|f| f.kind_outside = Some(SocketFileKind::Socket));
        let found = host.root("unix-socket-private-tmp");
        assert_eq!(found.subject.path, Some("/tmp/shop.sock".into()));
        assert_eq!(found.confidence, Confidence::Confirmed);
        host.spares("unix-socket-unlinked");
    }

    #[test]
    fn a_socket_that_nobody_sees_was_removed() {
        let host = shop(|_| {});
        host.spares("unix-socket-private-tmp");
        host.root("unix-socket-unlinked");
    }
}
