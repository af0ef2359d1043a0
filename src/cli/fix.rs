//! `gatemedic fix`: the repair without a screen. It shows a plan, or carries it out and proves it.

use crate::{
    action::journal,
    engine::recorder::{PATIENCE, Recorder},
    host::executor::{self, Executor},
    observation::SourceId,
    remedy::{Action, Check, Ending, Offer, Order, Plan, Progress, Regard, spoken},
    report::Layout,
    session::{Event, recording::How},
    verification::{Judgement, Outcome, Verdict},
};

use super::{
    Arguments, Exit, arguments::FixArguments, carry_out::words, diagnose, fix_history::Chronicle,
    output, record, settings, tools::tools,
};

/// Runs it.
pub(super) fn run(own: &FixArguments, arguments: &Arguments) -> Exit {
    if own.yes && arguments.readonly {
        output::note("--readonly: nothing is changed; --dry-run shows what would be done");
        return Exit::Refused;
    }
    if !own.undo {
        for edit in journal::interrupted(&tools(arguments)) {
            output::note(&format!("{}; to take it back: gatemedic fix --yes --undo", edit.words));
        }
    }
    // A wrong command line is no session.
    if !own.undo
        && let Err(exit) = own.target.check()
    {
        return exit;
    }
    let mut recorder = recorder(own, arguments);
    let (first, mut chronicle) = match first_order(own, arguments, recorder.as_mut()) {
        Ok(first) => first,
        Err(exit) => {
            if let Some(recorder) = recorder {
                drop(recorder.finish("nothing was carried out", PATIENCE));
            }
            return exit;
        }
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::note(&format!("failed to start: {error}"));
            return Exit::Internal;
        }
    };
    let mut teller = Teller::new(own.dry_run, output::layout(arguments));
    let heard = (&mut teller, &mut chronicle, &mut recorder);
    let ended = runtime.block_on(carry_out(own, arguments, &first, heard));
    let recorded = recorder.and_then(|recorder| recorder.finish("carried out", PATIENCE));
    match ended {
        Ok(ending) => {
            if let Some(chronicle) = chronicle {
                let file = recorded.as_ref().and_then(|place| place.as_deref().ok());
                chronicle.ended(ending, file);
            }
            teller.finish(ending)
        }
        Err(error) => {
            output::note(&format!("the process that carries it out failed: {error}"));
            Exit::Internal
        }
    }
}

/// What records it: only what may change something records itself.
fn recorder(own: &FixArguments, arguments: &Arguments) -> Option<Recorder> {
    let settings = settings::load(arguments).settings;
    let state = tools(arguments).state;
    let setup = own.yes.then(|| record::of_session(arguments, &settings, &state, How::Fix))?;
    Recorder::start(setup?, SourceId::ALL.to_vec())
}

/// What is asked for: the plan that is meant, or the last deed to be taken back.
fn first_order(
    own: &FixArguments,
    arguments: &Arguments,
    mut recorder: Option<&mut Recorder>,
) -> Result<(Order, Option<Chronicle>), Exit> {
    if own.undo {
        return Ok((Order::TakeBack { sequence: None, rehearsal: own.dry_run }, None));
    }
    let session = recorder.as_deref_mut();
    let outcome = diagnose::look_recorded(own.deadline, arguments, session)?;
    if let Some(recorder) = recorder {
        recorder.settled(&outcome.model);
    }
    let plan = if own.target.is_given() {
        own.target.choose(&outcome.model)?
    } else {
        choose(own, &outcome.model.offers)?.clone()
    };
    let chronicle = Chronicle::new(own, arguments, outcome.model.diagnosis, &plan);
    Ok((Order::Prepare { plan: Box::new(plan), rehearsal: own.dry_run }, chronicle))
}

/// The plan that is meant.
fn choose<'a>(own: &FixArguments, offers: &'a [Offer]) -> Result<&'a Plan, Exit> {
    let meant = |offer: &&Offer| own.cause.as_ref().is_none_or(|cause| offer.cause == cause);
    let Some(offer) = offers.iter().find(meant) else {
        output::note(match &own.cause {
            Some(_) => "this cause is not seen here now",
            None => "nothing is found that could be repaired",
        });
        return Err(Exit::NotKnown);
    };
    if let Some(refusal) = &offer.refusal {
        output::note(&format!("{} ({}): {}", offer.cause, offer.whom, refusal.why));
        for step in &refusal.by_hand {
            output::note(&format!("by hand: {step}"));
        }
        return Err(if own.dry_run { Exit::NotKnown } else { Exit::Refused });
    }
    let wanted = |plan: &&Plan| own.plan.as_ref().is_none_or(|id| plan.remedy == *id);
    offer.plans.iter().find(wanted).ok_or_else(|| {
        let known: Vec<&str> = offer.plans.iter().map(|plan| plan.remedy.as_str()).collect();
        output::note(&format!("no such plan; there are: {}", known.join(", ")));
        Exit::NotKnown
    })
}

