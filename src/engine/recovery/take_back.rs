//! Taking back what was done before: a deed that was finished, or an edit that was broken off.

use std::collections::BTreeSet;

use crate::{
    action::{
        Failure, Permit, Question,
        audit::{TAKE_BACK, What, Why},
        hands::{self, Undo},
        history::{self, Deed},
        journal::{self, Interrupted, OnDisk},
    },
    diagnosis::UpstreamRow,
    engine::eyes::Eyes,
    host::{clock, executor},
    observation::{GatewayId, Text},
    remedy::{Digest, Ending, Plan, Progress, SITES_AT_ONCE, reload},
    verification::{Clause, Expectation, Verdict},
};

use super::{
    confine::{outside, step_outside},
    run::{LOOK, LOOKS_ONLY, Run, Say},
};

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
        if let Some(why) = outside(&target.plan(), self.setup.options.scope.as_ref()) {
            return self.refused_by_hand(why, Vec::new());
        }
        let words = target.by_hand(self);
        self.say.say(Progress::TakesBack { what: target.words(), words });
        let mut eyes = Eyes::open(&self.setup.options);
        eyes.look(LOOK).await;
        let Ok(nonce) = executor::nonce() else {
            return self.refused_by_hand("no random numbers".to_owned(), Vec::new());
        };
        let question = Question::new(target.digest(), nonce, target.name_to_type(&eyes));
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
        if let Err(ending) = self.lock(&permit, "take something back", &plan) {
            return ending;
        }
        let ending = self.take_back_alone(&target, sequence, &permit, &mut eyes).await;
        self.lock = None;
        ending
    }

    async fn take_back_alone(
        &mut self,
        target: &Target,
        sequence: Option<u64>,
        permit: &Permit,
        eyes: &mut Eyes,
    ) -> Ending {
        let (plan, lines) = (target.plan(), target.by_hand(self));
        // Somebody else may have taken it back, or done something newer, before this was said yes to.
        let now = self.target(sequence).ok().map(|target| target.digest());
        if now != Some(target.digest()) {
            let why = "this is not the last deed any more: look again".to_owned();
            return self.refused_by_hand(why, Vec::new());
        }
        journal::strike_untouched(permit, &self.setup.tools);
        // What is run is not what the plan ran.
        let commands = lines.iter().map(|line| vec![Text::new(line)]).collect();
        let actions = vec![TAKE_BACK.to_owned()];
        let what = What { actions, commands, ..What::of(&plan, None) };
        let record = match self.record(permit, what, Why::of(&plan, &[])) {
            Ok(record) => record,
            Err(ending) => return ending,
        };
        let (ending, words) = self.undo(target, permit, eyes).await;
        self.conclude_record(&record, ending, None, &words);
        ending
    }

    /// What is meant, or why there is nothing, with what a person does.
    fn target(&self, sequence: Option<u64>) -> Result<Target, (String, Vec<String>)> {
        let tools = &self.setup.tools;
        if sequence.is_none()
            // Where nothing was changed, there is nothing to take back.
            && let Some(broken) =
                journal::interrupted(tools).into_iter().find(|one| one.on_disk != OnDisk::Old)
        {
            // What another version wrote is for a person.
            return if broken.at.is_some() {
                Ok(Target::BrokenOff(Box::new(broken)))
            } else {
                Err((broken.words, broken.by_hand))
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
            Target::BrokenOff(broken) if broken.undo.is_some() => {
                journal::recover(permit, &self.setup.tools, broken).map(|words| vec![words])
            }
            // Somebody else's work stands there: it stays, and is not offered again.
            Target::BrokenOff(broken) => journal::forget(permit, &self.setup.tools, broken)
                .map(|()| vec![format!("{} is left as it is", broken.file)]),
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
            let case = &eyes.model.case;
            let Some(step) = case.gateways.get(gateway).and_then(reload) else { continue };
            if let Some(why) = step_outside(&step, self.setup.options.scope.as_ref()) {
                return self.stuck(&Failure::Refused(why), Vec::new());
            }
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

    /// The name that must be typed: taking it back stops what several sites need by now.
    fn name_to_type(&self, eyes: &Eyes) -> Option<String> {
        let Self::Deed(deed) = self else { return None };
        deed.undo.iter().find_map(|undo| {
            let (unit, container) = match undo {
                Undo::StopUnit { unit } => (Some(unit), None),
                Undo::StopContainer { container } | Undo::PauseContainer { container } => {
                    (None, Some(container))
                }
                _ => return None,
            };
            let is_its = |row: &UpstreamRow| {
                unit.is_some_and(|unit| row.unit.as_ref() == Some(unit))
                    || container
                        .is_some_and(|id| row.container.as_ref().is_some_and(|c| c.0 == *id))
            };
            let name = || unit.map_or_else(|| deed.plan.name_to_type(), ToString::to_string);
            (sites(eyes, is_its).len() > SITES_AT_ONCE).then(name)
        })
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

/// Names of the virtual hosts that lead to working upstreams of a kind.
fn sites(eyes: &Eyes, is_its: impl Fn(&UpstreamRow) -> bool) -> BTreeSet<&Text> {
    let rows = eyes.model.diagnosis.upstreams.iter();
    let ids: BTreeSet<_> =
        rows.filter(|row| row.state == "up" && is_its(row)).map(|row| &row.id).collect();
    let upstreams = eyes.model.case.configs.values().flat_map(|config| &config.upstreams);
    let routes = upstreams.filter(|u| ids.contains(&u.id)).flat_map(|u| &u.routes);
    routes.filter_map(|route| route.server_names.first()).collect()
}
