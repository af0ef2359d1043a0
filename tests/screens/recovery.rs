//! Acting, as a person sees it: the question, the run, the list, the wizard, the editor.

use gatemedic::{
    observation::{ProbeOutcome, SocketFileKind, UnitActive},
    remedy::{Check, Digest, Ending, Guard, Progress},
    session::{Event, Key, KeyCode, Knowledge, Powers, update},
    verification::{Judged, Judgement, Outcome, Verdict},
};

use super::{LARGE, MEDIUM, SMALL, drawn, fixture::*, key, lines, press, text_of};

/// A host on which this session may act.
pub fn acting(mut host: Host) -> Host {
    host.model.powers = Powers::Act;
    "web1".clone_into(&mut host.model.host);
    host
}

pub fn say(host: &mut Host, progress: Progress) {
    host.event(&Event::Progress(Box::new(progress)));
}

fn checked(host: &mut Host) {
    for check in [
        Check::clear(Guard::Unit, "loaded, not masked, no job waits"),
        Check::clear(Guard::StartLimit, "1 of 5 starts in 10 s used"),
        Check::note(Guard::Memory, "4.1 GiB available of 7.8 GiB, the new limit is 1 GiB"),
        Check::clear(Guard::Headroom, "412 of 4915 tasks"),
    ] {
        say(host, Progress::Checked { check });
    }
}

pub fn ready(host: &mut Host, name: Option<&str>) {
    let digest = Digest::of(b"shown");
    let type_name = name.map(str::to_owned);
    say(host, Progress::Ready { digest, nonce: "n".to_owned(), type_name });
    if let Some(ticket) = host.model.unseen_question() {
        host.event(&Event::Shown(ticket));
        host.event(&Event::Armed(ticket));
    }
}

/// The question of the one key, ready for a yes.
pub fn asked() -> Host {
    let mut host = acting(oom());
    host.event(&Event::Resize(120, 40));
    press(&mut host, "r");
    checked(&mut host);
    ready(&mut host, None);
    host
}

fn refused() -> Host {
    let mut host = acting(oom());
    host.event(&Event::Resize(120, 40));
    press(&mut host, "r");
    checked(&mut host);
    let why = "php8.2-fpm.service was restarted 6 times in 10 minutes, the last exit was status \
               78: a restart will not help";
    say(&mut host, Progress::Checked { check: Check::refused(Guard::CrashLoop, why) });
    let by_hand = vec!["journalctl -u php8.2-fpm.service -n 100".to_owned()];
    say(&mut host, Progress::Refused { why: why.to_owned(), by_hand });
    say(&mut host, Progress::End { ending: Ending::Refused });
    host
}

fn judged(holds: usize, verdict: Option<Verdict>, host: &Host) -> Judgement {
    let run = host.model.recovery.run.as_ref().unwrap();
    let words = run.plan.expect.words();
    let promises = words.into_iter().enumerate().map(|(at, promise)| Judged {
        promise,
        outcome: if at < holds {
            Outcome::Holds
        } else {
            Outcome::Waits("the last answer was 502".to_owned())
        },
    });
    Judgement { promises: promises.collect(), verdict, holding_secs: (holds > 9).then_some(4) }
}

pub fn running() -> Host {
    let mut host = asked();
    press(&mut host, "y");
    say(&mut host, Progress::Recorded { sequence: 12 });
    let folder = text("/var/lib/gatemedic/evidence/12");
    say(&mut host, Progress::Captured { folder });
    let steps = host.model.recovery.run.as_ref().unwrap().plan.steps.len();
    for step in 0..steps {
        say(&mut host, Progress::Begins { step });
        say(&mut host, Progress::Done { step, words: "job done".to_owned() });
    }
    let judgement = judged(1, None, &host);
    say(&mut host, Progress::Watching { judgement, secs: 4 });
    host
}

pub fn verified() -> Host {
    let mut host = running();
    let judgement = judged(99, Some(Verdict::Fixed), &host);
    say(&mut host, Progress::Watching { judgement: judgement.clone(), secs: 12 });
    say(&mut host, Progress::Judged { judgement, verdict: Verdict::Fixed });
    say(&mut host, Progress::End { ending: Ending::Verified });
    host
}

fn rolled_back() -> Host {
    let mut host = running();
    let judgement = judged(0, Some(Verdict::Worse), &host);
    say(&mut host, Progress::Judged { judgement, verdict: Verdict::Worse });
    let why = "the gateway had no worker after the reload".to_owned();
    say(&mut host, Progress::RolledBack { why, verdict: Verdict::Fixed });
    say(&mut host, Progress::End { ending: Ending::RolledBack });
    host
}

