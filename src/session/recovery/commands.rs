//! What the keys of acting do.

use crate::{
    remedy::{Blast, Order, Plan},
    session::{Effect, FileAt, Key, Layer, Model, Wait, keymap::Command},
    verification::Expectation,
};

use super::{Arming, Choice, Entry, EntryKey, Past, Purpose, Run, best, entries};

/// Does what a key of acting asks for.
pub(in crate::session) fn act(model: &mut Model, command: Command, key: Key) -> Vec<Effect> {
    match command {
        Command::Repair => repair(model, key),
        Command::Rehearse => match best(model) {
            Some(Choice::Plan(plan)) => {
                let plan = plan.clone();
                model.prepare(plan, key, Purpose::Rehearsal)
            }
            _ => repair(model, key),
        },
        Command::Undo => undo(model, key),
        Command::Actions => {
            model.view.layers.push(Layer::Actions { selected: None, index: 0, top: 0 });
            vec![Effect::Draw]
        }
        Command::Choose => choose(model, key),
        Command::Keep => decide(model, Order::Keep),
        Command::Revert => decide(model, Order::Revert),
        Command::Audit => {
            model.view.layers.push(Layer::Audit { top: 0 });
            model.wait(Wait::Audit);
            vec![Effect::ReadAudit, Effect::Draw]
        }
        _ => Vec::new(),
    }
}

fn repair(model: &mut Model, key: Key) -> Vec<Effect> {
    if model.recovery.is_acting() {
        return model.look_at_run();
    }
    match best(model) {
        Some(Choice::Plan(plan)) => {
            let plan = plan.clone();
            model.prepare(plan, key, Purpose::Repair)
        }
        Some(Choice::Refusal(offer, _) | Choice::Exhausted(offer)) => {
            let (cause, whom) = (offer.cause, offer.whom.clone());
            model.view.layers.push(Layer::Refusal { cause, whom, top: 0 });
            vec![Effect::Draw]
        }
        None => Vec::new(),
    }
}

/// The newest run that was carried out, stands, and can be taken back.
pub(in crate::session) fn undoable(model: &Model) -> Option<&Past> {
    let past = model.recovery.past.iter().rev();
    let mut done = past.filter(|past| past.sequence.is_some());
    let last = done.find(|past| !past.undo && past.plan.reversible())?;
    let undone =
        model.recovery.past.iter().any(|p| p.undo && p.plan == last.plan && p.at >= last.at);
    let gone = last.ending == crate::remedy::Ending::RolledBack;
    (!undone && !gone).then_some(last)
}

fn undo(model: &mut Model, key: Key) -> Vec<Effect> {
    if model.recovery.is_acting() {
        return model.look_at_run();
    }
    if let Some(why) = model.broken_off.first().cloned() {
        let plan = Plan {
            remedy: "take-back".to_owned(),
            cause: String::new(),
            whom: String::new(),
            why,
            steps: Vec::new(),
            expect: Expectation::default(),
            blast: Blast::default(),
        };
        model.open_run(Run::new(plan, key, Purpose::Undo));
        return vec![Effect::Undo(None), Effect::Draw];
    }
    let Some((plan, Some(sequence))) = undoable(model).map(|p| (p.plan.clone(), p.sequence)) else {
        return Vec::new();
    };
    model.open_run(Run::new(plan, key, Purpose::Undo));
    vec![Effect::Undo(Some(sequence)), Effect::Draw]
}

fn choose(model: &mut Model, key: Key) -> Vec<Effect> {
    if model.recovery.is_acting() {
        return model.look_at_run();
    }
    let Some(Layer::Actions { selected, index, .. }) = model.view.layers.last() else {
        return Vec::new();
    };
    let chosen = {
        let all = entries(model);
        let at = EntryKey::position(selected.as_ref(), *index, &all);
        all.into_iter().nth(at).map(|entry| match entry {
            Entry::Plan(plan, _) => Chosen::Plan(plan.into_owned()),
            Entry::Edit(offer, place) => Chosen::Edit(FileAt::new(model, offer, place)),
            Entry::Refused(offer, _) => {
                let (cause, whom) = (offer.cause, offer.whom.clone());
                Chosen::Layer(Layer::Refusal { cause, whom, top: 0 })
            }
            Entry::Asked(_) => Chosen::Nothing,
        })
    };
    match chosen {
        Some(Chosen::Plan(plan)) => model.prepare(plan, key, Purpose::Repair),
        Some(Chosen::Edit(at)) => model.edit(at),
        Some(Chosen::Layer(layer)) => {
            model.view.layers.push(layer);
            vec![Effect::Draw]
        }
        Some(Chosen::Nothing) | None => Vec::new(),
    }
}

/// What a row of the list leads to.
enum Chosen {
    Plan(Plan),
    Edit(FileAt),
    Layer(Layer),
    Nothing,
}

/// Says keep or take back, once. Where that is asked a key scrolled a moment ago: as before the
/// other question, one that was pressed before it could be read does not count, and begins anew.
fn decide(model: &mut Model, order: Order) -> Vec<Effect> {
    let ticket = model.recovery.ticket();
    if let Some(arming) = model.arming().filter(|arming| **arming != Arming::Armed) {
        *arming = Arming::Unseen(ticket);
        return vec![Effect::Draw];
    }
    match model.recovery.run.as_mut().filter(|run| !run.decided) {
        Some(run) => {
            run.decided = true;
            vec![Effect::Send(order), Effect::Draw]
        }
        None => Vec::new(),
    }
}

impl Model {
    /// Opens the question of a run.
    fn open_run(&mut self, run: Run) {
        self.recovery.run = Some(Run { began: self.case.now.wall, ..run });
        self.view.layers.push(Layer::Confirm);
    }

    /// Opens the run that is under way.
    pub(in crate::session) fn look_at_run(&mut self) -> Vec<Effect> {
        let layers = &mut self.view.layers;
        layers.retain(|layer| *layer != Layer::Run);
        layers.push(Layer::Run);
        vec![Effect::Draw]
    }

    /// Has a plan checked, and opens the question.
    pub(in crate::session) fn prepare(
        &mut self,
        plan: Plan,
        key: Key,
        purpose: Purpose,
    ) -> Vec<Effect> {
        self.open_run(Run::new(plan.clone(), key, purpose));
        let plan = Box::new(plan);
        let look_only = purpose == Purpose::Rehearsal;
        vec![if look_only { Effect::Rehearse(plan) } else { Effect::Prepare(plan) }, Effect::Draw]
    }
}