async fn carry_out(
    own: &FixArguments,
    arguments: &Arguments,
    first: &Order,
    (teller, chronicle, recorder): (&mut Teller, &mut Option<Chronicle>, &mut Option<Recorder>),
) -> std::io::Result<Ending> {
    let words = words(arguments);
    let rights = executor::rights(&words).await;
    let mut executor = Executor::start(&rights, &words)?;
    if let Order::Prepare { plan, .. } = first {
        teller.plan(plan);
    }
    if let Some(recorder) = recorder {
        recorder.order(first);
    }
    executor.send(first).await?;
    while let Some(progress) = executor.next().await? {
        teller.tell(&progress);
        if let Some(recorder) = recorder {
            recorder.event(&Event::Progress(Box::new(progress.clone())));
        }
        if let Some(chronicle) = chronicle {
            chronicle.heard(&progress);
        }
        match progress {
            Progress::Ready { digest, nonce, type_name } if !own.dry_run => {
                if type_name.is_some() && own.confirm != type_name {
                    let name = type_name.unwrap_or_default();
                    output::note(&format!("much is at stake: say --confirm {name}"));
                    return Ok(Ending::Refused);
                }
                let order = Order::Confirm { digest, nonce, typed: own.confirm.clone() };
                if let Some(recorder) = recorder {
                    recorder.order(&order);
                }
                executor.send(&order).await?;
                if let Some(chronicle) = chronicle {
                    chronicle.confirmed();
                }
            }
            Progress::Keeping { .. } => {
                let order = if teller.is_good() { Order::Keep } else { Order::Revert };
                if let Some(recorder) = recorder {
                    recorder.order(&order);
                }
                // The answer may cross its end.
                drop(executor.send(&order).await);
            }
            Progress::End { ending } => return Ok(ending),
            _ => {}
        }
    }
    Err(std::io::Error::other("it ended without a word"))
}

/// Tells a person what happens, line by line.
struct Teller {
    dry_run: bool,
    colour: bool,
    plan: Option<Plan>,
    verdict: Option<Verdict>,
    exit: Option<Exit>,
}

impl Teller {
    const fn new(dry_run: bool, layout: Layout) -> Self {
        Self { dry_run, colour: layout.colour, plan: None, verdict: None, exit: None }
    }

    const fn is_good(&self) -> bool {
        matches!(self.verdict, Some(Verdict::Fixed | Verdict::Improved))
    }

    fn say(&mut self, label: &str, text: &str) {
        let text = crate::observation::Clean::new(text);
        let label = format!("{label:<10}");
        let label = if self.colour { format!("\u{1b}[1m{label}\u{1b}[0m") } else { label };
        if let Err(exit) = output::data(&format!("{label} {text}\n")) {
            self.exit = Some(exit);
        }
    }

    fn plan(&mut self, plan: &Plan) {
        self.plan = Some(plan.clone());
        if plan.cause.is_empty() {
            self.say("why", &plan.why);
        } else {
            self.say("cause", &format!("{} ({})", plan.cause, plan.why));
        }
        for step in &plan.steps {
            self.say("to do", &step.words());
            for command in step.commands() {
                self.say("  by hand", &spoken(&command));
            }
            self.say("  risk", step.risk());
        }
        for promise in plan.expect.words() {
            self.say("promise", &promise);
        }
        self.say("", &plan.expect.span());
        if !plan.blast.sites.is_empty() {
            self.say("interrupts", &plan.blast.sites.join(", "));
        }
    }

    fn check(&mut self, check: &Check) {
        let mark = match check.regard {
            Regard::Clear => "ok",
            Regard::Note => "note",
            Regard::Typed => "at stake",
            Regard::Refused => "refused",
        };
        self.say(mark, &format!("{}: {}", check.guard.words(), check.words));
    }

    fn tell(&mut self, progress: &Progress) {
        match progress {
            Progress::TakesBack { what, words } => {
                self.say("takes back", what);
                for command in words {
                    self.say("  by hand", command);
                }
            }
            Progress::Checked { check } => self.check(check),
            Progress::Diff { file, lines } => {
                self.say("change", &file.to_string());
                for line in lines {
                    self.say("", &line.to_string());
                }
            }
            Progress::Ready { .. } if self.dry_run => self.say("ready", "nothing was changed"),
            Progress::Refused { why, by_hand } => {
                self.say("refused", why);
                for command in by_hand {
                    self.say("  by hand", command);
                }
            }
            Progress::Recorded { sequence } => self.say("recorded", &format!("number {sequence}")),
            Progress::Captured { folder } => self.say("evidence", &folder.to_string()),
            Progress::Done { step, words } => {
                let step = self.plan.as_ref().and_then(|plan| plan.steps.get(*step));
                let what = step.map(Action::words).unwrap_or_default();
                self.say("done", &format!("{what}: {words}"));
            }
            Progress::Judged { judgement, verdict } => {
                self.verdict = Some(*verdict);
                self.judgement(judgement);
                self.say("verdict", verdict.words());
            }
            Progress::RolledBack { why, verdict } => {
                self.say("taken back", &format!("{why}; afterwards: {}", verdict.words()));
            }
            Progress::NeedsHuman { why, by_hand } => {
                self.say("look", why);
                for command in by_hand {
                    self.say("  by hand", command);
                }
            }
            Progress::Busy { who, .. } => self.say("busy", who),
            Progress::Ready { .. }
            | Progress::Begins { .. }
            | Progress::Watching { .. }
            | Progress::Keeping { .. }
            | Progress::End { .. } => {}
        }
    }

    fn judgement(&mut self, judgement: &Judgement) {
        for judged in &judgement.promises {
            match &judged.outcome {
                Outcome::Holds => self.say("kept", &judged.promise),
                Outcome::Waits(why) | Outcome::Fails(why) => {
                    self.say("not kept", &format!("{}: {why}", judged.promise));
                }
                Outcome::Unseen(why) => {
                    self.say("not seen", &format!("{}: {why}", judged.promise));
                }
            }
        }
    }

    fn finish(self, ending: Ending) -> Exit {
        self.exit.unwrap_or(Exit::Ended(ending))
    }
}