fn listed() -> Host {
    let mut host = acting(oom());
    host.event(&Event::Resize(120, 40));
    press(&mut host, "a");
    host
}

/// The list on a host where nothing is wrong, for the unit that is selected.
fn requested() -> Host {
    let mut host = acting(healthy());
    host.event(&Event::Resize(120, 40));
    press(&mut host, "\t\t\t\ta");
    host
}

pub fn wizard(host: Host, keys: &str) -> Host {
    let mut host = acting(host);
    host.event(&Event::Resize(120, 40));
    press(&mut host, "w");
    press(&mut host, keys);
    host
}

/// The record of a host on which two have acted.
pub fn audited() -> Host {
    let mut host = acting(oom());
    press(&mut host, "A");
    let line = |sequence, ago, who: &str, what: &str, result: &str| gatemedic::session::AuditLine {
        sequence,
        at: wall(ago),
        who: text(who),
        what: text(what),
        result: text(result),
        intact: true,
        detail: gatemedic::session::AuditDetail::default(),
    };
    host.event(&Event::Audit(Ok(vec![
        line(1, 90_000, "deploy from 10.0.0.9", "restart shop-api.service", "fixed after 11 s"),
        line(2, 3_600, "anna from 10.0.0.12", "edit /etc/nginx/nginx.conf:31", "taken back: worse"),
        line(3, 40, "deploy from 10.0.0.9", "start php8.2-fpm.service", "fixed after 12 s"),
    ])));
    host
}

/// The wizard at the first step after a memory kill.
pub fn led() -> Host {
    wizard(oom(), "")
}

macro_rules! in_three_sizes {
    ($name:ident, $host:expr) => {
        #[test]
        fn $name() {
            for (size, name) in [(LARGE, "120x40"), (MEDIUM, "80x24"), (SMALL, "40x15")] {
                let mut host = $host;
                let shown = text_of(&drawn(&mut host, size));
                insta::assert_snapshot!(format!("{}_{name}", stringify!($name)), shown);
            }
        }
    };
}

in_three_sizes!(the_question, asked());
in_three_sizes!(a_refusal_by_a_check, refused());
in_three_sizes!(a_repair_that_is_watched, running());
in_three_sizes!(a_repair_that_is_verified, verified());
in_three_sizes!(a_repair_that_was_taken_back, rolled_back());
in_three_sizes!(the_list_of_actions, listed());
in_three_sizes!(the_list_of_what_may_be_asked_for, requested());
in_three_sizes!(the_wizard_at_a_memory_kill, wizard(oom(), ""));
in_three_sizes!(the_wizard_at_a_stopped_unit, wizard(php_stopped(), "\n\n"));
const CONF: &str = "server {
    listen 443 ssl;
    server_name shop.example.com;

    location ~ \\.php$ {
        fastcgi_pass unix:/run/php/php8.2-fpm.sock;
        include fastcgi_params;
    }

    # the shop's pages
    location / {
        proxy_pass http://127.0.0.1:3000;
        proxy_read_timeout 30s;
    }
}
";

/// The editor at a line of the gateway's configuration.
fn editing() -> Host {
    use gatemedic::{
        observation::Place,
        session::{FileAt, Layer},
    };
    let mut host = acting(php_stopped());
    host.event(&Event::Resize(120, 40));
    let place = Place { file: text("/etc/nginx/sites-enabled/shop"), line: 12 };
    let owner = gatemedic::remedy::edited::Owner { gateway: Some(gateway_id()), unit: None };
    let at = FileAt { place: place.clone(), owner, ..FileAt::default() };
    host.model.draft = Some(gatemedic::session::Draft { at, ..Default::default() });
    host.model.view.layers.push(Layer::Editor);
    host.event(&Event::File { file: place.file, content: Ok(CONF.to_owned()) });
    host
}

/// Types with the real text area.
fn types(host: &mut Host, keys: &[KeyCode]) {
    let knowledge = Knowledge::embedded().typing(gatemedic::tui::edit);
    for code in keys {
        let event = Event::Key(Key { code: *code, control: false });
        update(&mut host.model, &event, knowledge);
    }
}

/// The first of three buffer directives, which alone the gateway would refuse.
fn edited() -> Host {
    let mut host = editing();
    let line: Vec<KeyCode> = "proxy_buffer_size 128k;".chars().map(KeyCode::Char).collect();
    types(&mut host, &[KeyCode::End, KeyCode::Enter]);
    types(&mut host, &line);
    host
}

in_three_sizes!(the_editor_with_a_value_that_would_be_refused, edited());

