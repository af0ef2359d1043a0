//! The gateway's worker may not write to the socket.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{Access, Origin},
};

use super::rule::Rule;

pub(super) const RULE: Rule = Rule { cause: "unix-socket-permission", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (chain, peer) in scene.peers() {
        let Some(socket) = peer.socket else { continue };
        let line = scene.facts_on(chain, &["sym-unix-eacces"]).next_back();
        let confidence = match (&socket.access, line) {
            (Access::SocketDenied, _) => Confidence::Confirmed,
            (Access::Unknown, Some(_)) => Confidence::Possible,
            _ => continue,
        };
        let worker = chain
            .gateway
            .worker_uid
            .map_or_else(|| "the worker".to_owned(), |uid| format!("the worker (uid {uid})"));
        let summary = format!(
            "{worker} may not write to {} (mode {:04o}, owner {}:{})",
            socket.path,
            socket.mode & 0o7777,
            socket.uid,
            socket.gid
        );
        let mut subject = scene.subject_of(chain);
        subject.path = Some(socket.path.clone());
        found.push(
            Finding::new(RULE.cause, confidence, summary)
                .about(subject)
                .with(
                    format!("mode {:04o}, uid {}, gid {}", socket.mode & 0o7777, socket.uid, socket.gid),
                    Origin::Path(socket.path.clone()),
                    None,
                )
                .with_some(line.map(Scene::quote))
                .since(line.map(|f| f.at).or(scene.incident.first))
                .check("set listen.owner, listen.group and listen.mode (php-fpm) or the umask of the application, then restart it; a reload does not change the socket"),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{Confidence, testing::Host},
        observation::{Access, SocketFileKind},
    };

    const AT: &str = "unix:/run/shop.sock";
    const DENIED: &str = "connect() to unix:/run/shop.sock failed (13: Permission denied) while connecting to upstream";

    fn shop(access: Access) -> Host {
        Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .socket("/run/shop.sock", SocketFileKind::Socket, |f| {
                f.mode = 0o140_600;
                f.uid = 1000;
                f.access = access;
            })
            .nginx(10, DENIED, AT)
    }

    #[test]
    fn a_socket_that_the_worker_may_not_write_is_told_with_mode_and_owner() {
        let found = shop(Access::SocketDenied).root("unix-socket-permission");
        assert_eq!(found.subject.path, Some("/run/shop.sock".into()));
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.summary.contains("mode 0600, owner 1000"), "{}", found.summary);
    }

    #[test]
    fn permissions_that_cannot_be_read_leave_it_possible() {
        let found = shop(Access::Unknown).root("unix-socket-permission");
        assert_eq!(found.confidence, Confidence::Possible);
    }

    #[test]
    fn where_the_mode_allows_it_something_else_denies() {
        shop(Access::Allowed).spares("unix-socket-permission");
    }
}
