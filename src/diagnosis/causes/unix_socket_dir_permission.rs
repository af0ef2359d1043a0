//! The gateway's worker may not enter a directory on the way to the socket.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    observation::{Access, Origin},
};

use super::{
    rule::Rule,
    unix_socket::{is_gone, is_hidden},
};

pub(super) const RULE: Rule = Rule { cause: "unix-socket-dir-permission", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (chain, peer) in scene.peers() {
        let Some(socket) = peer.socket else { continue };
        // Where the gateway has mounts of its own in place of the directory, no right helps.
        if is_gone(socket) && is_hidden(socket) {
            continue;
        }
        let Access::DirectoryDenied(dir) = &socket.access else { continue };
        let line = scene.facts_on(chain, &["sym-unix-eacces"]).next_back();
        let mut subject = scene.subject_of(chain);
        subject.path = Some(dir.clone());
        found.push(
            Finding::new(
                RULE.cause,
                Confidence::Confirmed,
                format!("the worker may not enter {dir}, so it cannot reach {}", socket.path),
            )
            .about(subject)
            .with(
                format!("{dir} lacks search permission for the worker"),
                Origin::Path(dir.clone()),
                None,
            )
            .with_some(line.map(Scene::quote))
            .since(line.map(|f| f.at).or(scene.incident.first))
            .check(format!("namei -l {}", socket.path)),
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

    const AT: &str = "unix:/run/shop/app.sock";
    const DENIED: &str = "connect() to unix:/run/shop/app.sock failed (13: Permission denied) while connecting to upstream";

    fn shop(access: Access) -> Host {
        Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .socket("/run/shop/app.sock", SocketFileKind::Socket, |f| f.access = access)
            .nginx(10, DENIED, AT)
    }

    #[test]
    fn a_directory_that_the_gateways_own_unit_hides_lacks_no_right() {
        let host = Host::passing_to(AT)
            .serves("shop.service", AT, 100)
            .socket("/run/shop/app.sock", SocketFileKind::ParentMissing, |f| {
                f.access = Access::DirectoryDenied("/run/shop".into());
                f.kind_outside = Some(SocketFileKind::Socket);
            })
            .nginx(10, DENIED, AT);
        host.spares("unix-socket-dir-permission");
        host.root("unix-socket-private-tmp");
    }

    #[test]
    fn the_directory_that_the_worker_may_not_enter_is_named() {
        let host = shop(Access::DirectoryDenied("/run/shop".into()));
        let found = host.root("unix-socket-dir-permission");
        assert_eq!(found.subject.path, Some("/run/shop".into()));
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.explains.contains(&"sym-unix-eacces"));
        host.spares("unix-socket-permission");
    }

    #[test]
    fn a_socket_without_write_permission_is_the_other_cause() {
        shop(Access::SocketDenied).spares("unix-socket-dir-permission");
    }
}
