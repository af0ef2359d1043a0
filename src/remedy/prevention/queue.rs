//! Whether a burst finds room to wait.

use crate::{
    diagnosis::{FindingSubject, Scene},
    evidence::topology::{Chain, Peer},
    observation::Origin,
};

use super::{
    item::{Precaution, Row, Standing},
    route,
};

pub(super) const ROW: Row = Row {
    id: "queue",
    title: "Room for a burst in the accept queue",
    why: "A moment of many requests is then slow instead of refused.",
    against: &[
        "unix-backlog-full",
        "tcp-accept-queue-full",
        "app-backlog-full",
        "fpm-max-children",
        "syn-queue-full",
        "haproxy-queue-timeout",
        "apache-max-workers",
    ],
};

/// Fewer than the kernel's default for a very long time (`net.core.somaxconn` before Linux 5.4).
const LEAST: u32 = 128;
/// What nginx and php-fpm ask for by themselves.
const USUAL: u32 = 511;

pub(super) fn judge(scene: &Scene<'_>, blamed: Option<&FindingSubject>) -> Vec<Precaution> {
    route::distinct(scene, blamed).into_iter().filter_map(one).collect()
}

fn one(chain: &Chain<'_>) -> Option<Precaution> {
    let local = chain.peers.iter().find(|peer| peer.local)?;
    let whom = route::whom(chain);
    let Some(listener) = local.listener else {
        return Some(ROW.unseen(whom, "nothing listens there, so its queue was not seen"));
    };
    let Some(limit) = listener.backlog else {
        return Some(ROW.unseen(whom, "the limit of its queue cannot be seen"));
    };
    let said = format!("{} waits for at most {limit} connections", local.address);
    if local.queue_full() {
        let waiting = listener.queue.unwrap_or(limit);
        let row = ROW
            .of(whom, Standing::Lacking)
            .says(format!("{said}, and {waiting} waited"), Some(Origin::Sockets));
        return Some(added(row, local, limit.saturating_mul(4).max(USUAL)));
    }
    if limit < LEAST {
        let row = ROW.of(whom, Standing::Lacking).says(said, Some(Origin::Sockets));
        return Some(added(row, local, USUAL));
    }
    Some(ROW.of(whom, Standing::Present).says(said, Some(Origin::Sockets)))
}

fn added(row: Precaution, peer: &Peer<'_>, limit: u32) -> Precaution {
    let pool =
        peer.unit.and_then(|unit| unit.pools.iter().find(|pool| pool.listen == peer.address));
    let program = peer.processes.first().map(|process| process.name.raw().to_owned());
    let program = program.unwrap_or_default();
    let row = match (pool, program.as_str()) {
        (Some(pool), _) => {
            row.add(pool.place.to_string(), vec![format!("listen.backlog = {limit}")])
        }
        (None, name) if name.starts_with("gunicorn") => {
            row.add("its command line", vec![format!("--backlog {limit}")])
        }
        (None, name) if name.starts_with("uwsgi") => {
            row.add("its ini file", vec![format!("listen = {limit}")])
        }
        (None, name) if name.starts_with("uvicorn") => {
            row.add("its command line", vec![format!("--backlog {limit}")])
        }
        (None, name) if name.starts_with("node") => row.add(
            "its call of listen",
            vec![format!("server.listen({{ port, backlog: {limit} }})")],
        ),
        _ => row.add("its call of listen(2)", vec![format!("listen(socket, {limit})")]),
    };
    row.then(format!("sysctl -w net.core.somaxconn={}", limit.max(4_096)))
        .mind("A longer queue carries a burst; it does not make a program faster that is too slow all the time.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::testing::Host;

    const AT: &str = "127.0.0.1:8000";

    fn row(queue: Option<u32>, backlog: Option<u32>) -> Precaution {
        let host = Host::passing_to(AT).process(100, "gunicorn", "shop.service").listens_with(
            AT,
            100,
            |l| (l.queue, l.backlog) = (queue, backlog),
        );
        host.look(|scene| judge(scene, None)).remove(0)
    }

    #[test]
    fn a_full_queue_and_a_short_one_are_lacking_room() {
        let full = row(Some(200), Some(200));
        assert_eq!(full.standing, Standing::Lacking);
        assert_eq!(full.add.unwrap().lines, ["--backlog 800"]);
        assert_eq!(row(Some(0), Some(5)).standing, Standing::Lacking);
    }

    #[test]
    fn a_long_queue_is_room_and_an_unseen_one_is_unknown() {
        assert_eq!(row(Some(0), Some(2_048)).standing, Standing::Present);
        assert_eq!(row(None, None).standing, Standing::Unknown);
        let nobody = Host::passing_to(AT).look(|scene| judge(scene, None)).remove(0);
        assert_eq!(nobody.standing, Standing::Unknown);
    }
}
