//! Whether it worked, from one look to the next.

use super::{Baseline, Outcome, Watch, baseline, outcome::waits, sight::Sight};
use crate::{
    diagnosis::UpstreamRow,
    diagnosis::testing::{Host, address, container, gateway_id, name, unit},
    observation::{
        Boot, Health, LogLine, Moment, Origin, ProcessLimits, Program, Seen, SourceId, Text,
        UpstreamId, Wall,
    },
    verification::{Clause, Expectation, Proof, ProofAnswer, Speaker, Verdict},
};

const AT: &str = "127.0.0.1:8000";

fn promise() -> Expectation {
    Expectation {
        within_secs: 15,
        stable_secs: 10,
        clauses: vec![
            Clause::UnitRuns { unit: name("shop.service") },
            Clause::Listens { gateway: gateway_id(), address: address(AT) },
        ],
        proofs: vec![Proof {
            gateway: gateway_id(),
            listen: ([127, 0, 0, 1], 80).into(),
            tls: false,
            host: "shop.lan".into(),
            path: "/".into(),
            times: 3,
        }],
    }
}

fn down() -> Host {
    Host::passing_to(AT).unit(unit("shop.service").claims(AT).stopped(600))
}

fn up() -> Host {
    Host::passing_to(AT).serves("shop.service", AT, 100)
}

/// A look so many seconds after the action.
struct Course {
    watch: Watch,
    began: Moment,
    answers: Vec<ProofAnswer>,
}

impl Course {
    fn new() -> Self {
        let before = down();
        let (case, diagnosis) = (before.case(), before.diagnose());
        let base = baseline(&promise(), &case, &diagnosis);
        let began = case.now;
        Self { watch: Watch::new(promise(), base, began), began, answers: Vec::new() }
    }

    fn at(&self, secs: u64) -> Moment {
        let wall = Wall(self.began.wall.0 + i64::try_from(secs).unwrap() * 1_000_000);
        Moment { wall, boot: Boot(self.began.boot.0 + secs * 1_000_000) }
    }

    fn answer(&mut self, secs: u64, status: u16, speaker: Speaker) {
        let at = self.at(secs);
        let answer = ProofAnswer { at, proof: 0, status: Some(status), speaker, failure: None };
        self.answers.push(answer);
    }

    fn look(&mut self, secs: u64, host: &Host) -> Option<Verdict> {
        let mut case = host.case();
        case.now = self.at(secs);
        self.watch.look(&case, &host.diagnose(), &self.answers).verdict
    }
}

#[test]
fn it_is_fixed_only_when_everything_holds_and_goes_on_to_hold() {
    let mut course = Course::new();
    assert_eq!(course.look(1, &down()), None);
    assert_eq!(course.look(2, &up()), None, "nobody has asked yet");
    for secs in 3..6 {
        course.answer(secs, 200, Speaker::Behind);
    }
    assert_eq!(course.look(6, &up()), None, "it must last");
    assert_eq!(course.look(15, &up()), None);
    assert_eq!(course.look(16, &up()), Some(Verdict::Fixed));
}

#[test]
fn a_service_that_comes_up_and_goes_down_again_is_not_fixed() {
    let mut course = Course::new();
    for secs in 1..4 {
        course.answer(secs, 200, Speaker::Behind);
    }
    assert_eq!(course.look(4, &up()), None);
    assert_eq!(course.look(9, &down()), None);
    assert_eq!(course.look(15, &down()), Some(Verdict::Improved));
}

#[test]
fn nothing_that_changes_is_not_fixed() {
    let mut course = Course::new();
    course.answer(2, 502, Speaker::Gateway);
    assert_eq!(course.look(14, &down()), None);
    assert_eq!(course.look(15, &down()), Some(Verdict::NotFixed));
}

