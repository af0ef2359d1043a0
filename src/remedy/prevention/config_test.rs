//! Whether what is on disk was tested, and is what runs.

use crate::{
    diagnosis::Scene,
    observation::{Gateway, GatewayKind, Origin, Place, ProblemKind},
};

use super::{
    item::{Precaution, Row, Standing},
    kept::typed,
};

pub(super) const ROW: Row = Row {
    id: "config-test",
    title: "A configuration that was tested and loaded",
    why: "The next restart, wanted or not, does not end in an outage.",
    against: &[
        "proxy-config-invalid",
        "config-not-reloaded",
        "proxy-not-running",
        "proxy-no-workers",
        "proxy-url-invalid",
        "upstream-port-wrong",
        "unix-socket-path-mismatch",
        "apache-module-missing",
        "apache-ssl-proxy-off",
        "app-config-invalid",
        "reload-kills-fpm",
    ],
};

/// Gateways that are judged.
const MOST: usize = 12;

pub(super) fn judge(scene: &Scene<'_>) -> Vec<Precaution> {
    scene.case.gateways.values().take(MOST).map(|gateway| one(scene, gateway)).collect()
}

fn one(scene: &Scene<'_>, gateway: &Gateway) -> Precaution {
    let whom = gateway.id.to_string();
    let Some(config) = scene.case.configs.get(&gateway.id) else {
        return added(ROW.unseen(whom, "its configuration could not be read"), gateway);
    };
    let file = Place { file: gateway.config.clone(), line: 0 };
    let refused = config.problems.iter().find(|problem| problem.kind == ProblemKind::Syntax);
    if let Some(problem) = refused {
        let row = ROW.of(whom, Standing::Lacking).says(
            format!("what is on disk would be refused: {}", problem.what),
            Some(Origin::Config(problem.place.clone())),
        );
        return added(row, gateway);
    }
    if let Some(at) = config.modified.filter(|at| gateway.running && gateway.missed(*at)) {
        let row = ROW.of(whom, Standing::Lacking).says(
            format!("it was changed {at} and not loaded since: what a restart makes of it is open"),
            Some(Origin::Config(file)),
        );
        return added(row, gateway);
    }
    if config
        .problems
        .iter()
        .any(|p| matches!(p.kind, ProblemKind::Unreadable | ProblemKind::TooMuch))
    {
        return added(ROW.unseen(whom, "not all of its configuration could be read"), gateway);
    }
    ROW.of(whom, Standing::Present)
        .says(
            "what is on disk shows no error, and nothing is newer than what runs",
            Some(Origin::Config(file)),
        )
        .says("whether changes are tried on another host first cannot be seen from here", None)
}

fn added(row: Precaution, gateway: &Gateway) -> Precaution {
    let config = gateway.config.raw();
    let test = match gateway.kind {
        GatewayKind::Nginx => typed(&["nginx", "-t", "-c", config]),
        GatewayKind::Apache => "apachectl configtest".to_owned(),
        GatewayKind::Haproxy => typed(&["haproxy", "-c", "-f", config]),
        GatewayKind::Caddy => typed(&["caddy", "validate", "--config", config]),
        GatewayKind::Envoy => typed(&["envoy", "--mode", "validate", "-c", config]),
        // It takes its files in by itself, and has no test.
        GatewayKind::Traefik => return row,
    };
    let unit = gateway.unit.as_ref().map(crate::observation::UnitName::as_str);
    let reload = unit.map(|unit| typed(&["systemctl", "reload", unit]));
    let line = reload.map_or_else(|| test.clone(), |reload| format!("{test} && {reload}"));
    row.add("the way by which changes reach this host", vec![line])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        diagnosis::testing::{Host, ago},
        observation::ConfigProblem,
    };

    const AT: &str = "127.0.0.1:8000";

    fn row(host: &Host) -> Precaution {
        host.look(judge).remove(0)
    }

    #[test]
    fn a_file_that_would_be_refused_is_lacking_the_test() {
        let problem = ConfigProblem {
            kind: ProblemKind::Syntax,
            place: Place { file: "/etc/nginx/nginx.conf".into(), line: 7 },
            what: "unexpected \"}\"".into(),
        };
        let row = row(&Host::passing_to(AT).config(|c| c.problems.push(problem)));
        assert_eq!(row.standing, Standing::Lacking);
        let line = &row.add.unwrap().lines[0];
        assert_eq!(line, "nginx -t -c /etc/nginx/nginx.conf && systemctl reload nginx.service");
    }

    #[test]
    fn a_change_that_was_never_loaded_is_open() {
        let row = row(&Host::passing_to(AT).config(|c| c.modified = Some(ago(60))));
        assert_eq!(row.standing, Standing::Lacking);
        assert!(row.evidence[0].what.contains("not loaded since"));
    }

    #[test]
    fn an_old_file_without_an_error_is_in_order_and_one_that_cannot_be_read_unknown() {
        assert_eq!(row(&Host::passing_to(AT)).standing, Standing::Present);
        let problem = ConfigProblem {
            kind: ProblemKind::Unreadable,
            place: Place::default(),
            what: "permission denied".into(),
        };
        let row = row(&Host::passing_to(AT).config(|c| c.problems.push(problem)));
        assert_eq!(row.standing, Standing::Unknown);
    }
}
