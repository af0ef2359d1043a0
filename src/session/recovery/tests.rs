use super::*;
use crate::{
    diagnosis::testing::{Host, unit},
    observation::{Moment, UnitName, Wall},
    remedy::{Action, Blast, Check, Digest, Ending, Guard, Offer, Order, Plan, Progress, Refusal},
    session::{Effect, Event, Key, KeyCode, Knowledge, Layer, Model, update},
    verification::{Expectation, Judgement, Verdict},
};

fn plan(remedy: &str) -> Plan {
    let unit = UnitName::new("shop.service").unwrap();
    Plan {
        remedy: remedy.to_owned(),
        cause: "app-unit-stopped".to_owned(),
        whom: "shop.service".to_owned(),
        why: "shop.service is stopped".to_owned(),
        steps: vec![match remedy {
            "restart-unit" => Action::RestartUnit { unit },
            _ => Action::StartUnit { unit },
        }],
        expect: Expectation::default(),
        blast: Blast::default(),
    }
}

fn model() -> Model {
    let mut model = Model::new();
    model.powers = Powers::Act;
    model.view.size = (120, 40);
    model.offers = vec![Offer {
        cause: "app-unit-stopped",
        whom: "shop.service".to_owned(),
        plans: vec![plan("start-unit"), plan("restart-unit")],
        refusal: None,
        edit_at: None,
    }];
    model
}

fn fold(model: &mut Model, event: &Event) -> Vec<Effect> {
    update(model, event, Knowledge::embedded())
}

fn press(model: &mut Model, code: KeyCode) -> Vec<Effect> {
    fold(model, &Event::Key(Key { code, control: false }))
}

fn say(model: &mut Model, progress: Progress) -> Vec<Effect> {
    fold(model, &Event::Progress(Box::new(progress)))
}

fn ready(model: &mut Model, type_name: Option<&str>) {
    let type_name = type_name.map(str::to_owned);
    let digest = Digest::of(b"plan");
    say(model, Progress::Ready { digest, nonce: "n1".to_owned(), type_name });
}

fn arm(model: &mut Model) {
    let ticket = model.unseen_question().unwrap();
    fold(model, &Event::Shown(ticket));
    fold(model, &Event::Armed(ticket));
}

fn confirms(effects: &[Effect]) -> bool {
    effects.iter().any(|e| matches!(e, Effect::Send(Order::Confirm { .. })))
}

const Y: KeyCode = KeyCode::Char('y');
const R: KeyCode = KeyCode::Char('r');

#[test]
fn one_key_and_one_yes_begin_a_repair() {
    let mut model = model();
    let effects = press(&mut model, R);
    assert!(matches!(effects.first(), Some(Effect::Prepare(p)) if p.remedy == "start-unit"));
    ready(&mut model, None);
    arm(&mut model);
    let effects = press(&mut model, Y);
    let order = Order::Confirm { digest: Digest::of(b"plan"), nonce: "n1".to_owned(), typed: None };
    assert_eq!(effects.first(), Some(&Effect::Send(order)));
    assert_eq!(model.view.layers, [Layer::Run]);
    assert!(!confirms(&press(&mut model, Y)), "a yes counts once");
}

#[test]
fn a_yes_counts_only_after_the_question_could_be_read() {
    let mut model = model();
    press(&mut model, R);
    assert!(!confirms(&press(&mut model, Y)), "the checks run");
    ready(&mut model, None);
    assert!(!confirms(&press(&mut model, Y)), "no frame has shown it");
    let ticket = model.unseen_question().unwrap();
    fold(&mut model, &Event::Shown(ticket));
    assert!(!confirms(&press(&mut model, Y)), "it was typed ahead");
    fold(&mut model, &Event::Armed(ticket));
    assert!(!confirms(&press(&mut model, Y)), "a key that is held down begins anew");
    arm(&mut model);
    assert!(confirms(&press(&mut model, Y)));
}

#[test]
fn a_paste_and_the_key_that_opened_it_confirm_nothing() {
    let mut model = model();
    press(&mut model, R);
    ready(&mut model, Some("shop.service"));
    arm(&mut model);
    assert_eq!(fold(&mut model, &Event::Paste("shop.service\n".to_owned())), []);
    assert!(!confirms(&press(&mut model, KeyCode::Enter)));
    press(&mut model, KeyCode::Esc);
    press(&mut model, R);
    ready(&mut model, None);
    arm(&mut model);
    for _ in 0..9 {
        assert_eq!(press(&mut model, R), []);
    }
    assert_eq!(fold(&mut model, &Event::Paste("y".to_owned())), []);
}

