//! What is known of a cause from before, and what a session keeps.

use gatemedic::{
    observation::*,
    remedy::Ending,
    session::{
        Effect, Event, Knowledge, Powers,
        history::{Entry, History, Incident, Repair, State, Ties, Trouble},
        update,
    },
    verification::Verdict,
};

use super::*;

/// A past incident of the stopped php-fpm, fixed from here.
fn past(id: u64, days_ago: i64) -> Incident {
    let first = wall(days_ago * 86_400);
    Incident {
        id,
        trouble: Trouble {
            cause: text("app-unit-stopped"),
            subject: text("php8.2-fpm.service"),
            summary: text("php8.2-fpm.service is stopped"),
            confidence: gatemedic::diagnosis::Confidence::Confirmed,
            ties: Ties::default(),
            gateway: text(""),
            upstreams: Vec::new(),
        },
        first,
        last: first.plus_secs(90),
        ended: Some(first.plus_secs(100)),
        state: State::Closed,
        failures: 12,
        returns: 0,
        repairs: vec![Repair {
            action: text("start php8.2-fpm.service"),
            by: text("anna"),
            at: first.plus_secs(50),
            secs: Some(40),
            verdict: Some(Verdict::Fixed),
            ending: Ending::Verified,
            record: Some(1),
        }],
        changed: None,
        recording: None,
        updated: first.plus_secs(130),
    }
}

fn seen_before() -> Host {
    let mut host = php_stopped();
    let incidents = vec![past(3, 8), past(2, 30), past(1, 300)];
    host.event(&Event::History(Box::new(History { incidents, notice: None })));
    host
}

#[test]
fn a_cause_that_was_seen_before() {
    insta::assert_snapshot!(text_of(&drawn(&mut seen_before(), MEDIUM)));
}

#[test]
fn the_page_of_a_cause_that_was_seen_before() {
    let mut host = seen_before();
    host.event(&Event::Resize(LARGE.0, LARGE.1));
    press(&mut host, "\n");
    insta::assert_snapshot!(text_of(&drawn(&mut host, LARGE)));
}

#[test]
fn a_cause_that_was_seen_before_says_so_with_what_fixed_it() {
    for size in [LARGE, MEDIUM] {
        let shown = text_of(&drawn(&mut seen_before(), size));
        let words = "seen 3 times, last on 12 Nov, fixed by start php8.2-fpm.service in 40 s";
        assert!(shown.contains(words), "{shown}");
    }
    let shown = text_of(&drawn(&mut php_stopped(), LARGE));
    assert!(!shown.contains("seen"), "{shown}");
}

/// What a session keeps while the stopped unit stays stopped for so many seconds.
fn kept(host: &mut Host, powers: Powers, secs: i64) -> Vec<Entry> {
    host.model.powers = powers;
    let mut kept = Vec::new();
    for at in 0..secs {
        for event in [Event::Tick(Host::moment(NOW + at)), Event::Settle] {
            for effect in update(&mut host.model, &event, Knowledge::embedded()) {
                if let Effect::Chronicle(entries) = effect {
                    kept.extend(entries);
                }
            }
        }
    }
    kept
}

#[test]
fn a_session_that_may_act_keeps_an_incident_once_it_stands() {
    let kept = kept(&mut php_stopped(), Powers::Act, 20);
    let [one] = kept.as_slice() else { panic!("{kept:#?}") };
    let incident = &one.incident;
    assert_eq!(incident.trouble.cause.raw(), "app-unit-stopped");
    assert_eq!(incident.trouble.subject.raw(), "php8.2-fpm.service");
    assert_eq!((incident.state, incident.first), (State::Open, wall(141)));
    assert!(incident.failures > 10, "{}", incident.failures);
}

#[test]
fn a_session_that_only_looks_keeps_nothing() {
    assert!(kept(&mut php_stopped(), Powers::Look, 20).is_empty());
}

#[test]
fn a_healthy_host_has_no_incident() {
    assert!(kept(&mut healthy(), Powers::Act, 20).is_empty());
}

#[test]
fn before_the_sources_have_answered_nothing_is_kept() {
    assert!(kept(&mut looking(), Powers::Act, 20).is_empty());
}

#[test]
fn a_notice_about_the_history_stands_in_the_footer_and_on_the_page_of_what_can_be_seen() {
    let mut host = php_stopped();
    let notice = Some(Text::new("/var/lib/gatemedic/history.db is damaged: it is no database"));
    host.event(&Event::History(Box::new(History { incidents: Vec::new(), notice })));
    let shown = text_of(&drawn(&mut host, LARGE));
    assert!(shown.contains("the history is not whole: 0"), "{shown}");
    press(&mut host, "0");
    let shown = text_of(&drawn(&mut host, (120, 60)));
    assert!(shown.contains("history.db is damaged"), "{shown}");
}
