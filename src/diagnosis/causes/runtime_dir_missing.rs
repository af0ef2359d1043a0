//! The directory of the socket is gone, so that the application cannot make its socket.

use crate::{
    diagnosis::{Confidence, Evidence, Finding, Scene},
    evidence::topology::Listening,
    observation::{Origin, SocketFileKind, UnitActive},
};

use super::{
    rule::{Rule, about_unit, missed_units},
    unix_socket::is_hidden,
};

pub(super) const RULE: Rule = Rule { cause: "runtime-dir-missing", judge };

/// An application that was started this many seconds ago would have made what it needs.
const START_SECS: i64 = 2;

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    missed_units(scene)
        .filter_map(|backing| {
            let unit = backing.who;
            let peers = backing.chains.iter().filter_map(|i| scene.chains.get(*i));
            // One that listens made its socket: the directory was removed under it, or is hidden
            // from the gateway only.
            let socket = peers
                .flat_map(|chain| &chain.peers)
                .filter(|peer| peer.listening != Listening::Yes)
                .filter_map(|peer| peer.socket)
                .find(|s| s.kind == SocketFileKind::ParentMissing && !is_hidden(s))?;
            let (directory, _) = socket.path.raw().rsplit_once('/')?;
            // systemd removes a RuntimeDirectory= when the unit ends: then it is a consequence.
            // The unit's own complaint, or a unit that runs without it, tells them apart.
            let tail = scene.case.logs.tails.get(&Origin::Journal(unit.name.clone()));
            let since = unit.exec_start.unwrap_or_default().minus_secs(2);
            let complaint = tail.and_then(|tail| {
                tail.iter().rev().filter(|line| line.at >= since).find(|line| {
                    let text = line.text.raw();
                    text.contains("No such file or directory")
                        || text.contains("FileNotFoundError")
                        || text.contains("ENOENT")
                })
            });
            let names_it = complaint.is_some_and(|line| line.text.raw().contains(directory));
            let old =
                unit.exec_start.is_some_and(|at| scene.now().since(at).as_secs() > START_SECS);
            let sure = match unit.active {
                UnitActive::Inactive => return None,
                _ if names_it => Confidence::Confirmed,
                UnitActive::Active | UnitActive::Reloading if old => Confidence::Confirmed,
                _ if complaint.is_some() => Confidence::Likely,
                _ => return None,
            };
            let summary = format!(
                "{directory} does not exist, so {} cannot make its socket {}",
                unit.name, socket.path
            );
            let mut finding = about_unit(scene, backing, RULE.cause, sure, summary)
                .with("no such directory", Origin::Path(socket.path.clone()), None)
                .check(format!("ls -ld {directory}; RuntimeDirectory= in the unit makes it"));
            finding.subject.path = Some(socket.path.clone());
            finding.evidence.extend(complaint.map(|line| Evidence {
                what: line.text.to_string().chars().take(240).collect(),
                origin: Origin::Journal(unit.name.clone()),
                at: Some(line.at),
            }));
            Some(finding)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, unit},
        },
        observation::SocketFileKind,
    };

    const AT: &str = "unix:/run/store/store.sock";
    const PATH: &str = "/run/store/store.sock";

    fn gone() -> Host {
        Host::passing_to(AT)
            .socket(PATH, SocketFileKind::ParentMissing, |_| ())
            .no_such_socket(5, AT)
    }

    #[test]
    fn a_directory_that_was_removed_under_a_listening_socket_is_a_removed_socket() {
        let host = gone().serves("store.service", AT, 100);
        host.spares("runtime-dir-missing");
        host.root("unix-socket-unlinked");
    }

    #[test]
    fn a_directory_that_only_the_gateway_does_not_see_is_not_missing() {
        let host = gone().serves("store.service", AT, 100);
        let host = host.socket(PATH, SocketFileKind::ParentMissing, |f| {
            f.kind_outside = Some(SocketFileKind::Socket);
        });
        host.spares("runtime-dir-missing");
        host.root("unix-socket-private-tmp");
    }

    #[test]
    fn a_unit_that_runs_without_the_directory_cannot_make_its_socket() {
        let host = gone().unit(unit("store.service").claims(AT).up_since(10));
        assert_eq!(host.root("runtime-dir-missing").confidence, Confidence::Confirmed);
        host.spares("app-boot-window");
    }

    #[test]
    fn a_directory_that_went_with_its_stopped_unit_is_a_consequence() {
        let host = gone().unit(unit("store.service").claims(AT).stopped(60));
        host.spares("runtime-dir-missing");
        host.root("app-unit-stopped");
    }

    #[test]
    fn a_failed_unit_is_believed_only_by_its_own_complaint() {
        let failed = || unit("store.service").claims(AT).exited(1, 20);
        gone().unit(failed()).spares("runtime-dir-missing");
        gone()
            .unit(failed())
            .said("store.service", 20, "bind: /run/store/store.sock: No such file or directory")
            .root("runtime-dir-missing");
    }
}
