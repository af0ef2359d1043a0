//! A file that is being edited: its text, where the cursor stands, what is known and wrong.

use crate::{
    observation::{Clean, GatewayId, GatewayKind, Place, Text},
    remedy::{
        Action, Change, ConfigTest, Digest, FileEdit, Offer,
        directives::{self, Host, Problem},
        edited,
        look::About,
    },
};

use super::{
    Effect, Key, KeyCode, Knowledge, Layer, Model, Wait,
    keymap::Command,
    layout,
    recovery::{Purpose, Run},
};

/// Largest file that is edited here: bytes and lines.
const BYTES: usize = 1 << 20;
const LINES: usize = 50_000;
/// Steps that can be undone.
const UNDO: usize = 50;
/// Bytes that they may take together.
const KEPT: usize = 8 << 20;

/// A file that is to be edited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileAt {
    /// File and line, as its program sees the path.
    pub place: Place,
    /// Prefix under which that path is seen from here: empty, or `/proc/PID/root`.
    pub root: Text,
    /// Whose configuration it is.
    pub owner: edited::Owner,
    /// The finding that led here: cause and whom it concerns.
    pub about: (String, String),
}

impl FileAt {
    /// The line that an offer names.
    pub(super) fn new(model: &Model, offer: &Offer, place: &Place) -> Self {
        let mut configs = model.case.configs.iter();
        let gateway =
            configs.find(|(_, c)| c.files.contains(&place.file)).map(|(id, _)| id.clone());
        let root = gateway.as_ref().and_then(|id| model.case.gateways.get(id));
        let root = root.map(|g| g.root.clone()).unwrap_or_default();
        let unit = model.case.units.keys().find(|unit| unit.as_str() == offer.whom).cloned();
        let unit = unit.filter(|_| gateway.is_none());
        let owner = edited::Owner { gateway, unit };
        let about = (offer.cause.to_owned(), offer.whom.clone());
        Self { place: place.clone(), root, owner, about }
    }
}

/// What was typed into a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// A key.
    Key(Key),
    /// A text, as from a paste.
    Text(String),
}

/// A file that is being edited.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    /// Which.
    pub at: FileAt,
    /// Its text as it was read, `None` until it is.
    pub base: Option<String>,
    /// Its lines now; joined by newlines they are the file.
    pub lines: Vec<String>,
    /// Row of the cursor, from 0.
    pub row: usize,
    /// Characters before the cursor.
    pub col: usize,
    /// The first visible row.
    pub top: usize,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// What is known of the line under the cursor.
    pub known: Vec<String>,
    /// What is answered to the last key; empty for nothing.
    pub said: String,
    /// Earlier texts with their cursors, the newest last.
    pub undo: Vec<(Vec<String>, usize, usize)>,
}

impl Draft {
    /// The file as it would be written.
    pub fn content(&self) -> String {
        self.lines.join("\n")
    }

    /// Whether it differs from what was read.
    pub fn is_changed(&self) -> bool {
        self.base.as_ref().is_some_and(|base| *base != self.content())
    }

    fn follow(&mut self, height: usize, host: Host) {
        self.top = layout::first_visible(self.top, self.row, height, self.lines.len());
        // The directives that are known are nginx's.
        let kind = self.at.owner.gateway.as_ref().and_then(GatewayId::kind);
        if kind.is_some_and(|kind| kind != GatewayKind::Nginx) {
            return;
        }
        self.problems = directives::problems(&self.lines, host);
        self.known = directives::explain(&self.lines, self.row);
    }
}

impl Model {
    /// Opens the editor, and has the file read.
    pub(super) fn edit(&mut self, at: FileAt) -> Vec<Effect> {
        let open = self.draft.as_ref().is_some_and(|d| d.at.place.file == at.place.file);
        self.view.layers.push(Layer::Editor);
        if open {
            return vec![Effect::Draw];
        }
        self.draft = Some(Draft { at: at.clone(), ..Draft::default() });
        self.wait(Wait::File);
        vec![Effect::ReadFile(at), Effect::Draw]
    }

    /// The file has been read.
    pub(super) fn opened(&mut self, file: &Text, content: &Result<String, String>) -> Vec<Effect> {
        let (height, host) = (self.editor_height(), self.memory_and_workers());
        let Some(draft) = self.draft.as_mut() else { return Vec::new() };
        if draft.at.place.file != *file || draft.base.is_some() {
            return Vec::new();
        }
        match content {
            Ok(text) if text.len() <= BYTES && text.split('\n').count() <= LINES => {
                draft.lines = text.split('\n').map(str::to_owned).collect();
                draft.base = Some(text.clone());
                let line = usize::try_from(draft.at.place.line).unwrap_or(0);
                draft.row = line.saturating_sub(1).min(draft.lines.len().saturating_sub(1));
                let text = draft.lines.get(draft.row).map(String::as_str).unwrap_or_default();
                draft.col = text.chars().take_while(|c| c.is_whitespace()).count();
                draft.top = draft.row.saturating_sub(height / 3);
                draft.follow(height, host);
            }
            Ok(_) => "it is too large to be edited here".clone_into(&mut draft.said),
            Err(why) => draft.said.clone_from(why),
        }
        vec![Effect::Draw]
    }

    fn editor_height(&self) -> usize {
        let body = layout::layout(&self.view, &self.shown()).body;
        usize::from(layout::editor(body).0.height.saturating_sub(1)).max(1)
    }

