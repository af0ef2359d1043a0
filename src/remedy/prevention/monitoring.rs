//! Whether somebody is told.

use crate::{
    diagnosis::Scene,
    observation::{Origin, SourceId, Unit, Wall},
};

use super::item::{Precaution, Row, Standing};

pub(super) const ROW: Row = Row {
    id: "monitoring",
    title: "Somebody is told when requests fail",
    why: "Most of the time of an outage is the time until somebody knows.",
    against: &[],
};

/// A look so much later than the first failure was late, in seconds.
const LATE_SECS: i64 = 120;

/// Agents of monitoring systems, by the beginning of the names of their units and processes.
const AGENTS: &[&str] = &[
    "prometheus",
    "node_exporter",
    "nginx-prometheus-exporter",
    "nginx_exporter",
    "grafana-agent",
    "alloy",
    "telegraf",
    "netdata",
    "zabbix-agent",
    "zabbix_agent",
    "datadog-agent",
    "newrelic-infra",
    "nagios",
    "nrpe",
    "icinga2",
    "check_mk",
    "check-mk-agent",
    "cmk-agent",
    "collectd",
    "monit",
    "munin-node",
    "amazon-cloudwatch-agent",
    "otelcol",
    "opentelemetry-collector",
    "google-cloud-ops-agent",
    "vector",
    "fluent-bit",
    "fluentd",
    "filebeat",
    "metricbeat",
    "dynatrace",
    "oneagent",
    "splunk",
    "uptime-kuma",
    "sensu-agent",
    "pcp",
    "pmcd",
    "beszel",
];

pub(super) fn judge(scene: &Scene<'_>, seen: Option<Wall>) -> Vec<Precaution> {
    let case = scene.case;
    let units = case.units.values().filter(|unit| unit.is_up()).filter(|unit| is_agent(unit));
    let agents: Vec<&Unit> = units.collect();
    let row = match agents.first() {
        Some(agent) => ROW
            .of("this host", Standing::Present)
            .says(format!("{} runs", agent.name), Some(Origin::Systemd(agent.name.clone())))
            .says("whether it alerts on failing requests cannot be seen from here", None),
        None if case.is_blind(SourceId::Units) => {
            ROW.unseen("this host", "systemd is out of sight")
        }
        None => ROW.unseen(
            "this host",
            "no agent that is known here runs as a unit; a monitor elsewhere cannot be seen from here",
        ),
    };
    let delay = scene.incident.first.zip(seen).map(|(first, seen)| seen.since(first).as_secs());
    let late = delay.filter(|secs| *secs >= LATE_SECS);
    let mut row = match late {
        Some(secs) => row.says(
            format!("this incident was first looked at {} min after its first failure", secs / 60),
            None,
        ),
        None => row,
    };
    if row.standing != Standing::Present {
        row = row
            .add(
                "/etc/cron.d/gatemedic",
                vec![
                    "*/2 * * * * root out=$(gatemedic diagnose) || printf '%s\\n' \"$out\" | \
                     mail -s \"gateway on $(hostname)\" root"
                        .to_owned(),
                ],
            )
            .mind(
                "Let something outside ask a page of the site every minute as well: this host \
                 cannot tell that it is gone.",
            );
    }
    row.this_time = late.is_some();
    vec![row]
}

fn is_agent(unit: &Unit) -> bool {
    AGENTS.iter().any(|agent| unit.name.as_str().starts_with(agent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::testing::{Host, NOW, unit};

    const AT: &str = "127.0.0.1:8000";

    #[test]
    fn an_agent_that_runs_is_monitoring_and_one_that_does_not_is_none() {
        let up = Host::passing_to(AT).unit(unit("netdata.service"));
        assert_eq!(up.look(|scene| judge(scene, None))[0].standing, Standing::Present);
        let down = Host::passing_to(AT).unit(unit("netdata.service").stopped(60));
        assert_eq!(down.look(|scene| judge(scene, None))[0].standing, Standing::Unknown);
    }

    #[test]
    fn a_late_first_look_says_how_late_and_that_it_mattered() {
        let host = Host::passing_to(AT).refused(600, AT).refused(60, AT);
        let row = host.look(|scene| judge(scene, Some(Wall::from_secs(NOW)))).remove(0);
        assert!(row.this_time && row.evidence[1].what.contains("10 min after"), "{row:?}");
        let soon = host.look(|scene| judge(scene, Some(Wall::from_secs(NOW - 570)))).remove(0);
        assert!(!soon.this_time);
    }
}
