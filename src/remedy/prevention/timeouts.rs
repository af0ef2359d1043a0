//! Whether each waits longer than the one behind it: client, balancer, proxy, application.

use crate::{
    diagnosis::{FindingSubject, Scene},
    evidence::topology::{Chain, next_gateway},
    observation::{GatewayKind, Origin, Place, Unit},
};

use super::{
    item::{Precaution, Row, Standing},
    route,
};

pub(super) const ROW: Row = Row {
    id: "timeouts",
    title: "Each waits longer than the one behind it",
    why: "The one nearest to the trouble then gives up first, and its log says why.",
    against: &[
        "proxy-read-timeout",
        "timeout-chain-inverted",
        "app-request-timeout-kill",
        "lb-target-timeout",
        "php-max-execution-time",
        "kernel-connect-timeout",
        "client-abort-499",
    ],
};

/// Gunicorn's own default (`timeout`, docs.gunicorn.org/en/stable/settings.html).
const GUNICORN_SECS: u64 = 30;

pub(super) fn judge(scene: &Scene<'_>, blamed: Option<&FindingSubject>) -> Vec<Precaution> {
    route::distinct(scene, blamed).into_iter().map(|chain| one(scene, chain)).collect()
}

fn one(scene: &Scene<'_>, chain: &Chain<'_>) -> Precaution {
    let whom = route::whom(chain);
    let outer = chain.upstream.timeouts.read.value;
    if outer == 0 {
        return ROW.unseen(whom, "how long its gateway waits for an answer is not known");
    }
    let kind = chain.gateway.kind.as_str();
    let waits = format!("{kind} waits {} for an answer", secs(outer));
    let place = chain.upstream.timeouts.read.place.clone();
    let origin = Some(Origin::Config(place.unwrap_or_else(|| chain.upstream.place.clone())));
    let behind = next_gateway(scene.case, chain).and_then(|inner| {
        let own =
            scene.chains.iter().filter(|c| c.gateway.id == inner.id && !std::ptr::eq(*c, chain));
        let slowest = own.max_by_key(|c| c.upstream.timeouts.read.value)?;
        let place = slowest.upstream.timeouts.read.place.clone();
        let at = Origin::Config(place.unwrap_or_else(|| slowest.upstream.place.clone()));
        let ms = slowest.upstream.timeouts.read.value;
        let words = format!("{} behind it waits {}", inner.kind.as_str(), secs(ms));
        Some((ms, words, at))
    });
    let application = chain.peers.iter().find_map(|peer| {
        let unit = peer.responsible_unit()?;
        let (secs, words) = own_limit(unit)?;
        Some((secs * 1_000, words, Origin::Systemd(unit.name.clone())))
    });
    let Some((inner, words, at)) = behind.or(application) else {
        return ROW
            .unseen(whom, "after what time the application gives up by itself is not seen")
            .says(waits, origin);
    };
    if outer > inner {
        return ROW.of(whom, Standing::Present).says(waits, origin).says(words, Some(at));
    }
    let longer = inner / 1_000 + 5;
    ROW.of(whom, Standing::Lacking)
        .says(waits, origin)
        .says(words, Some(at))
        .add(
            where_set(chain),
            vec![route::read_timeout(chain.gateway.kind, chain.upstream.protocol, longer)],
        )
        .mind("Better still is a shorter limit behind it: a client does not wait longer either.")
}

/// The place that sets it, or the one below which it belongs.
fn where_set(chain: &Chain<'_>) -> String {
    let route = chain.upstream.routes.first().map(|route| &route.place);
    let set = chain.upstream.timeouts.read.place.as_ref();
    let shown = |place: &Place| place.to_string();
    match (set, route, chain.gateway.kind) {
        (Some(set), _, _) => shown(set),
        (None, Some(route), GatewayKind::Nginx) => format!("beside {}", shown(route)),
        _ => shown(&chain.upstream.place),
    }
}

/// After how many seconds an application ends a request by itself, as its command line says.
fn own_limit(unit: &Unit) -> Option<(u64, String)> {
    let words: Vec<&str> =
        unit.commands.iter().flat_map(|command| command.raw().split_whitespace()).collect();
    let is = |name: &str| words.iter().any(|word| word.rsplit('/').next() == Some(name));
    let value = |flags: &[&str]| {
        words.iter().enumerate().find_map(|(at, word)| {
            let joined = flags.iter().find_map(|flag| word.strip_prefix(flag)?.strip_prefix('='));
            let own = flags.contains(word).then(|| words.get(at + 1).copied()).flatten();
            joined.or(own)?.parse::<u64>().ok()
        })
    };
    if is("gunicorn") {
        return match value(&["--timeout", "-t"]) {
            Some(0) => None,
            Some(secs) => Some((secs, format!("gunicorn ends a worker after {secs} s"))),
            None => Some((
                GUNICORN_SECS,
                format!("gunicorn ends a worker after {GUNICORN_SECS} s, its default"),
            )),
        };
    }
    if is("uwsgi") {
        let secs = value(&["--harakiri", "-t"])?;
        return Some((secs, format!("uWSGI ends a request after {secs} s")));
    }
    None
}

fn secs(ms: u64) -> String {
    if ms.is_multiple_of(1_000) { format!("{} s", ms / 1_000) } else { format!("{ms} ms") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::testing::{Host, unit},
        observation::{Setting, Timeouts},
    };

    const AT: &str = "127.0.0.1:8000";

    fn row(read_ms: u64, command: &str) -> Precaution {
        let read = Setting { value: read_ms, place: None };
        let host = Host::new()
            .upstream_with(AT, |u| u.timeouts = Timeouts { read, ..Timeouts::default() })
            .unit(unit("shop.service").claims(AT).with(|u| u.commands = vec![command.into()]));
        host.look(|scene| judge(scene, None)).remove(0)
    }

    #[test]
    fn an_application_that_works_longer_than_the_gateway_waits_is_told_the_line() {
        let row = row(60_000, "/usr/bin/gunicorn --timeout 120 app:app");
        assert_eq!(row.standing, Standing::Lacking);
        assert_eq!(row.add.unwrap().lines, ["proxy_read_timeout 125s;"]);
    }

    #[test]
    fn the_default_of_gunicorn_is_shorter_than_the_default_of_nginx() {
        let row = row(60_000, "/usr/bin/gunicorn app:app");
        assert_eq!(row.standing, Standing::Present);
        assert!(row.evidence[1].what.contains("its default"));
    }

    #[test]
    fn an_application_that_does_not_say_is_unknown() {
        assert_eq!(row(60_000, "/srv/app").standing, Standing::Unknown);
        assert_eq!(row(0, "/usr/bin/gunicorn app:app").standing, Standing::Unknown);
    }

    #[test]
    fn a_gateway_behind_a_gateway_must_wait_less() {
        let read =
            |ms| Timeouts { read: Setting { value: ms, place: None }, ..Timeouts::default() };
        let two = |outer, inner| {
            Host::new()
                .upstream_with("127.0.0.1:8081", |u| u.timeouts = read(outer))
                .upstream_with(AT, |u| u.timeouts = read(inner))
                .listens("127.0.0.1:8081", 11)
                .look(|scene| judge(scene, None))
                .into_iter()
                .find(|row| row.whom.contains("8081"))
                .unwrap()
                .standing
        };
        assert_eq!(two(2_000, 60_000), Standing::Lacking);
        assert_eq!(two(60_000, 2_000), Standing::Present);
    }
}
