//! The views that fill the screen.

use gatemedic::session::{
    AuditLine, Pane, details,
    page::{Line, wrap},
    rows,
};

use super::{pictures::pictures, *};

#[test]
fn the_chain() {
    pictures("the_chain_of_a_memory_kill", oom, "2");
    pictures("the_chain_of_a_restart_loop", restart_loop, "2");
    pictures("the_chain_of_a_healthy_host", healthy, "2");
}

#[test]
fn the_causes() {
    pictures("the_causes_of_a_memory_kill", oom, "3");
    pictures("the_causes_seen_with_little_rights", unprivileged, "3");
}

#[test]
fn the_timeline() {
    pictures("the_timeline_of_a_memory_kill", oom, "5");
    pictures("the_timeline_of_a_restart_loop", restart_loop, "5-");
}

#[test]
fn memory() {
    pictures("memory_after_a_kill", oom, "6");
}

#[test]
fn units() {
    pictures("units_after_a_memory_kill", oom, "7");
    pictures("units_in_a_restart_loop", restart_loop, "7");
}

/// A host with many upstreams.
fn many() -> Host {
    let mut host = healthy();
    let all = (0..1_000).map(|n| {
        let address = format!("10.1.{}.{}:80", n / 250, n % 250);
        upstream(&address, Protocol::Http, 100 + n)
    });
    host.config(all.collect()).event(&Event::Settle);
    host
}

fn shown(host: &mut Host, keys: &str) -> String {
    host.event(&Event::Resize(LARGE.0, LARGE.1));
    press(host, keys);
    text_of(&drawn(host, LARGE))
}

fn line_with(text: &str, words: &str) -> String {
    let found = text.lines().find(|line| line.contains(words));
    found.unwrap_or_else(|| panic!("no line with {words}:\n{text}")).to_owned()
}

#[test]
fn the_chain_opens_at_what_is_broken_and_says_where_and_why() {
    let text = shown(&mut oom(), "2");
    assert!(line_with(&text, "▸").contains("✗ down"), "{text}");
    line_with(&text, "here it breaks: no such socket");
    line_with(&text, "should be  php8.2-fpm.service");
    line_with(&text, "the kernel killed php-fpm8.2");
    let text = shown(&mut healthy(), "2");
    assert!(!text.contains('╳') && !text.contains('✗'), "{text}");
    line_with(&text, "Every link holds.");
}

#[test]
fn the_chain_breaks_at_the_gateway_when_it_does_not_run() {
    let mut host = healthy();
    let mut gateway = host.model.case.gateways[&gateway_id()].clone();
    (gateway.running, gateway.master, gateway.workers) = (false, None, Vec::new());
    host.see(SourceId::Gateways, Seen::Gateway(gateway)).event(&Event::Settle);
    let text = shown(&mut host, "2");
    line_with(&text, "It breaks at the gateway: it is not running.");
    assert!(line_with(&text, "gateway   ").contains("✗"), "{text}");
}

#[test]
fn the_chain_breaks_at_the_upstream_when_its_name_does_not_resolve() {
    let mut host = healthy();
    host.config(vec![upstream("api.internal:80", Protocol::Http, 9)]);
    let resolution = Resolution {
        host: text("api.internal"),
        server: None,
        outcome: ResolutionOutcome::NxDomain,
    };
    host.see(SourceId::Names, Seen::Resolution(resolution)).event(&Event::Settle);
    let text = shown(&mut host, "2");
    line_with(&text, "It breaks at the upstream: its name does not resolve.");
}

#[test]
fn a_full_queue_and_a_frozen_process_are_strained_links() {
    let mut host = healthy();
    let mut full = listener("127.0.0.1:8000", 900);
    (full.queue, full.backlog) = (Some(129), Some(128));
    host.listeners(vec![full]).event(&Event::Settle);
    let text = shown(&mut host, "2/8000\n");
    line_with(&text, "It is strained at the listener: its accept queue is full.");
    line_with(&text, "queue 129 of 128");
    let mut host = healthy();
    let mut frozen = process(900, "gunicorn", Some(Owner::Unit(unit_name("shop-api.service"))));
    frozen.state = RunState::Stopped;
    host.processes(vec![frozen]).event(&Event::Settle);
    let text = shown(&mut host, "2/8000\n");
    line_with(&text, "It is strained at the process: its process is stopped.");
}

