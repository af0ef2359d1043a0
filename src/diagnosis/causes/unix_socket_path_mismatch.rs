//! The application listens on another socket path than the gateway names.

use crate::{
    diagnosis::{Confidence, Finding, Scene},
    evidence::topology::{Chain, Listening, Nearness, Peer, PeerState},
    observation::{Origin, Protocol, Unit},
};

use super::{
    rule::Rule,
    unix_socket::{Gone, gone, is_hidden},
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
        let Some(near) = others.next() else {
            found.extend(namesake(scene, &gone));
            continue;
        };
        let rival = others.any(|other| other.used == near.used);
        // A socket that other places use is another pool's, unless only the version differs.
        let other_pool = chain.upstream.protocol == Protocol::Fastcgi
            && near.used
            && near.listener.address.path().is_some_and(|bound| !is_kin(bound, path.raw()));
        let confidence = match (near.used, rival) {
            (false, false) => Confidence::Confirmed,
            _ if other_pool => Confidence::Possible,
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
    found.extend(in_a_root_of_its_own(scene));
    found
}

/// The only listening socket of the same name in another folder, which no upstream leads to:
/// `/run/gunicorn.sock` where `/run/gunicorn/gunicorn.sock` is written.
fn namesake<'a>(scene: &Scene<'a>, gone: &Gone<'_, 'a>) -> Option<Finding> {
    let path = gone.socket.path.raw();
    let (_, file) = path.rsplit_once('/')?;
    let table = &scene.case.listeners.get(&scene.case.netns_of(gone.chain.gateway)?)?.value;
    let mut alike = table.listeners.iter().filter(|listener| {
        let bound = listener.address.path().filter(|bound| bound.starts_with('/'));
        let same = bound.and_then(|bound| bound.rsplit_once('/')).is_some_and(|(_, f)| f == file);
        listener.stream && same && scene.chains_at(&listener.address).next().is_none()
    });
    let other = &alike.next().filter(|_| alike.next().is_none())?.address;
    let claims = |unit: &&Unit| unit.claims.iter().any(|claim| claim.address == *other);
    let unit = scene.case.units.values().find(claims);
    let who = unit.map_or_else(|| "a program".to_owned(), |unit| unit.name.to_string());
    let place = &gone.chain.upstream.place;
    let summary = format!("{place} names {path}, {who} listens on {other}");
    let mut finding = gone
        .finding(scene, RULE.cause, Confidence::Likely, summary)
        .with(
            format!("the path is written here: {}", gone.chain.upstream.written),
            Origin::Config(place.clone()),
            None,
        )
        .with(format!("a socket of the same name listens: {other}"), Origin::Sockets, None)
        .with_some(gone.symptom(scene))
        .instead(other)
        .check("is it the one that is meant? Then write its path into the configuration");
    finding.subject.unit = unit.map(|unit| unit.name.clone());
    Some(finding)
}

/// A gateway that looks for the path below a root of its own (`chroot` of HAProxy), while the
/// application's socket is where the path is written.
fn in_a_root_of_its_own(scene: &Scene<'_>) -> Vec<Finding> {
    scene.down().filter_map(|(chain, peer)| below_its_root(scene, chain, peer)).collect()
}

fn below_its_root<'a>(scene: &Scene<'a>, chain: &Chain<'a>, peer: &Peer<'a>) -> Option<Finding> {
    let asked = peer.address.path().filter(|_| peer.listening == Listening::No)?;
    let words = chain.upstream.written.raw();
    let written = words.get(words.find('/')?..)?.split_whitespace().next()?;
    let root = asked.strip_suffix(written).filter(|root| root.starts_with('/'))?;
    let tables = scene.case.listeners.values().flat_map(|table| &table.value.listeners);
    let bound = tables.filter(|l| l.stream).find(|l| l.address.path() == Some(written))?;
    let gateway = chain.gateway.kind.as_str();
    let summary =
        format!("{gateway} looks for {written} below its own root {root}, where no such socket is");
    let mut finding = Finding::new(RULE.cause, Confidence::Confirmed, summary)
        .about(scene.subject_of(chain))
        .with(
            format!("the path is written here: {words}"),
            Origin::Config(chain.upstream.place.clone()),
            None,
        )
        .with(format!("nothing listens on {}", peer.address), Origin::Sockets, None)
        .with(format!("a socket listens on {}", bound.address), Origin::Sockets, None)
        .with_some(scene.symptom(&[chain.index]))
        .since(scene.incident.first)
        .check(format!(
            "make the application listen below {root} too, or run {gateway} without chroot"
        ));
    finding.subject.path = Some(written.into());
    Some(finding)
}