#[test]
fn any_other_key_is_a_no_and_ends_the_process() {
    for code in [KeyCode::Esc, KeyCode::Enter, KeyCode::Char('n'), KeyCode::Char('x'), KeyCode::Tab]
    {
        let mut model = model();
        press(&mut model, R);
        ready(&mut model, None);
        arm(&mut model);
        assert_eq!(press(&mut model, code), [Effect::Abandon, Effect::Draw], "{code:?}");
        assert!(model.view.layers.is_empty() && model.recovery.run.is_none());
    }
}

#[test]
fn where_much_is_at_stake_the_name_is_typed() {
    let mut model = model();
    press(&mut model, R);
    ready(&mut model, Some("shop.service"));
    assert_eq!(press(&mut model, KeyCode::Char('s')), [], "not read yet");
    arm(&mut model);
    for c in "shop.servicex".chars() {
        press(&mut model, KeyCode::Char(c));
    }
    assert_eq!(press(&mut model, KeyCode::Enter), []);
    press(&mut model, KeyCode::Backspace);
    let effects = press(&mut model, KeyCode::Enter);
    let typed = Some("shop.service".to_owned());
    let order = Order::Confirm { digest: Digest::of(b"plan"), nonce: "n1".to_owned(), typed };
    assert_eq!(effects.first(), Some(&Effect::Send(order)));
}

#[test]
fn a_dry_run_cannot_be_confirmed() {
    let mut model = model();
    let effects = press(&mut model, KeyCode::Char('d'));
    assert!(matches!(effects.first(), Some(Effect::Rehearse(_))));
    ready(&mut model, None);
    assert_eq!(model.unseen_question(), None);
    assert!(!confirms(&press(&mut model, Y)));
}

#[test]
fn in_a_session_that_only_looks_the_keys_do_nothing() {
    let mut model = model();
    model.powers = Powers::Look;
    for c in ['r', 'a', 'd', 'u'] {
        assert_eq!(press(&mut model, KeyCode::Char(c)), [], "{c}");
    }
    assert!(model.view.layers.is_empty() && model.recovery.run.is_none());
}

fn over(model: &mut Model, verdict: Verdict, ending: Ending) -> Vec<Effect> {
    let judgement = Judgement { promises: Vec::new(), verdict: Some(verdict), holding_secs: None };
    say(model, Progress::Recorded { sequence: 7 });
    say(model, Progress::Judged { judgement, verdict });
    let effects = say(model, Progress::Keeping { secs: 60 });
    say(model, Progress::End { ending });
    effects
}

fn done(model: &mut Model) {
    press(model, R);
    ready(model, None);
    arm(model);
    press(model, Y);
}

#[test]
fn what_did_not_help_is_lowered_and_the_next_repair_is_offered() {
    let mut model = model();
    done(&mut model);
    assert_eq!(over(&mut model, Verdict::NotFixed, Ending::NotFixed), [Effect::Draw]);
    press(&mut model, KeyCode::Esc);
    assert!(matches!(best(&model), Some(Choice::Plan(p)) if p.remedy == "restart-unit"));
    done(&mut model);
    over(&mut model, Verdict::Worse, Ending::RolledBack);
    press(&mut model, KeyCode::Esc);
    assert!(matches!(best(&model), Some(Choice::Exhausted(_))));
    press(&mut model, R);
    assert!(matches!(model.view.layers.last(), Some(Layer::Refusal { .. })));
}

#[test]
fn what_is_fixed_is_kept_without_asking_and_once() {
    let mut model = model();
    done(&mut model);
    let effects = over(&mut model, Verdict::Fixed, Ending::Verified);
    assert_eq!(effects, [Effect::Draw, Effect::Send(Order::Keep)]);
    assert!(matches!(best(&model), Some(Choice::Plan(p)) if p.remedy == "start-unit"));
}

#[test]
fn a_change_that_is_not_proven_waits_for_keep_or_revert() {
    for (key, order) in [('k', Order::Keep), ('u', Order::Revert)] {
        let mut model = model();
        done(&mut model);
        let verdict = Verdict::Improved;
        let judgement =
            Judgement { promises: Vec::new(), verdict: Some(verdict), holding_secs: None };
        say(&mut model, Progress::Judged { judgement, verdict });
        say(&mut model, Progress::Keeping { secs: 60 });
        arm(&mut model);
        let effects = press(&mut model, KeyCode::Char(key));
        assert_eq!(effects, [Effect::Send(order), Effect::Draw]);
        assert_eq!(press(&mut model, KeyCode::Char('u')), [], "once");
    }
}

fn asks_to_keep(model: &mut Model) {
    let verdict = Verdict::Improved;
    let judgement = Judgement { promises: Vec::new(), verdict: Some(verdict), holding_secs: None };
    say(model, Progress::Judged { judgement, verdict });
    say(model, Progress::Keeping { secs: 60 });
}