#[test]
fn an_error_page_of_the_gateway_is_no_proof_and_one_of_the_application_is() {
    let proven = |status, speaker| {
        let at = Moment::default();
        ProofAnswer { at, proof: 0, status: Some(status), speaker, failure: None }.is_good()
    };
    assert!(!proven(502, Speaker::Gateway) && !proven(404, Speaker::Gateway));
    assert!(proven(404, Speaker::Behind) && !proven(301, Speaker::Gateway));
    assert!(proven(500, Speaker::Behind), "the application answers: another trouble than 502");
}

#[test]
fn what_cannot_be_seen_is_not_called_fixed() {
    let expect = Expectation {
        clauses: vec![Clause::UnitRuns { unit: name("other.service") }],
        within_secs: 0,
        ..Expectation::default()
    };
    let host = down().blind(SourceId::Units);
    let (case, diagnosis) = (host.case(), host.diagnose());
    let mut watch = Watch::new(expect, Baseline::default(), case.now);
    assert_eq!(watch.close(&case, &diagnosis, &[]).verdict, Some(Verdict::CannotTell));
    let nothing = Expectation::default();
    let mut watch = Watch::new(nothing, Baseline::default(), case.now);
    let judgement = watch.close(&case, &diagnosis, &[]);
    assert_ne!(judgement.verdict, Some(Verdict::Fixed));
    assert!(judgement.proof().is_none());
}

#[test]
fn a_redirect_of_the_gateways_own_says_nothing_of_what_is_behind() {
    let mut course = Course::new();
    for secs in 1..4 {
        course.answer(secs, 301, Speaker::Gateway);
    }
    assert_eq!(course.look(14, &up()), None);
    assert_eq!(course.look(15, &up()), Some(Verdict::CannotTell));
    // Where it is the gateway that was down, its own answer is what was missing.
    let mut course = Course::new();
    let runs = Clause::GatewayRuns { gateway: gateway_id() };
    course.watch.expect.clauses = vec![runs];
    for secs in 1..4 {
        course.answer(secs, 301, Speaker::Gateway);
    }
    let host = up().gateway(|g| g.workers = vec![9]);
    assert_eq!(course.look(4, &host), None);
    assert_eq!(course.look(14, &host), Some(Verdict::Fixed));
}

#[test]
fn a_request_that_was_answered_well_before_proves_no_edit() {
    let verdict = |before: u16| {
        let mut course = Course::new();
        course.watch.expect.clauses.clear();
        for _ in 0..3 {
            course.answer(0, before, Speaker::Behind);
        }
        let expect = course.watch.expect.clone();
        let base = std::mem::take(&mut course.watch.before);
        course.watch.before = base.with_answers(&expect, &course.answers);
        course.answers.clear();
        for secs in 1..4 {
            course.answer(secs, 200, Speaker::Behind);
        }
        assert_eq!(course.look(4, &up()), None);
        course.look(15, &up())
    };
    assert_eq!(verdict(502), Some(Verdict::Fixed));
    assert_eq!(verdict(200), Some(Verdict::CannotTell));
}

#[test]
fn where_nobody_asks_a_failure_in_the_log_begins_the_watch_again() {
    let addresses = vec![address(AT)];
    let clause = Clause::NoFailures { gateway: gateway_id(), addresses };
    let expect =
        Expectation { within_secs: 15, stable_secs: 10, clauses: vec![clause], proofs: Vec::new() };
    let mut course = Course::new();
    course.watch = Watch::new(expect, Baseline::default(), course.began);
    assert_eq!(course.look(1, &up()), None);
    // Five seconds after the action.
    assert_eq!(course.look(6, &up().refused(-5, AT)), None);
    assert_eq!(course.look(12, &up().refused(-5, AT)), None, "it failed on the way");
    assert_eq!(course.look(13, &up().refused(-5, AT)), None);
    assert_eq!(course.look(23, &up().refused(-5, AT)), Some(Verdict::Fixed));
    let blind = up().blind_to(SourceId::Logs, "all");
    assert_eq!(course.look(30, &blind), Some(Verdict::CannotTell));
}