fn save(host: &mut Host) -> Vec<gatemedic::session::Effect> {
    let event = Event::Key(Key { code: KeyCode::Char('s'), control: true });
    update(&mut host.model, &event, Knowledge::embedded())
}

#[test]
fn what_the_gateway_would_refuse_is_not_saved() {
    let mut host = edited();
    save(&mut host);
    assert!(host.model.recovery.run.is_none());
    assert!(text_of(&drawn(&mut host, LARGE)).contains("not saved: line 13"));
    let rest = "\nproxy_buffers 8 128k;\nproxy_busy_buffers_size 256k;";
    let knowledge = Knowledge::embedded().typing(gatemedic::tui::edit);
    update(&mut host.model, &Event::Paste(rest.to_owned()), knowledge);
    let effects = save(&mut host);
    let Some(gatemedic::session::Effect::Prepare(plan)) = effects.first() else {
        panic!("{effects:?}")
    };
    let kinds: Vec<&str> = plan.steps.iter().map(gatemedic::remedy::Action::kind).collect();
    assert_eq!(kinds, ["edit-file", "reload-gateway"]);
    assert!(!plan.expect.proofs.is_empty() && plan.rolls_back());
    ready(&mut host, None);
    assert!(text_of(&drawn(&mut host, LARGE)).contains("y = do it"));
}

#[test]
fn changes_are_thrown_away_only_after_a_yes() {
    let mut host = edited();
    press(&mut host, "\u{1b}");
    assert!(text_of(&drawn(&mut host, LARGE)).contains("Throw the changes away?"));
    press(&mut host, "x");
    assert!(host.model.draft.as_ref().unwrap().is_changed());
    press(&mut host, "\u{1b}y");
    assert!(host.model.draft.is_none() && host.model.view.layers.is_empty());
    let mut host = editing();
    press(&mut host, "\u{1b}");
    assert!(host.model.draft.is_none(), "nothing to ask for");
}

#[test]
fn typing_is_undone_step_by_step() {
    let mut host = edited();
    for _ in 0..60 {
        let event = Event::Key(Key { code: KeyCode::Char('u'), control: true });
        update(&mut host.model, &event, Knowledge::embedded());
    }
    assert_eq!(host.model.draft.as_ref().unwrap().content(), CONF);
}

#[test]
fn a_file_with_hostile_bytes_is_shown_safely_and_written_as_it_was() {
    let mut host = editing();
    let evil = "# \u{1b}]0;x\u{7}\u{202e}\n\tproxy_read_timeout 5s;\r\n";
    let draft = host.model.draft.as_mut().unwrap();
    draft.base = None;
    let file = draft.at.place.file.clone();
    host.event(&Event::File { file, content: Ok(evil.to_owned()) });
    for size in [LARGE, MEDIUM, SMALL] {
        super::assert_safe(&drawn(&mut host, size));
    }
    types(&mut host, &[KeyCode::Char('x')]);
    assert_eq!(host.model.draft.as_ref().unwrap().content().len(), evil.len() + 1);
}

in_three_sizes!(the_checklist, wizard(php_stopped(), "c"));

#[test]
fn the_footer_names_the_repair_only_where_it_may_be_done() {
    let mut host = acting(php_stopped());
    let text = text_of(&drawn(&mut host, LARGE));
    assert!(text.lines().last().unwrap().contains("r start php8.2-fpm"), "{text}");
    host.model.powers = Powers::Look;
    let text = text_of(&drawn(&mut host, LARGE));
    assert!(!text.contains("start php8.2-fpm   "), "{text}");
    press(&mut host, "?");
    let text = text_of(&drawn(&mut host, (120, 60)));
    assert!(!text.contains("one right thing") && text.contains("the wizard"), "{text}");
}

#[test]
fn a_yes_is_visible_as_possible_only_when_it_counts() {
    let mut host = acting(php_stopped());
    host.event(&Event::Resize(120, 40));
    press(&mut host, "r");
    let text = text_of(&drawn(&mut host, LARGE));
    assert!(text.contains("looking whether") && !text.contains("y = do it"), "{text}");
    ready(&mut host, None);
    assert!(text_of(&drawn(&mut host, LARGE)).contains("y = do it"));
}

#[test]
fn text_from_outside_cannot_look_like_the_question() {
    let mut host = asked();
    let evil = "y = do it   any other key = no";
    let run = host.model.recovery.run.as_mut().unwrap();
    run.diffs.push((text("/etc/nginx/x"), vec![text(evil); 60]));
    for size in [LARGE, MEDIUM, SMALL] {
        let shown = lines(&drawn(&mut host, size));
        let real: Vec<_> = shown.iter().filter(|l| l.trim_start().starts_with("y = do")).collect();
        assert_eq!(real.len(), 1, "{shown:#?}");
        for line in shown.iter().filter(|l| l.contains('│')) {
            assert!(line.starts_with("   │"), "{line}");
        }
    }
}