    fn memory_and_workers(&self) -> Host {
        let available = self.case.memory.last().map_or(0, |sample| sample.value.available);
        let own = self.draft.as_ref().and_then(|draft| draft.at.owner.gateway.as_ref());
        let gateway = own.and_then(|id| self.case.gateways.get(id));
        let workers = gateway.map_or(1, |g| g.workers.len());
        Host { available, workers: u64::try_from(workers).unwrap_or(1) }
    }

    /// A key in the editor.
    pub(super) fn typed(&mut self, key: Key, knowledge: Knowledge) -> Vec<Effect> {
        let safe = match key.code {
            KeyCode::Char(c) => Clean::new(c.encode_utf8(&mut [0; 4])).as_str().chars().eq([c]),
            _ => true,
        };
        if !safe {
            return Vec::new();
        }
        if key.control && key.code == KeyCode::Char('u') {
            return self.undo_typing();
        }
        self.change(&Typed::Key(key), knowledge)
    }

    /// A text is pasted into the editor; only what a screen can show.
    pub(super) fn pasted(&mut self, text: &str, knowledge: Knowledge) -> Vec<Effect> {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let lines = text.split('\n').map(|line| {
            let safe = |c: &char| {
                *c == '\t' || Clean::new(c.encode_utf8(&mut [0; 4])).as_str().chars().eq([*c])
            };
            line.chars().filter(safe).collect::<String>()
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        self.change(&Typed::Text(text), knowledge)
    }

    fn change(&mut self, typed: &Typed, knowledge: Knowledge) -> Vec<Effect> {
        let (height, host) = (self.editor_height(), self.memory_and_workers());
        let Some(draft) = self.draft.as_mut().filter(|draft| draft.base.is_some()) else {
            return Vec::new();
        };
        let undo = std::mem::take(&mut draft.undo);
        let mut next = (knowledge.edit)(draft, typed);
        if next.lines.len() > LINES {
            draft.undo = undo;
            return Vec::new();
        }
        next.undo = undo;
        if next.lines != draft.lines {
            next.undo.push((std::mem::take(&mut draft.lines), draft.row, draft.col));
            // Steps of a large file are fewer, so that they stay within one bound.
            let size: usize = next.lines.iter().map(String::len).sum();
            let kept = (KEPT / size.max(1)).clamp(1, UNDO);
            let excess = next.undo.len().saturating_sub(kept);
            next.undo.drain(..excess);
        }
        next.said.clear();
        next.follow(height, host);
        *draft = next;
        vec![Effect::Draw]
    }

    fn undo_typing(&mut self) -> Vec<Effect> {
        let (height, host) = (self.editor_height(), self.memory_and_workers());
        let Some(draft) = self.draft.as_mut() else { return Vec::new() };
        if let Some((lines, row, col)) = draft.undo.pop() {
            (draft.lines, draft.row, draft.col) = (lines, row, col);
            draft.follow(height, host);
        }
        vec![Effect::Draw]
    }

    /// Save, leave, and the question in between.
    pub(super) fn editing(&mut self, command: Command, key: Key) -> Vec<Effect> {
        match command {
            Command::Save => return self.save(key),
            Command::Discard if self.draft.as_ref().is_some_and(Draft::is_changed) => {
                self.view.layers.push(Layer::Leave);
            }
            Command::Discard | Command::Yes => self.close_editor(),
            _ => drop(self.view.layers.pop()),
        }
        vec![Effect::Draw]
    }

    pub(super) fn close_editor(&mut self) {
        self.draft = None;
        self.view.layers.retain(|layer| !matches!(layer, Layer::Editor | Layer::Leave));
    }

    fn save(&mut self, key: Key) -> Vec<Effect> {
        let Some(draft) = self.draft.as_mut() else { return Vec::new() };
        let grave = draft.problems.iter().find(|problem| problem.grave);
        let refused = if draft.is_changed() {
            grave.map(|problem| format!("not saved: line {}: {}", problem.row + 1, problem.what))
        } else {
            Some("nothing was changed".to_owned())
        };
        if let Some(why) = refused {
            draft.said = why;
            return vec![Effect::Draw];
        }
        if self.recovery.is_acting() {
            return self.look_at_run();
        }
        let Some(plan) = self.edited() else { return Vec::new() };
        self.prepare(plan, key, Purpose::Repair)
    }

    /// The plan that saves the draft.
    fn edited(&self) -> Option<crate::remedy::Plan> {
        let draft = self.draft.as_ref()?;
        let base = Digest::of(draft.base.as_ref()?.as_bytes());
        let at = &draft.at;
        let test = match (&at.owner.gateway, &at.owner.unit) {
            (Some(gateway), _) => Some(ConfigTest::of_gateway(gateway)),
            (None, Some(unit)) if unit.as_str().contains("fpm") => {
                Some(ConfigTest::PhpFpm { unit: unit.clone() })
            }
            (None, _) => None,
        };
        let change = Change::Whole { base, content: draft.content() };
        let (file, root) = (at.place.file.clone(), at.root.clone());
        let edit = FileEdit { file, root, change, test };
        let about = About { cause: &at.about.0, whom: &at.about.1 };
        Some(edited::edited(edit, &at.owner, Some(about), &self.diagnosis, &self.case))
    }

    /// Whether a run writes what is open in the editor.
    pub(super) fn writes_draft(&self, run: &Run) -> bool {
        let open = self.draft.as_ref().map(|draft| &draft.at.place.file);
        run.plan.steps.iter().any(|step| match step {
            Action::EditFile(FileEdit { file, change: Change::Whole { .. }, .. }) => {
                open == Some(file)
            }
            _ => false,
        })
    }
}