#[test]
fn whoever_scrolls_while_it_begins_to_ask_keeps_nothing_by_that() {
    const K: KeyCode = KeyCode::Char('k');
    let mut model = model();
    done(&mut model);
    press(&mut model, K);
    asks_to_keep(&mut model);
    assert_eq!(press(&mut model, K), [Effect::Draw], "no frame has asked yet");
    let ticket = model.unseen_question().unwrap();
    fold(&mut model, &Event::Shown(ticket));
    assert_eq!(press(&mut model, K), [Effect::Draw], "it could not be read");
    fold(&mut model, &Event::Armed(ticket));
    assert_eq!(press(&mut model, K), [Effect::Draw], "a key that is held down begins anew");
    say(&mut model, Progress::Keeping { secs: 59 });
    arm(&mut model);
    assert_eq!(press(&mut model, K), [Effect::Send(Order::Keep), Effect::Draw]);
}

#[test]
fn what_covers_the_question_answers_it_neither_by_itself_nor_by_the_time_that_passes() {
    let mut model = model();
    done(&mut model);
    press(&mut model, KeyCode::Char(':'));
    asks_to_keep(&mut model);
    for c in "keep what was changed".chars() {
        press(&mut model, KeyCode::Char(c));
    }
    assert_eq!(press(&mut model, KeyCode::Enter), [Effect::Draw]);
    assert_eq!(model.view.layers, [Layer::Run]);
    let ticket = model.unseen_question().unwrap();
    fold(&mut model, &Event::Shown(ticket));
    model.view.layers.push(Layer::Help { top: 0 });
    fold(&mut model, &Event::Armed(ticket));
    model.view.layers.pop();
    assert_eq!(press(&mut model, KeyCode::Char('k')), [Effect::Draw], "it was covered");
}

#[test]
fn a_refusal_gives_its_reason_and_no_question() {
    let mut model = model();
    press(&mut model, R);
    let words = "restarted 6 times in 10 minutes";
    say(&mut model, Progress::Checked { check: Check::refused(Guard::CrashLoop, words) });
    say(&mut model, Progress::Refused { why: words.to_owned(), by_hand: Vec::new() });
    say(&mut model, Progress::End { ending: Ending::Refused });
    assert_eq!(model.recovery.run.as_ref().unwrap().stage(), Stage::Refused);
    assert_eq!(press(&mut model, Y), [Effect::Draw]);
    assert!(model.recovery.past.is_empty(), "nothing was done");
}

#[test]
fn a_finding_without_a_repair_says_why_and_what_to_do_by_hand() {
    let mut model = model();
    let refusal = Refusal { why: "a decision".to_owned(), by_hand: vec!["look".to_owned()] };
    model.offers[0].plans.clear();
    model.offers[0].refusal = Some(refusal);
    assert_eq!(press(&mut model, R), [Effect::Draw]);
    assert!(matches!(model.view.layers.last(), Some(Layer::Refusal { .. })));
}

#[test]
fn a_process_that_is_lost_after_the_yes_leaves_it_to_a_person() {
    let mut model = model();
    done(&mut model);
    fold(&mut model, &Event::Lost("killed".to_owned()));
    let run = model.recovery.run.as_ref().unwrap();
    assert!(run.needs_human.is_some() && run.ending == Some(Ending::NeedsHuman));
    assert_eq!(model.recovery.past.len(), 1);
}

#[test]
fn leaving_the_picture_of_a_run_does_not_end_it() {
    let mut model = model();
    done(&mut model);
    press(&mut model, KeyCode::Esc);
    assert!(model.view.layers.is_empty() && model.recovery.is_acting());
    let effects = press(&mut model, R);
    assert_eq!((effects, model.view.layers.clone()), (vec![Effect::Draw], vec![Layer::Run]));
}

#[test]
fn the_last_repair_that_can_be_taken_back_is_taken_back_after_a_yes() {
    let mut model = model();
    assert_eq!(press(&mut model, KeyCode::Char('u')), []);
    done(&mut model);
    over(&mut model, Verdict::Improved, Ending::NotFixed);
    press(&mut model, KeyCode::Esc);
    assert_eq!(press(&mut model, KeyCode::Char('u')), [Effect::Undo(Some(7)), Effect::Draw]);
    ready(&mut model, None);
    arm(&mut model);
    assert!(confirms(&press(&mut model, Y)));
    fold(&mut model, &Event::Tick(Moment { wall: Wall::from_secs(9), ..Moment::default() }));
    over(&mut model, Verdict::Fixed, Ending::Verified);
    press(&mut model, KeyCode::Esc);
    assert_eq!(press(&mut model, KeyCode::Char('u')), [], "it is gone already");
}