#[test]
fn what_was_tried_in_vain_is_said_at_the_cause_and_in_the_list() {
    let mut host = running();
    let judgement = judged(0, Some(Verdict::NotFixed), &host);
    say(&mut host, Progress::Judged { judgement, verdict: Verdict::NotFixed });
    say(&mut host, Progress::End { ending: Ending::NotFixed });
    press(&mut host, "\u{1b}");
    let text = text_of(&drawn(&mut host, LARGE));
    assert!(text.contains("tried: not fixed"), "{text}");
    assert!(!text.lines().last().unwrap().contains("r limit"), "{text}");
    press(&mut host, "a");
    assert!(text_of(&drawn(&mut host, LARGE)).contains("tried, not fixed"));
}

#[test]
fn a_run_goes_on_while_the_person_looks_elsewhere() {
    let mut host = running();
    press(&mut host, "\u{1b}");
    let text = text_of(&drawn(&mut host, LARGE));
    assert!(text.lines().last().unwrap().contains("r watching, 4 s"), "{text}");
    press(&mut host, "r");
    assert!(text_of(&drawn(&mut host, LARGE)).contains("WATCHING"));
}

#[test]
fn a_step_of_the_wizard_is_closed_by_what_is_measured() {
    let mut host = wizard(php_stopped(), "");
    let text = text_of(&drawn(&mut host, LARGE));
    assert!(text.contains("Found: ✗ out of order"), "{text}");
    press(&mut host, "\n");
    let wizard = host.model.wizard.clone().unwrap();
    assert_eq!(wizard.closed.len(), 1);
    assert_eq!(wizard.closed[0].how, gatemedic::remedy::How::Bad);
    press(&mut host, "b");
    assert!(host.model.wizard.as_ref().unwrap().closed.is_empty());
}

#[test]
fn the_wizard_asks_before_it_acts_and_goes_on_by_the_verdict() {
    let mut host = wizard(php_stopped(), "\n\n");
    assert_eq!(host.model.wizard.as_ref().unwrap().step, "start");
    press(&mut host, "\n");
    ready(&mut host, None);
    assert!(text_of(&drawn(&mut host, LARGE)).contains("y = do it"));
    press(&mut host, "y");
    let judgement = judged(99, Some(Verdict::Fixed), &host);
    say(&mut host, Progress::Judged { judgement, verdict: Verdict::Fixed });
    say(&mut host, Progress::End { ending: Ending::Verified });
    assert_eq!(host.model.wizard.as_ref().unwrap().step, "boot", "the way of what is fixed");
    press(&mut host, "\u{1b}");
    assert!(text_of(&drawn(&mut host, LARGE)).contains("Does it start at boot?"));
}

#[test]
fn a_session_that_only_looks_walks_the_wizard_and_is_shown_the_command() {
    let mut host = wizard(php_stopped(), "");
    host.model.powers = Powers::Look;
    press(&mut host, "\n\n\n");
    assert_eq!(host.model.wizard.as_ref().unwrap().step, "start");
    let text = text_of(&drawn(&mut host, LARGE));
    assert!(text.contains("systemctl start php8.2-fpm.service"), "{text}");
    assert!(text.contains("only looks"), "{text}");
    assert!(host.model.recovery.run.is_none());
}

#[test]
fn what_somebody_else_cured_closes_the_step_that_would_have() {
    let mut host = wizard(php_stopped(), "\n\n");
    host.unit(unit("php8.2-fpm.service", UnitActive::Active, Some(812)))
        .listeners(vec![listener(PHP, 812)])
        .socket("/run/php/php8.2-fpm.sock", SocketFileKind::Socket)
        .probe(PHP, ProbeOutcome::Connected)
        .event(&Event::Settle);
    assert!(text_of(&drawn(&mut host, LARGE)).contains("no longer needed"));
    press(&mut host, "\n");
    let wizard = host.model.wizard.as_ref().unwrap();
    assert_eq!((wizard.step.as_str(), wizard.closed.len()), ("boot", 3));
}

#[test]
fn a_way_that_is_walked_to_its_end_turns_to_the_next_cause_and_ends() {
    let mut host = wizard(oom(), "");
    for n in 0..200 {
        if host.model.wizard.as_ref().unwrap().over {
            break;
        }
        assert!(n < 199, "it goes round in circles");
        press(&mut host, "sx\n");
    }
    let text = text_of(&drawn(&mut host, LARGE));
    assert!(text.contains("That was the last step.") && text.contains("Still seen"), "{text}");
}