#[test]
fn of_a_thousand_upstreams_the_last_is_reached_with_one_key() {
    let mut host = many();
    let text = shown(&mut host, "2G");
    assert!(line_with(&text, "▸").contains("10.1.3.249"), "{text}");
    line_with(&text, "of 1000");
    assert_eq!(text, shown(&mut host, "kj"));
    line_with(&shown(&mut host, "g"), "1–35 of 1000");
}

#[test]
fn a_cause_says_what_can_be_done_about_it_or_why_nothing() {
    let host = recovery::acting(oom());
    let key = rows::keys(&host.model.shown(), Pane::Cause, "").remove(0);
    let page = details::weighed(&host.model, &key).unwrap();
    let all = wrap(&page, 100, &TimeZone::UTC, wall(0));
    let text = all.iter().map(Line::text).collect::<Vec<_>>().join("\n");
    let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words}:\n{text}"));
    let order =
        ["r             limit php8.2-fpm", "For", "its limit is 512 MiB", "Against", "Missing"];
    assert!(order.map(at).is_sorted(), "{text}");
    assert!(at("can be taken back") < at("For") && at("Explains") > at("Missing"), "{text}");
    let text = shown(&mut restart_loop(), "3");
    line_with(&text, "not by key");
}

#[test]
fn the_timeline_asks_for_the_audit_and_shows_what_was_done() {
    let mut host = oom();
    let five = key(KeyCode::Char('5'));
    let effects = update(&mut host.model, &five, Knowledge::embedded());
    assert!(effects.contains(&Effect::ReadAudit), "{effects:?}");
    let record = AuditLine {
        sequence: 7,
        at: wall(60),
        who: text("alice from 10.0.0.9"),
        what: text("start php8.2-fpm.service"),
        result: text("not fixed"),
        intact: true,
        detail: gatemedic::session::AuditDetail::default(),
    };
    host.event(&Event::Audit(Ok(vec![record])));
    let picture = shown(&mut host, "");
    let line = line_with(&picture, "◆  action");
    assert!(line.contains("alice from 10.0.0.9: not fixed"), "{picture}");
    let text = shown(&mut host, "/alice\n\n");
    line_with(&text, "start php8.2-fpm.service");
}

#[test]
fn the_timeline_tells_the_kill_before_the_failures_that_it_caused() {
    let text = shown(&mut oom(), "5");
    let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words}:\n{text}"));
    assert!(at("memory kill") < at("first failure"), "{text}");
    assert!(at("first failure") < at("last failure"), "{text}");
    line_with(&shown(&mut oom(), "5g\n"), "Memory kill of php-fpm8.2");
}

#[test]
fn the_timeline_reaches_further_back_and_says_what_lies_before() {
    let mut host = oom();
    let near = shown(&mut host, "5");
    assert!(!near.contains("chrome") && near.contains("earlier: -"), "{near}");
    let far = shown(&mut host, "---");
    line_with(&far, "chrome");
    line_with(&far, "24 h since");
    line_with(&shown(&mut host, "f"), "the incident since");
    let close = shown(&mut host, "+");
    line_with(&close, "15 min since");
}

#[test]
fn the_timeline_says_since_when_it_can_see() {
    let mut host = oom();
    let text = shown(&mut host, "5--");
    line_with(&text, "· not known  requests are known since");
    line_with(&text, "events of containers and lost lines since 15:04:30");
}