#[test]
fn an_emergency_in_the_second_of_the_action_is_seen_and_one_before_it_is_not_blamed_on_it() {
    let expect = Expectation {
        within_secs: 15,
        clauses: vec![Clause::NoEmerg { gateway: gateway_id() }],
        ..Expectation::default()
    };
    let emerg = |host: Host, port: u16| {
        let text = format!(
            "2026/11/20 14:00:00 [emerg] 11#11: bind() to 0.0.0.0:{port} failed (98: Address already in use)"
        );
        let line = LogLine {
            program: Program::Nginx,
            origin: Origin::File("/var/log/nginx/error.log".into()),
            gateway: Some(gateway_id()),
            at: Some(crate::diagnosis::testing::ago(0)),
            text: Text::new(text),
        };
        host.sees(SourceId::Logs, Seen::Log(line))
    };
    let one = emerg(up(), 80);
    let base = baseline(&expect, &one.case(), &one.diagnose());
    let look = |host: &Host| {
        let mut case = host.case();
        // Half a second after the second that the log writes.
        let began = Moment { wall: Wall(case.now.wall.0 + 500_000), boot: case.now.boot };
        case.now = began;
        let mut watch = Watch::new(expect.clone(), base.clone(), began);
        watch.look(&case, &host.diagnose(), &[]).promises[0].outcome.clone()
    };
    assert_eq!(look(&one), Outcome::Holds);
    assert!(matches!(look(&emerg(one.clone(), 81)), Outcome::Fails(_)));
}

#[test]
fn a_health_check_that_has_not_run_yet_does_not_outweigh_requests() {
    let host = up().container(container("shop").with(|seen| seen.health = Health::Starting));
    let id = host.case().containers.keys().next().unwrap().clone();
    let clause = Clause::ContainerRuns { container: id, name: "shop".into() };
    let look = |asks| {
        let (case, diagnosis) = (&host.case(), &host.diagnose());
        let since = case.now;
        let sight = Sight { case, diagnosis, since, good_since: since, asks };
        sight.clause(&clause, &Baseline::default())
    };
    assert_eq!(look(true), Outcome::Holds);
    assert!(matches!(look(false), Outcome::Unseen(_)));
}

#[test]
fn another_upstream_that_was_down_and_stands_on_another_line_now_is_not_worse() {
    let host = up();
    let (case, one) = (host.case(), host.diagnose());
    let mut two = one.clone();
    let works = two.upstreams[0].clone();
    let line = |n: u8| UpstreamId(Text::new(format!("nginx:/etc/nginx/nginx.conf:{n}")));
    let broken = UpstreamRow { address: "127.0.0.1:9".into(), state: "down", ..works.clone() };
    two.upstreams = vec![
        UpstreamRow { id: line(10), ..broken.clone() },
        UpstreamRow { id: line(11), ..works.clone() },
    ];
    let base = baseline(&promise(), &case, &two);
    // A line was put in above both.
    let mut edited = two.clone();
    edited.upstreams =
        vec![UpstreamRow { id: line(11), ..broken }, UpstreamRow { id: line(12), ..works }];
    let mut watch = Watch::new(promise(), base.clone(), case.now);
    assert_ne!(watch.close(&case, &edited, &[]).verdict, Some(Verdict::Worse));
    edited.upstreams[1].state = "down";
    let mut watch = Watch::new(promise(), base, case.now);
    assert_eq!(watch.close(&case, &edited, &[]).verdict, Some(Verdict::Worse));
}

#[test]
fn a_gateway_that_loses_its_workers_is_worse() {
    let healthy = up();
    let base = baseline(&promise(), &healthy.case(), &healthy.diagnose());
    let gone = up().gateway(|g| g.workers.clear());
    let case = gone.case();
    let mut watch = Watch::new(promise(), base, case.now);
    assert_eq!(watch.close(&case, &gone.diagnose(), &[]).verdict, Some(Verdict::Worse));
}