#[test]
fn the_footer_names_what_the_key_does() {
    assert_eq!(label(&plan("restart-unit")), "restart shop");
    assert_eq!(label(&plan("start-unit")), "start shop");
}

/// A session on a host where nothing is wrong, with one unit behind the gateway.
fn healthy() -> Model {
    let host = Host::passing_to("127.0.0.1:8000")
        .serves("shop.service", "127.0.0.1:8000", 100)
        .unit(unit("nginx.service"));
    let mut model = model();
    (model.case, model.diagnosis) = (host.case(), host.diagnose());
    model.offers.clear();
    model
}

fn listed(model: &Model) -> Vec<String> {
    let told = |entry: Entry<'_>| match entry {
        Entry::Asked(whom) => format!("for {whom}"),
        Entry::Plan(plan, _) => plan.remedy.clone(),
        Entry::Edit(..) => "edit".to_owned(),
        Entry::Refused(..) => "refused".to_owned(),
    };
    entries(model).into_iter().map(told).collect()
}

#[test]
fn what_may_be_asked_for_is_that_of_whoever_is_looked_at() {
    let mut model = healthy();
    let gateway = ["for gateway nginx:/etc/nginx/nginx.conf", "reload-gateway", "restart-gateway"];
    assert_eq!(listed(&model), gateway);
    press(&mut model, KeyCode::Char('2'));
    let shop = ["for shop.service", "restart-unit", "stop-unit", "restart-policy"];
    assert_eq!(listed(&model), shop, "what stands behind the upstream");
    press(&mut model, KeyCode::Enter);
    press(&mut model, KeyCode::Char('a'));
    assert_eq!(listed(&model), shop, "the page of the upstream, under the list");
    press(&mut model, KeyCode::Esc);
    press(&mut model, KeyCode::Esc);
    press(&mut model, KeyCode::Char('7'));
    let of_nginx =
        ["for nginx.service", "reload-unit", "restart-unit", "stop-unit", "restart-policy"];
    assert_eq!(listed(&model), of_nginx);
    press(&mut model, KeyCode::Char('j'));
    assert_eq!(listed(&model), shop);
}

#[test]
fn what_a_finding_calls_for_stands_above_and_is_not_listed_twice() {
    let mut model = healthy();
    press(&mut model, KeyCode::Char('2'));
    model.offers = self::model().offers;
    let all = listed(&model);
    assert_eq!(
        all,
        ["start-unit", "restart-unit", "for shop.service", "stop-unit", "restart-policy"]
    );
}

#[test]
fn in_a_session_that_only_looks_nothing_may_be_asked_for() {
    let mut model = healthy();
    model.powers = Powers::Look;
    assert_eq!(listed(&model), [""; 0]);
}

#[test]
fn a_heading_is_never_stood_on() {
    let mut model = healthy();
    press(&mut model, KeyCode::Char('2'));
    press(&mut model, KeyCode::Char('a'));
    for code in [KeyCode::Up, KeyCode::Char('g'), KeyCode::Down] {
        press(&mut model, code);
    }
    press(&mut model, KeyCode::Up);
    let effects = press(&mut model, KeyCode::Enter);
    assert!(
        matches!(effects.first(), Some(Effect::Prepare(p)) if p.remedy == "restart-unit"),
        "{effects:?}"
    );
    // With a finding above: over the heading in one step, both ways.
    let mut model = healthy();
    press(&mut model, KeyCode::Char('2'));
    model.offers = self::model().offers;
    press(&mut model, KeyCode::Char('a'));
    for code in [KeyCode::Down, KeyCode::Down] {
        press(&mut model, code);
    }
    let effects = press(&mut model, KeyCode::Enter);
    assert!(matches!(effects.first(), Some(Effect::Prepare(p)) if p.remedy == "stop-unit"));
    press(&mut model, KeyCode::Esc);
    press(&mut model, KeyCode::Up);
    let effects = press(&mut model, KeyCode::Enter);
    assert!(matches!(effects.first(), Some(Effect::Prepare(p)) if p.remedy == "restart-unit"));
}

#[test]
fn the_record_on_screen_is_read_again_when_a_repair_is_over() {
    let mut model = model();
    press(&mut model, R);
    ready(&mut model, None);
    arm(&mut model);
    assert!(confirms(&press(&mut model, Y)));
    press(&mut model, KeyCode::Char('9'));
    let effects = say(&mut model, Progress::End { ending: Ending::Verified });
    assert!(effects.contains(&Effect::ReadAudit), "{effects:?}");
}