/// Whether two sockets have the same name but for digits and punctuation: `php8.1-fpm.sock` and
/// `php-fpm.sock`.
fn is_kin(a: &str, b: &str) -> bool {
    let name = |path: &str| -> String {
        let file = path.rsplit('/').next().unwrap_or(path);
        file.chars().filter(char::is_ascii_alphabetic).collect()
    };
    name(a) == name(b)
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
    fn the_only_socket_of_the_same_name_in_another_folder_is_likely_meant() {
        const WANTED: &str = "unix:/run/gunicorn/gunicorn.sock";
        let host = Host::passing_to(WANTED)
            .socket("/run/gunicorn/gunicorn.sock", SocketFileKind::ParentMissing, |_| {})
            .unit(unit("gunicorn.socket").claims("unix:/run/gunicorn.sock").up_since(80_000))
            .listens("unix:/run/gunicorn.sock", 1)
            .no_such_socket(10, WANTED);
        let found = host.root("unix-socket-path-mismatch");
        assert_eq!(found.confidence, Confidence::Likely);
        assert_eq!(found.subject.unit, Some(name("gunicorn.socket")));
        let two = host.clone().listens("unix:/srv/gunicorn.sock", 2);
        two.spares("unix-socket-path-mismatch");
        host.upstream("unix:/run/gunicorn.sock").spares("unix-socket-path-mismatch");
    }

    #[test]
    fn the_socket_of_another_pool_is_at_most_possible() {
        const BLOG: &str = "unix:/run/php/blog.sock";
        let host = Host::fastcgi(BLOG)
            .upstream_with(NEW, |u| u.protocol = crate::observation::Protocol::Fastcgi)
            .socket("/run/php/blog.sock", SocketFileKind::Missing, |_| {})
            .unit(unit("php8.2-fpm.service").claims(NEW).up_since(80_000))
            .process(100, "php-fpm8.2", "php8.2-fpm.service")
            .listens(NEW, 100)
            .no_such_socket(10, BLOG);
        let all = host.diagnose().findings;
        let found = all.iter().find(|f| f.cause == "unix-socket-path-mismatch").expect("it");
        assert_eq!(found.confidence, Confidence::Possible);
        let used = upgraded().upstream_with(NEW, |u| {
            u.protocol = crate::observation::Protocol::Fastcgi;
        });
        assert_eq!(used.root("unix-socket-path-mismatch").confidence, Confidence::Likely);
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

    /// The path as it is written, and what becomes of it below the gateway's root.
    fn chrooted(listens: &str) -> Host {
        Host::new()
            .upstream_with("unix:/var/lib/haproxy/run/wiki/http.sock", |u| {
                u.written = "unix@/run/wiki/http.sock".into();
            })
            .process(100, "gunicorn", "wiki.service")
            .listens(listens, 100)
    }

    #[test]
    fn a_gateway_in_a_root_of_its_own_looks_elsewhere_than_written() {
        let host = chrooted("unix:/run/wiki/http.sock");
        let found = host.root("unix-socket-path-mismatch");
        assert_eq!(found.confidence, Confidence::Confirmed);
        assert!(found.summary.contains("/var/lib/haproxy"), "{}", found.summary);
        assert!(found.instead.is_none());
        chrooted("unix:/run/wiki/other.sock").spares("unix-socket-path-mismatch");
        chrooted("unix:/var/lib/haproxy/run/wiki/http.sock").spares("unix-socket-path-mismatch");
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
