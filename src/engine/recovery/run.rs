//! One run of the executor: what it needs, what it is asked, what it says.

use std::time::Duration;

use tokio::{sync::mpsc::Receiver, time::Instant};

use crate::{
    action::{
        Confirmation, Permit, Question, Tools,
        audit::{Audit, Intent, Outcome, Recorded, What, Who, Why},
        lock::{Lock, Purpose, Refused},
    },
    engine::{Options, eyes::Eyes},
    host::clock,
    observation::Text,
    remedy::{Action, Ending, Order, Plan, Progress, spoken},
    verification::Verdict,
};

/// Why a process without a permit does nothing.
pub(super) const LOOKS_ONLY: &str = "this gatemedic was started to look only";
/// How long the first look may take.
pub(super) const LOOK: Duration = Duration::from_secs(3);
/// How long a yes is waited for.
const PATIENCE: Duration = Duration::from_mins(10);
/// Pause between two diagnoses while nothing happens.
const PAUSE: Duration = Duration::from_secs(1);

/// What a run needs.
#[derive(Debug)]
pub struct Setup {
    /// Where to look.
    pub options: Options,
    /// Where to reach.
    pub tools: Tools,
    /// Who ordered it, for the record.
    pub who: Who,
    /// The permit; without one only rehearsals are run.
    pub permit: Option<Permit>,
    /// Seconds for which a repair must last, when they are not the plan's (tests).
    pub stable_secs: Option<u64>,
}

/// Says what happens to whoever listens; nobody has to.
pub trait Say {
    /// One word.
    fn say(&mut self, progress: Progress);
}

impl<F: FnMut(Progress)> Say for F {
    fn say(&mut self, progress: Progress) {
        self(progress);
    }
}

/// Takes one order to prepare, and brings it to its end.
pub async fn run(setup: Setup, mut orders: Receiver<Order>, say: &mut impl Say) -> Ending {
    let order = orders.recv().await;
    let stable_secs = setup.stable_secs;
    let mut run = Run { setup, eyes: None, orders, say, lock: None, sequence: 0 };
    let ending = match order {
        Some(Order::Prepare { plan, rehearsal }) => {
            let mut plan = *plan;
            plan.expect.stable_secs = stable_secs.unwrap_or(plan.expect.stable_secs);
            Box::pin(run.prepare(plan, rehearsal)).await
        }
        Some(Order::TakeBack { sequence, rehearsal }) => run.take_back(sequence, rehearsal).await,
        _ => Ending::Refused,
    };
    end(run.say, ending)
}

fn end(say: &mut impl Say, ending: Ending) -> Ending {
    say.say(Progress::End { ending });
    ending
}

pub(super) struct Run<'a, S> {
    pub(super) setup: Setup,
    /// The sources, while nobody else holds them.
    pub(super) eyes: Option<Eyes>,
    pub(super) orders: Receiver<Order>,
    pub(super) say: &'a mut S,
    /// That nobody else acts, while something is done.
    pub(super) lock: Option<Lock>,
    /// Number of the record of what is done.
    pub(super) sequence: u64,
}

impl<S: Say> Run<'_, S> {
    pub(super) fn refused(&mut self, plan: &Plan, why: String) -> Ending {
        let by_hand = plan.steps.iter().flat_map(Action::commands).map(|c| spoken(&c)).collect();
        self.refused_by_hand(why, by_hand)
    }

    pub(super) fn refused_by_hand(&mut self, why: String, by_hand: Vec<String>) -> Ending {
        self.say.say(Progress::Refused { why, by_hand });
        Ending::Refused
    }

    pub(super) fn ask(&mut self, question: &Question) {
        self.say.say(Progress::Ready {
            digest: question.digest(),
            nonce: question.nonce().to_owned(),
            type_name: question.type_name().map(str::to_owned),
        });
    }

    /// Takes the lock that keeps others from acting.
    pub(super) fn lock(&mut self, permit: &Permit, what: &str, plan: &Plan) -> Result<(), Ending> {
        let who = &self.setup.who;
        let user = who.sudo_user.clone().unwrap_or_else(|| who.user.clone());
        let purpose = Purpose { user, what: Text::new(what), whom: Text::new(&plan.whom) };
        let taken = Lock::take(permit, &self.setup.tools, purpose);
        taken.map(|lock| self.lock = Some(lock)).map_err(|refused| match refused {
            Refused::Busy(busy) => {
                let who = busy.words(clock::now().wall);
                self.say.say(Progress::Busy { who: who.clone(), since: busy.at });
                self.refused_by_hand(who, Vec::new())
            }
            Refused::Failed(failure) => self.refused_by_hand(failure.to_string(), Vec::new()),
        })
    }

    /// Writes down what is going to be done.
    pub(super) fn record(
        &mut self,
        permit: &Permit,
        what: What,
        why: Why,
    ) -> Result<(Audit, Recorded), Ending> {
        let intent = Intent { who: self.setup.who.clone(), what, why };
        let recorded = Audit::open(permit, &self.setup.tools)
            .and_then(|audit| audit.record(&intent).map(|recorded| (audit, recorded)));
        match recorded {
            Ok((audit, recorded)) => {
                self.sequence = recorded.sequence();
                self.say.say(Progress::Recorded { sequence: recorded.sequence() });
                Ok((audit, recorded))
            }
            Err(failure) => {
                let why = format!("what cannot be recorded is not done: {failure}");
                Err(self.refused_by_hand(why, Vec::new()))
            }
        }
    }

    /// Writes down what came of it.
    pub(super) fn conclude_record(
        &mut self,
        (audit, recorded): &(Audit, Recorded),
        ending: Ending,
        verdict: Option<Verdict>,
        words: &str,
    ) {
        let outcome = Outcome { ending, verdict, words: Text::new(words) };
        if let Err(failure) = audit.conclude(recorded, &outcome) {
            let why = format!("it was done, and that could not be recorded: {failure}");
            self.say.say(Progress::NeedsHuman { why, by_hand: Vec::new() });
        }
    }

    /// Waits for the yes, and goes on looking meanwhile.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn answer(
        &mut self,
        question: Question,
        eyes: &mut Eyes,
    ) -> Result<Confirmation, String> {
        let end = Instant::now() + PATIENCE;
        let order = loop {
            tokio::select! {
                biased;
                order = self.orders.recv() => break order,
                () = tokio::time::sleep_until(end) => break None,
                () = eyes.watch(PAUSE) => eyes.settle(),
            }
        };
        match order {
            Some(Order::Confirm { digest, nonce, typed }) => question
                .answer(digest, &nonce, typed.as_deref())
                .map_err(|unasked| unasked.to_string()),
            Some(_) => Err("this was no yes".to_owned()),
            None => Err("nobody said yes".to_owned()),
        }
    }
}