#[test]
fn lost_lines_and_events_of_containers_are_moments() {
    let mut host = restart_loop();
    let gap = Gap {
        source: SourceId::Logs,
        what: text("/var/log/nginx/access.log"),
        lines: 1_200,
        bytes: 0,
        why: text("more than could be read"),
    };
    host.see(SourceId::Logs, Seen::Gap(gap));
    for (ago, action, code) in
        [(50, "die", Some(137)), (48, "start", None), (40, "exec_start: x", None)]
    {
        let event = ContainerEvent {
            id: container_id('a'),
            name: text("shop-web"),
            action: text(action),
            exit_code: code,
            at: wall(ago),
        };
        host.see(SourceId::Docker, Seen::ContainerEvent(event));
    }
    host.event(&Event::Settle);
    let text = shown(&mut host, "5");
    line_with(&text, "1,200 lines of /var/log/nginx/access.log lost");
    assert!(line_with(&text, "137: killed (SIGKILL)").contains("✗  failed"), "{text}");
    assert!(!text.contains("exec_start"), "{text}");
}

#[test]
fn a_changed_configuration_that_is_not_loaded_is_on_the_timeline() {
    let mut host = oom();
    let mut config = host.model.case.configs[&gateway_id()].clone();
    config.modified = Some(wall(200));
    host.see(SourceId::Gateways, Seen::Config(Box::new(config))).event(&Event::Settle);
    let line = line_with(&shown(&mut host, "5"), "●  change");
    assert!(line.contains("not loaded yet"), "{line}");
    line_with(&shown(&mut host, "2"), "its files changed and were not loaded");
}

#[test]
fn a_memory_kill_says_whom_it_served() {
    let text = shown(&mut oom(), "6");
    assert!(line_with(&text, "▲ 15:02:08").contains("shop.example.com ~ \\.php$"), "{text}");
    assert!(line_with(&text, "▲ 03:57:50").contains("before this incident"), "{text}");
    let text = shown(&mut oom(), "6jjj\n");
    assert!(line_with(&text, "it serves").contains("shop.example.com"), "{text}");
}

#[test]
fn a_crash_loop_is_never_called_running() {
    let mut host = healthy();
    let mut looping = unit("shop-api.service", UnitActive::Active, Some(900));
    looping.restarts = 4;
    looping.active_enter = Some(wall(2));
    host.unit(looping);
    let journal = Origin::Journal(unit_name("shop-api.service"));
    for (n, ago) in [(2, 62), (3, 32), (4, 2)] {
        let line = format!("shop-api.service: Scheduled restart job, restart counter is at {n}.");
        host.log(Program::Systemd, journal.clone(), ago, &line);
    }
    host.event(&Event::Settle);
    let text = shown(&mut host, "7");
    let line = line_with(&text, "shop-api.service");
    assert!(line.contains("✗ crash loop") && line.contains("3 in 1 min"), "{line}");
    line_with(&text, "It ends soon after each start");
}

#[test]
fn a_word_of_systemd_is_explained_to_who_has_not_met_it() {
    let mut host = healthy();
    let mut waiting = unit("shop-api.service", UnitActive::Activating, None);
    waiting.sub = text("auto-restart");
    host.unit(waiting).event(&Event::Settle);
    let text = shown(&mut host, "7/shop-api\n");
    assert!(line_with(&text, "▸").contains("◐ restarting"), "{text}");
    line_with(
        &text,
        "activating (auto-restart): it ended; systemd waits before it starts it again.",
    );
}

#[test]
fn stale_data_is_marked_in_every_view_on_every_size() {
    for keys in ["2", "3", "5", "6", "7"] {
        for size in pictures::SIZES {
            let mut host = oom();
            host.event(&Event::Tick(Host::moment(NOW + 60))).event(&Event::Settle);
            host.event(&Event::Resize(size.0, size.1));
            press(&mut host, keys);
            let text = text_of(&drawn(&mut host, size));
            assert!(text.contains("stale 1 min"), "{keys} {size:?}\n{text}");
        }
    }
}

#[test]
fn every_view_is_drawn_on_every_size() {
    for keys in ["2", "3", "5", "6", "7"] {
        let mut host = oom();
        press(&mut host, keys);
        for width in (0..220).step_by(9) {
            for height in (0..60).step_by(5) {
                assert_safe(&drawn_as(&host.model, (width, height), &look()));
            }
        }
    }
}
