use super::*;
use crate::{
    diagnosis::{
        Diagnosis, Status,
        testing::{Host, ago, container, gateway_id, name, unit},
    },
    observation::{Seen, SourceId},
};

const AT: &str = "127.0.0.1:8000";

fn change(secs_ago: i64, kind: ChangeKind, what: &str, touches: Vec<Touched>) -> Change {
    Change {
        at: ago(secs_ago),
        kind,
        what: Text::new(what),
        by: Text::default(),
        origin: Origin::File(Text::new("/var/log/dpkg.log")),
        touches,
    }
}

fn on(unit: &str) -> Vec<Touched> {
    vec![Touched::Unit(name(unit))]
}

fn upgrade(secs_ago: i64, unit: &str) -> Change {
    change(secs_ago, ChangeKind::Package, "shop upgraded 1.0 → 1.1", on(unit))
}

/// `shop.service` ended 60 s ago, requests fail since.
fn failing(changes: Vec<Change>) -> Diagnosis {
    let mut host = Host::passing_to(AT)
        .unit(unit("shop.service").claims(AT).exited(1, 60))
        .refused(59, AT)
        .refused(2, AT);
    host.more.push((SourceId::Changes, Seen::Changes(changes)));
    host.diagnose()
}

fn named(diagnosis: &Diagnosis) -> Option<String> {
    let changed = diagnosis.findings.first()?.changed_before.as_ref()?;
    Some(format!("{} ({})", changed.words(), changed.distance()?))
}

#[test]
fn an_upgrade_of_what_failed_is_named_with_its_distance_and_proves_nothing() {
    let without = failing(Vec::new());
    let with = failing(vec![upgrade(100, "shop.service")]);
    assert_eq!(
        named(&with).as_deref(),
        Some("shop upgraded 1.0 → 1.1 (41 s before the first failure)")
    );
    let head = |d: &Diagnosis| {
        (d.status, d.findings[0].cause, d.findings[0].confidence, d.findings[0].evidence.clone())
    };
    assert_eq!(head(&with), head(&without));
    assert_eq!(with.changes[0].bearing, Bearing::Subject);
}

#[test]
fn an_upgrade_of_something_else_or_too_long_ago_or_after_the_failure_is_not_named() {
    for wrong in [
        upgrade(100, "blog.service"),
        upgrade(2 * 86_400, "shop.service"),
        upgrade(30, "shop.service"),
    ] {
        let found = failing(vec![wrong.clone()]);
        assert_eq!(named(&found), None, "{wrong:?}");
        assert_eq!(found.changes.iter().filter(|c| c.change == wrong).count(), 1);
    }
}

#[test]
fn the_upgrade_outweighs_the_restart_that_came_with_it() {
    let mut restart = change(95, ChangeKind::Service, "shop.service restarted", on("shop.service"));
    restart.by = Text::new("root");
    let timer = change(90, ChangeKind::Timer, "logrotate ran", vec![Touched::Host]);
    let found = failing(vec![timer, restart, upgrade(100, "shop.service")]);
    assert!(named(&found).unwrap().starts_with("shop upgraded"));
}

#[test]
fn the_package_stands_above_the_files_that_it_brought_a_second_later() {
    let file = change(99, ChangeKind::UnitFile, "shop.service changed", on("shop.service"));
    let found = failing(vec![upgrade(100, "shop.service"), file]);
    assert!(named(&found).unwrap().starts_with("shop upgraded"));
    assert!(found.changes[0].change.what.raw().starts_with("shop upgraded"));
}

#[test]
fn a_stop_is_named_only_when_it_says_who_did_it() {
    let mut stop = change(61, ChangeKind::Service, "shop.service stopped", on("shop.service"));
    assert_eq!(named(&failing(vec![stop.clone()])), None);
    stop.by = Text::new("alice: systemctl stop shop");
    assert!(named(&failing(vec![stop])).unwrap().contains("by alice: systemctl stop shop"));
}

#[test]
fn a_change_of_the_gateway_is_near_a_dead_application_only_shortly_before() {
    let edit = |secs| {
        let touches = vec![Touched::Gateway(gateway_id())];
        change(secs, ChangeKind::Config, "site.conf changed", touches)
    };
    assert!(named(&failing(vec![edit(80)])).is_some());
    assert_eq!(named(&failing(vec![edit(4_000)])), None);
}

#[test]
fn changes_are_told_in_the_order_of_suspicion() {
    let elsewhere = change(61, ChangeKind::Package, "vim upgraded", Vec::new());
    let boot = change(300, ChangeKind::Boot, "the host was started", vec![Touched::Host]);
    let conf = vec![Touched::Gateway(gateway_id())];
    let conf = change(400, ChangeKind::Config, "site.conf changed", conf);
    let after = change(10, ChangeKind::UnitFile, "shop.service changed", on("shop.service"));
    let found = failing(vec![elsewhere, boot, after, conf, upgrade(500, "shop.service")]);
    let told: Vec<String> = found
        .changes
        .iter()
        .filter(|c| c.change.kind != ChangeKind::Service)
        .map(|c| c.change.what.to_string())
        .collect();
    assert_eq!(
        told,
        [
            "shop upgraded 1.0 → 1.1",
            "shop.service changed",
            "site.conf changed",
            "the host was started",
            "vim upgraded"
        ]
    );
}

#[test]
fn a_healthy_host_stays_healthy_whatever_changed() {
    let mut host = Host::passing_to(AT).serves("shop.service", AT, 100).traffic(1, 200, 9);
    let changes = vec![upgrade(5, "shop.service"), upgrade(-90, "shop.service")];
    host.more.push((SourceId::Changes, Seen::Changes(changes)));
    let found = host.diagnose();
    assert_eq!((found.status, found.findings.len()), (Status::Healthy, 0));
    assert!(found.changes.iter().all(|c| c.secs_before.is_none() && c.distance().is_none()));
}

#[test]
fn a_container_made_anew_from_another_image_of_the_same_name_is_a_change() {
    let mut host = Host::passing_to(AT);
    for image in ["aaaa", "aaaa", "bbbb"] {
        host = host.container(container("shop").with(|c| {
            c.image_id = Text::new(format!("sha256:{image}"));
            c.created = Some(ago(30));
        }));
    }
    let found = host.diagnose();
    let told = found.changes.iter().filter(|c| c.change.kind == ChangeKind::Container);
    let told: Vec<String> = told.map(|c| c.change.what.to_string()).collect();
    assert_eq!(told, ["container shop now runs another image of the name app:1: aaaa → bbbb"]);
}