fn judged(clause: &Clause, host: &Host) -> Outcome {
    let (case, diagnosis) = (&host.case(), &host.diagnose());
    let since = case.now;
    let sight = Sight { case, diagnosis, since, good_since: since, asks: false };
    sight.clause(clause, &Baseline::default())
}

#[test]
fn a_unit_is_stopped_when_systemd_says_so_or_has_forgotten_it() {
    let clause = Clause::UnitStopped { unit: name("shop.service") };
    assert!(matches!(judged(&clause, &up()), Outcome::Waits(_)));
    assert_eq!(judged(&clause, &down()), Outcome::Holds);
    assert_eq!(judged(&clause, &Host::new()), Outcome::Holds);
    let blind = Host::new().blind(SourceId::Units);
    assert!(matches!(judged(&clause, &blind), Outcome::Unseen(_)));
}

#[test]
fn a_unit_is_enabled_when_its_file_says_so_and_not_failed_when_it_is_not() {
    let host = |of: crate::diagnosis::testing::UnitSeen| Host::new().unit(of);
    let enabled = Clause::UnitEnabled { unit: name("shop.service") };
    assert_eq!(judged(&enabled, &host(unit("shop.service"))), Outcome::Holds);
    let off = unit("shop.service").never_ran("disabled");
    assert!(matches!(judged(&enabled, &host(off)), Outcome::Waits(_)));
    let clean = Clause::NotFailed { unit: name("shop.service") };
    assert!(matches!(judged(&clean, &host(unit("shop.service").exited(1, 9))), Outcome::Waits(_)));
    assert_eq!(judged(&clean, &down()), Outcome::Holds);
}

#[test]
fn more_files_may_be_opened_when_the_process_itself_may() {
    let clause = Clause::OpenFiles { unit: name("shop.service"), above: 1_024 };
    let host = |max| {
        let limits = ProcessLimits { pid: 100, open_files: Some(9), max_open_files: max };
        Host::new()
            .unit(unit("shop.service").with(|u| u.main_pid = Some(100)))
            .process(100, "app", "shop.service")
            .sees(SourceId::Processes, Seen::Limits(limits))
    };
    assert_eq!(judged(&clause, &host(20_000)), Outcome::Holds);
    let kept = waits("its process may open 1024");
    assert_eq!(judged(&clause, &host(1_024)), kept);
}

#[test]
fn a_compose_service_may_run_under_another_id_than_before() {
    let seen = |running: bool, project: &'static str| {
        let one = container("web-2").with(|c| c.compose = Some((project.into(), "web".into())));
        Host::new().container(if running { one } else { one.exited(1, 9) })
    };
    let clause = Clause::ServiceRuns { project: "shop".into(), service: "web".into() };
    assert_eq!(judged(&clause, &seen(true, "shop")), Outcome::Holds);
    assert!(matches!(judged(&clause, &seen(false, "shop")), Outcome::Waits(_)));
    assert!(matches!(judged(&clause, &seen(true, "other")), Outcome::Waits(_)));
}

#[test]
fn workers_that_are_older_than_the_reload_are_the_old_ones() {
    let clause = Clause::NewWorkers { gateway: gateway_id() };
    let look = |loaded: i64| {
        let host = up().gateway(|g| {
            g.loaded = Some(crate::diagnosis::testing::ago(loaded));
            g.workers = vec![9];
        });
        let since = crate::diagnosis::testing::ago(10);
        let since = Moment { wall: since, boot: host.case().now.boot };
        let (case, diagnosis) = (&host.case(), &host.diagnose());
        let sight = Sight { case, diagnosis, since, good_since: since, asks: true };
        sight.clause(&clause, &Baseline::default())
    };
    assert_eq!(look(5), Outcome::Holds);
    assert!(matches!(look(60), Outcome::Waits(_)));
}
