//! Whether another server takes over.

use crate::{
    diagnosis::{FindingSubject, Scene},
    evidence::topology::Chain,
    observation::GatewayKind,
};

use super::{
    item::{Precaution, Row, Standing},
    route,
};

pub(super) const ROW: Row = Row {
    id: "spare",
    title: "A second server",
    why: "While one is down or is being deployed, the other answers.",
    against: &[
        "app-unit-stopped",
        "app-stopped-by-operator",
        "app-unit-failed-exit",
        "app-killed-not-restarted",
        "app-crash-signal",
        "app-restart-loop",
        "app-boot-window",
        "app-frozen",
        "container-exited",
        "container-restart-loop",
        "stop-without-drain",
        "remote-refused",
        "host-down-arp",
    ],
};

pub(super) fn judge(scene: &Scene<'_>, blamed: Option<&FindingSubject>) -> Vec<Precaution> {
    route::distinct(scene, blamed).into_iter().map(|chain| one(scene, chain)).collect()
}

fn one(scene: &Scene<'_>, chain: &Chain<'_>) -> Precaution {
    let whom = route::whom(chain);
    let at = Some(route::place(chain));
    if chain.upstream.address.is_none() {
        return ROW.unseen(whom, "a variable decides where requests go");
    }
    let serving = route::members(scene, chain).filter(|one| !one.upstream.params.down);
    let (mut servers, mut addresses) = (0_usize, 0_usize);
    for member in serving {
        servers += 1;
        addresses += member.peers.len().max(1);
    }
    if servers > 1 {
        return ROW
            .of(whom, Standing::Present)
            .says(format!("{servers} servers take its requests"), at);
    }
    if addresses > 1 {
        return ROW
            .of(whom, Standing::Present)
            .says(format!("its name leads to {addresses} addresses"), at);
    }
    let row = ROW.of(whom, Standing::Lacking).says("one server takes all of its requests", at);
    let place = chain.upstream.place.to_string();
    let line = match chain.gateway.kind {
        GatewayKind::Nginx if chain.upstream.group.is_some() => {
            "server ADDRESS_OF_THE_SECOND;".to_owned()
        }
        GatewayKind::Nginx => format!(
            "upstream backend {{ server {}; server ADDRESS_OF_THE_SECOND; }}",
            chain
                .upstream
                .address
                .as_ref()
                .map_or_else(|| chain.upstream.written.to_string(), ToString::to_string)
        ),
        GatewayKind::Apache => "BalancerMember ADDRESS_OF_THE_SECOND".to_owned(),
        GatewayKind::Haproxy => "server second ADDRESS_OF_THE_SECOND check".to_owned(),
        GatewayKind::Caddy => {
            format!("reverse_proxy {} ADDRESS_OF_THE_SECOND", chain.upstream.written)
        }
        GatewayKind::Traefik => "- url: ADDRESS_OF_THE_SECOND".to_owned(),
        GatewayKind::Envoy => "one more of lb_endpoints".to_owned(),
    };
    row.add(place, vec![line])
        .mind("Both must share sessions and files, or it must not matter which one answers.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::testing::Host;

    fn row(host: &Host) -> Precaution {
        host.look(|scene| judge(scene, None)).remove(0)
    }

    #[test]
    fn one_server_alone_lacks_a_second() {
        let row = row(&Host::passing_to("127.0.0.1:8000"));
        assert_eq!(row.standing, Standing::Lacking);
        assert!(row.add.unwrap().lines[0].contains("server 127.0.0.1:8000; server ADDRESS"));
    }

    #[test]
    fn a_group_of_two_has_one_and_a_group_with_one_marked_down_has_not() {
        let two = Host::new().group("pool", &["127.0.0.1:1", "127.0.0.1:2"]);
        assert_eq!(row(&two).standing, Standing::Present);
        let one = two.config(|c| c.upstreams[1].params.down = true);
        assert_eq!(row(&one).standing, Standing::Lacking);
    }

    #[test]
    fn what_a_variable_decides_is_unknown() {
        let host = Host::new().upstream_with("127.0.0.1:1", |u| u.address = None);
        assert_eq!(row(&host).standing, Standing::Unknown);
    }
}