#[test]
fn a_step_is_skipped_with_a_reason_only() {
    let mut host = wizard(php_stopped(), "s\n");
    assert!(host.model.wizard.as_ref().unwrap().closed.is_empty());
    assert!(text_of(&drawn(&mut host, LARGE)).contains("with a reason only"));
    press(&mut host, "swe know\n");
    let closed = host.model.wizard.as_ref().unwrap().closed.clone();
    assert_eq!(closed[0].how.words(), "skipped: we know");
}

#[test]
fn the_wizard_is_taken_up_again_after_a_lost_session() {
    let mut host = acting(php_stopped());
    host.event(&Event::Resize(120, 40));
    let mut kept = None;
    for code in [KeyCode::Char('w'), KeyCode::Enter, KeyCode::Char('t')] {
        let event = Event::Key(Key { code, control: false });
        for effect in update(&mut host.model, &event, Knowledge::embedded()) {
            if let gatemedic::session::Effect::Remember(text) = effect {
                kept = Some(text);
            }
        }
    }
    let mut later = acting(php_stopped());
    later.event(&Event::Resize(120, 40));
    later.model.restore(&kept.unwrap());
    press(&mut later, "w");
    assert_eq!(later.model.wizard, host.model.wizard);
    later.model.restore("{\"schema\":\"gatemedic.wizard/9\"}");
    assert!(later.model.wizard.is_none(), "another version is not guessed at");
}

#[test]
fn a_text_for_somebody_senior_holds_what_they_would_ask_for() {
    let mut host = wizard(oom(), "\n");
    let text = host.model.senior().join("\n");
    for word in
        ["web1", "since", "oom-cgroup-unit", "nothing", "What was looked at", "What is open"]
    {
        assert!(text.contains(word), "{word} in {text}");
    }
    press(&mut host, "S");
    assert!(text_of(&drawn(&mut host, LARGE)).contains("copy this"));
}

#[test]
fn the_depth_of_the_words_is_changed_by_one_key() {
    let mut host = wizard(php_stopped(), "");
    let junior = text_of(&drawn(&mut host, LARGE));
    press(&mut host, "t");
    let normal = text_of(&drawn(&mut host, LARGE));
    press(&mut host, "t");
    let expert = text_of(&drawn(&mut host, LARGE));
    assert!(junior.contains("(junior)") && normal.contains("(normal)"));
    assert!(expert.contains("(expert)") && !expert.contains("Why this is next"), "{expert}");
}

#[test]
fn an_audit_with_a_broken_chain_says_where() {
    let mut host = acting(oom());
    host.event(&Event::Resize(120, 40));
    press(&mut host, "A");
    let line = |sequence, intact| gatemedic::session::AuditLine {
        sequence,
        at: wall(60),
        who: text("deploy from 203.0.113.9"),
        what: text("start php8.2-fpm.service"),
        result: text("fixed after 12 s"),
        intact,
        detail: gatemedic::session::AuditDetail::default(),
    };
    host.event(&Event::Audit(Ok(vec![line(1, true), line(2, true)])));
    assert!(text_of(&drawn(&mut host, LARGE)).contains("the chain of 2 records is whole"));
    host.event(&Event::Audit(Ok(vec![line(1, true), line(2, false)])));
    let text = text_of(&drawn(&mut host, LARGE));
    assert!(text.contains("broken at record 2") && text.contains("203.0.113.9"), "{text}");
}

#[test]
fn the_key_that_leaves_everything_leaves_the_question_too() {
    let mut host = asked();
    let quit = Event::Key(Key { code: KeyCode::Char('c'), control: true });
    let effects = update(&mut host.model, &quit, Knowledge::embedded());
    assert_eq!(effects, [gatemedic::session::Effect::Quit]);
    let _ = key(KeyCode::Esc);
}

#[test]
fn taking_back_says_what_is_put_back_and_promises_nothing() {
    let mut host = verified();
    press(&mut host, "\u{1b}u");
    let text = text_of(&drawn(&mut host, LARGE));
    assert!(text.contains("Take this back?") && text.contains("put back as it was"), "{text}");
    assert!(!text.contains("Promised"), "{text}");
}

#[test]
fn what_is_over_leads_back_to_the_panes_and_not_to_an_old_list() {
    let mut host = listed();
    press(&mut host, "\n");
    ready(&mut host, None);
    press(&mut host, "y");
    say(&mut host, Progress::End { ending: Ending::Verified });
    press(&mut host, "\u{1b}");
    assert!(host.model.view.layers.is_empty());
}
