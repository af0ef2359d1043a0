//! Taking back what was done before: a deed that was finished, or an edit that was broken off.

use crate::{
    action::{
        Failure, Permit, Question,
        audit::TAKE_BACK,
        hands,
        history::{self, Deed},
        journal::{self, Interrupted},
    },
    engine::eyes::Eyes,
    host::{clock, executor},
    observation::GatewayId,
    remedy::{Action, Digest, Ending, Plan, Progress},
    verification::{Clause, Expectation, Verdict},
};

use super::run::{LOOK, LOOKS_ONLY, Run, Say};

/// What is taken back.
enum Target {
    Deed(Box<Deed>),
    BrokenOff(Box<Interrupted>),
}

impl<S: Say> Run<'_, S> {
    /// Takes something back that was done before.
    pub(super) async fn take_back(&mut self, sequence: Option<u64>, rehearsal: bool) -> Ending {
        let target = match self.target(sequence) {
            Ok(target) => target,
            Err((why, by_hand)) => return self.refused_by_hand(why, by_hand),
        };
        let words = target.by_hand(self);
        self.say.say(Progress::TakesBack { what: target.words(), words });
        let mut eyes = Eyes::open(&self.setup.options);
        eyes.look(LOOK).await;
        let Ok(nonce) = executor::nonce() else {
            return self.refused_by_hand("no random numbers".to_owned(), Vec::new());
        };
        let question = Question::new(target.digest(), nonce, None);
        self.ask(&question);
        if rehearsal {
            return Ending::Rehearsed;
        }
        let Some(permit) = self.setup.permit.take() else {
            return self.refused_by_hand(LOOKS_ONLY.to_owned(), Vec::new());
        };
        if let Err(why) = self.answer(question, &mut eyes).await {
            return self.refused_by_hand(why, Vec::new());
        }
        let plan = target.plan();
        let _lock = match self.lock(&permit, "take something back", &plan) {
            Ok(lock) => lock,
            Err(ending) => return ending,
        };
        let record = match self.record(&permit, &plan, &[], None) {
            Ok(record) => record,
            Err(ending) => return ending,
        };
        let (ending, words) = self.undo(&target, &permit, &mut eyes).await;
        self.conclude_record(&record, ending, None, &words);
        ending
    }

    /// What is meant, or why there is nothing, with what a person does.
    fn target(&self, sequence: Option<u64>) -> Result<Target, (String, Vec<String>)> {
        let tools = &self.setup.tools;
        if sequence.is_none()
            && let Some(broken) = journal::interrupted(tools).into_iter().next()
        {
            return match broken.undo {
                Some(_) => Ok(Target::BrokenOff(Box::new(broken))),
                None => Err((broken.words, broken.by_hand)),
            };
        }
        match history::find(tools, sequence) {
            Ok(deed) => Ok(Target::Deed(Box::new(deed))),
            Err(failure) => Err((failure.to_string(), Vec::new())),
        }
    }

    async fn undo(
        &mut self,
        target: &Target,
        permit: &Permit,
        eyes: &mut Eyes,
    ) -> (Ending, String) {
        let began = clock::now();
        let undone = match target {
            Target::Deed(deed) => self.undo_deed(deed, permit).await,
            Target::BrokenOff(broken) => {
                journal::recover(permit, &self.setup.tools, broken).map(|words| vec![words])
            }
        };
        let done = match undone {
            Ok(done) => done,
            Err(failure) => return self.stuck(&failure, target.by_hand(self)),
        };
        for words in done {
            self.say.say(Progress::Done { step: 0, words });
        }
        let gateways = target.gateways(eyes);
        for gateway in &gateways {
            // The master may be another one by now.
            let master = eyes.model.case.gateways.get(gateway).and_then(|g| g.master);
            let Some(master) = master else { continue };
            let step = Action::ReloadGateway { gateway: gateway.clone(), master };
            let case = &eyes.model.case;
            let reloaded = hands::carry_out(permit, &step, case, &self.setup.tools).await;
            if let Err(failure) = reloaded {
                return self.stuck(&failure, Vec::new());
            }
        }
        if let Target::Deed(deed) = target {
            drop(history::forget(&self.setup.tools, deed.sequence));
        }
        let verdict = self.runs_again(gateways, began, eyes).await;
        self.say.say(Progress::RolledBack { why: "it was asked for".to_owned(), verdict });
        let ending = if verdict == Verdict::Worse { Ending::NotFixed } else { Ending::Verified };
        (ending, "taken back".to_owned())
    }

    async fn undo_deed(&self, deed: &Deed, permit: &Permit) -> Result<Vec<String>, Failure> {
        let mut done = Vec::new();
        for undo in &deed.undo {
            done.push(hands::take_back(permit, undo, &self.setup.tools).await?);
        }
        Ok(done)
    }

    fn stuck(&mut self, failure: &Failure, by_hand: Vec<String>) -> (Ending, String) {
        let why = failure.to_string();
        self.say.say(Progress::NeedsHuman { why: why.clone(), by_hand });
        (Ending::NeedsHuman, why)
    }

    /// After taking back: the gateways that were told must have workers.
    pub(super) async fn runs_again(
        &mut self,
        gateways: Vec<GatewayId>,
        began: crate::observation::Moment,
        eyes: &mut Eyes,
    ) -> Verdict {
        if gateways.is_empty() {
            return Verdict::CannotTell;
        }
        let clauses = gateways.into_iter().map(|gateway| Clause::GatewayRuns { gateway }).collect();
        let expect = Expectation { within_secs: 5, stable_secs: 0, clauses, proofs: Vec::new() };
        self.watch(&expect, crate::verification::Baseline::default(), began, eyes).await.verdict
    }
}

impl Target {
    fn words(&self) -> String {
        match self {
            Self::Deed(deed) => deed.plan.words(),
            Self::BrokenOff(broken) => broken.words.clone(),
        }
    }

    fn by_hand<S>(&self, run: &Run<'_, S>) -> Vec<String> {
        match self {
            Self::Deed(deed) => {
                deed.undo.iter().map(|undo| undo.by_hand(&run.setup.tools)).collect()
            }
            Self::BrokenOff(broken) => broken.by_hand.clone(),
        }
    }

    fn digest(&self) -> Digest {
        match self {
            Self::Deed(deed) => deed.digest(),
            Self::BrokenOff(broken) => {
                Digest::of_parts(&[b"broken off", broken.id.as_bytes(), broken.words.as_bytes()])
            }
        }
    }

    /// What it is for the record.
    fn plan(&self) -> Plan {
        match self {
            Self::Deed(deed) => Plan {
                remedy: format!("{TAKE_BACK}-{}", deed.plan.remedy),
                why: format!("number {} of this record is taken back", deed.sequence),
                ..deed.plan.clone()
            },
            Self::BrokenOff(broken) => Plan {
                remedy: TAKE_BACK.to_owned(),
                cause: String::new(),
                whom: broken.file.to_string(),
                why: broken.words.clone(),
                steps: Vec::new(),
                expect: Expectation::default(),
                blast: crate::remedy::Blast::default(),
            },
        }
    }

    /// Gateways that have to read their configuration again.
    fn gateways(&self, eyes: &Eyes) -> Vec<GatewayId> {
        match self {
            Self::Deed(deed) => deed.plan.reloads(),
            Self::BrokenOff(broken) => {
                let configs = eyes.model.case.configs.iter();
                let reads = configs.filter(|(_, config)| config.files.contains(&broken.file));
                reads.map(|(gateway, _)| gateway.clone()).collect()
            }
        }
    }
}
