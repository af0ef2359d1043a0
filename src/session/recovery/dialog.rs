//! The question, and the keys while it stands. The default is no.

use crate::{
    observation::Clean,
    remedy::Order,
    session::{Effect, Key, KeyCode, Layer, Model, layout::SMALLEST},
};

use super::{Arming, Run, Stage};

/// Longest name that can be typed, in characters.
const NAME: usize = 256;

impl Model {
    /// The ticket of a question that has not been drawn yet and would be in the next frame: whoever
    /// draws says [`Event::Shown`] with it after the frame, and [`Event::Armed`] 300 ms later.
    ///
    /// [`Event::Shown`]: crate::session::Event::Shown
    /// [`Event::Armed`]: crate::session::Event::Armed
    pub fn unseen_question(&self) -> Option<u64> {
        let (columns, rows) = self.view.size;
        if columns < SMALLEST.0 || rows < SMALLEST.1 {
            return None;
        }
        let run = self.recovery.run.as_ref()?;
        let arming = match (self.view.layers.last()?, run.stage()) {
            (Layer::Confirm, Stage::Asking) => run.question.as_ref()?.arming,
            (Layer::Run, Stage::Keeping) => run.keep?,
            _ => return None,
        };
        match arming {
            Arming::Unseen(ticket) => Some(ticket),
            Arming::Seen(_) | Arming::Armed => None,
        }
    }

    /// A frame with the question has been drawn.
    pub(in crate::session) fn question_shown(&mut self, ticket: u64) -> Vec<Effect> {
        if self.unseen_question() == Some(ticket)
            && let Some(arming) = self.arming()
        {
            *arming = Arming::Seen(ticket);
        }
        Vec::new()
    }

    /// The question has been on screen long enough, unless something covers it by now: then it has to
    /// be shown again.
    pub(in crate::session) fn question_armed(&mut self, ticket: u64) -> Vec<Effect> {
        let covered = !matches!(self.view.layers.last(), Some(Layer::Confirm | Layer::Run));
        let again = self.recovery.ticket();
        match self.arming() {
            Some(arming) if *arming == Arming::Seen(ticket) => {
                *arming = if covered { Arming::Unseen(again) } else { Arming::Armed };
                vec![Effect::Draw]
            }
            _ => Vec::new(),
        }
    }

    /// How far the question is that the run asks now.
    pub(super) fn arming(&mut self) -> Option<&mut Arming> {
        let run = self.recovery.run.as_mut()?;
        match run.stage() {
            Stage::Asking => run.question.as_mut().map(|question| &mut question.arming),
            Stage::Keeping => run.keep.as_mut(),
            _ => None,
        }
    }
}

/// A key before the question.
pub(in crate::session) fn press(model: &mut Model, key: Key) -> Vec<Effect> {
    let ticket = model.recovery.ticket();
    let Some(run) = model.recovery.run.as_mut() else { return close(model) };
    let stage = run.stage();
    if stage != Stage::Asking {
        // While the checks run a repeated key must not close what it opened.
        let leaves = is_no(key) || matches!(stage, Stage::Refused | Stage::Rehearsed | Stage::Over);
        return if leaves && key != run.opened { close(model) } else { Vec::new() };
    }
    let Some(question) = run.question.as_mut() else { return Vec::new() };
    if question.type_name.is_some() {
        return name(model, key);
    }
    let yes = key == Key { code: KeyCode::Char('y'), control: false };
    if question.arming != Arming::Armed {
        if yes {
            // Typed ahead or held down: it has to be let go and pressed again.
            question.arming = Arming::Unseen(ticket);
            return vec![Effect::Draw];
        }
        return if is_no(key) { close(model) } else { Vec::new() };
    }
    if yes {
        confirm(model)
    } else if key == run.opened {
        Vec::new()
    } else {
        close(model)
    }
}

/// A key while the name is typed.
fn name(model: &mut Model, key: Key) -> Vec<Effect> {
    let question = model.recovery.run.as_mut().and_then(|run| run.question.as_mut());
    let Some(question) = question else { return Vec::new() };
    match key.code {
        KeyCode::Esc => return close(model),
        _ if question.arming != Arming::Armed => return Vec::new(),
        KeyCode::Enter => {
            let right = question.type_name.as_deref() == Some(question.typed.as_str());
            return if right { confirm(model) } else { Vec::new() };
        }
        KeyCode::Backspace => drop(question.typed.pop()),
        KeyCode::Char('u') if key.control => question.typed.clear(),
        KeyCode::Char(c) if !key.control && question.typed.chars().count() < NAME => {
            let safe = Clean::new(c.encode_utf8(&mut [0; 4])).as_str().chars().eq([c]);
            if safe {
                question.typed.push(c);
            }
        }
        _ => {}
    }
    vec![Effect::Draw]
}

fn confirm(model: &mut Model) -> Vec<Effect> {
    let Some(run) = model.recovery.run.as_mut().filter(|run| !run.confirmed) else {
        return Vec::new();
    };
    let Some(question) = run.question.take() else { return Vec::new() };
    run.confirmed = true;
    run.top = 0;
    let typed = question.type_name.map(|_| question.typed);
    if let Some(layer) = model.view.layers.last_mut() {
        *layer = Layer::Run;
    }
    let order = Order::Confirm { digest: question.digest, nonce: question.nonce, typed };
    vec![Effect::Send(order), Effect::Draw]
}

/// No: nothing has been done, and nothing will be.
fn close(model: &mut Model) -> Vec<Effect> {
    if matches!(model.view.layers.last(), Some(Layer::Confirm)) {
        model.view.layers.pop();
    }
    let open = model.recovery.run.take_if(|run| !run.confirmed);
    let ended = open.as_ref().is_none_or(|run: &Run| run.ending.is_some());
    if ended { vec![Effect::Draw] } else { vec![Effect::Abandon, Effect::Draw] }
}

const fn is_no(key: Key) -> bool {
    matches!(key.code, KeyCode::Esc | KeyCode::Char('n' | 'q')) && !key.control
}
