//! The application listens on another socket path than the gateway names.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::topology::{Listening, Nearness, PeerState},
    observation::{Origin, Protocol},
};

use super::{
    rule::Rule,
    unix_socket::{gone, is_hidden},
};

pub(super) const RULE: Rule = Rule { cause: "unix-socket-path-mismatch", judge };

fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for gone in gone(scene).filter(|gone| gone.peer.state == PeerState::Down) {
        let (chain, peer, path) = (gone.chain, gone.peer, &gone.socket.path);
        let missed =
            peer.candidates.iter().any(|c| c.is_claimed() && c.unit.is_some_and(|u| !u.is_up()));
        if peer.listening != Listening::No || missed || is_hidden(gone.socket) {
            continue;
        }
        let mut others = peer.nearby.iter().filter(|near| {
            let unix = near.listener.address.path().is_some();
            let kin = match near.nearness {
                Nearness::SameDirectory => unix,
                // Another kind of socket is as good, when it is the same program's.
                Nearness::SameProgram => unix || !near.used,
                Nearness::SamePort | Nearness::OtherPort => false,
            };
            kin && (chain.upstream.protocol != Protocol::Fastcgi || speaks_fastcgi(near))
        });
        let Some(near) = others.next() else { continue };
        let rival = others.any(|other| other.used == near.used);
        let confidence = match (near.used, rival) {
            (false, false) => Confidence::Confirmed,
            _ => Confidence::Likely,
        };
        let who = near.unit.map_or_else(|| "an application".to_owned(), |u| u.name.to_string());
        let bound = &near.listener.address;
        let summary = format!("{} names {path}, {who} listens on {bound}", chain.upstream.place);
        let written = format!("the path is written here: {}", chain.upstream.written);
        let mut finding = gone
            .finding(scene, RULE.cause, confidence, summary)
            .with(written, Origin::Config(chain.upstream.place.clone()), None)
            .with("no such file", Origin::Path(path.clone()), None)
            .with(format!("{who} listens on {bound}"), Origin::Sockets, None)
            .with_some(gone.symptom(scene))
            .instead(bound)
            .check("write the path that exists into the configuration, test it, reload");
        finding.subject.unit = near.unit.map(|u| u.name.clone());
        found.push(finding);
    }
    found
}

fn speaks_fastcgi(near: &crate::evidence::topology::Nearby<'_>) -> bool {
    let fpm = |s: &str| s.contains("php") || s.contains("fcgi") || s.contains("fpm");
    near.process.is_none_or(|p| fpm(p.name.raw()) || fpm(p.command.raw()))
        || near.listener.address.path().is_some_and(fpm)
}

#[cfg(test)]
mod tests {
    use crate::{
        diagnosis::{
            Confidence,
            testing::{Host, name, unit},
        },
        observation::SocketFileKind,
    };

    const OLD: &str = "unix:/run/php/php8.1-fpm.sock";
    const NEW: &str = "unix:/run/php/php8.2-fpm.sock";

    fn upgraded() -> Host {
        Host::fastcgi(OLD)
            .socket("/run/php/php8.1-fpm.sock", SocketFileKind::Missing, |_| {})
            .unit(unit("php8.2-fpm.service").claims(NEW).up_since(80_000))
            .process(100, "php-fpm8.2", "php8.2-fpm.service")
            .listens(NEW, 100)
            .no_such_socket(10, OLD)
    }

    #[test]
    fn after_an_upgrade_the_new_socket_beside_the_old_path_is_shown() {
        let found = upgraded().root("unix-socket-path-mismatch");
        assert_eq!(found.subject.unit, Some(name("php8.2-fpm.service")));
        assert_eq!(found.subject.path, Some("/run/php/php8.1-fpm.sock".into()));
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.explains.contains(&"sym-unix-missing"));
    }

    #[test]
    fn a_stopped_unit_that_made_the_old_socket_is_the_better_name() {
        let host = upgraded().unit(unit("php8.1-fpm.service").claims(OLD).stopped(60));
        host.spares("unix-socket-path-mismatch");
        host.root("app-unit-stopped");
    }

    #[test]
    fn a_foreign_socket_in_the_same_directory_does_not_speak_fastcgi() {
        let old = "unix:/run/app/php8.1-fpm.sock";
        Host::fastcgi(old)
            .socket("/run/app/php8.1-fpm.sock", SocketFileKind::Missing, |_| {})
            .process(100, "cached", "cache.service")
            .listens("unix:/run/app/cache.sock", 100)
            .no_such_socket(10, old)
            .spares("unix-socket-path-mismatch");
    }
}
