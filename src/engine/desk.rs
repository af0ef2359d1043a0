//! What a session has read for it, acting or not: the record of deeds, and files to edit. It reads
//! where that may take its time, and brings the answer onto the session's queue.

use std::{sync::Arc, time::Duration};

use tokio::{runtime::Handle, sync::mpsc, time::timeout};

use crate::{
    action::{
        Tools,
        audit::{self, Phase, ReadError, Who},
        incidents::{self, Scribe},
        memory, saved_screens,
    },
    host::files::Root,
    observation::{Text, Wall},
    remedy::spoken,
    session::{AuditDetail, AuditLine, Event, FileAt, history::Entry},
};

use super::ledger::Ledger;

/// Answers that wait at most.
const ANSWERS: usize = 8;
/// Longest file that is edited, in bytes.
const FILE: u64 = 4 << 20;

/// What writes a post-mortem, given what was done or why that is not known: Markdown and HTML. It
/// may take its time, and is called where that holds up nobody.
pub type Report = Box<dyn FnOnce(Result<&[AuditLine], &str>) -> (String, String) + Send>;

/// Reads for a session.
#[derive(Debug)]
pub struct Desk {
    runtime: Handle,
    tools: Tools,
    answer: mpsc::Sender<Event>,
    answers: mpsc::Receiver<Event>,
    /// Who writes the history; a session that only looks has none.
    ledger: Option<Arc<Ledger>>,
}

impl Desk {
    /// A desk whose reading is done on `runtime`.
    pub fn new(runtime: Handle, tools: Tools) -> Self {
        let (answer, answers) = mpsc::channel(ANSWERS);
        Self { runtime, tools, answer, answers, ledger: None }
    }

    /// With somebody who writes the history.
    #[must_use]
    pub fn with(self, scribe: Option<Scribe>) -> Self {
        Self { ledger: scribe.map(|scribe| Arc::new(Ledger::new(scribe))), ..self }
    }

    /// Reads the history. A session that may write sets a damaged one aside.
    pub fn read_history(&self) {
        let (ledger, tools) = (self.ledger.clone(), self.tools.clone());
        self.read(move || {
            let read = ledger.map_or_else(|| incidents::read(&tools), |ledger| ledger.open());
            Event::History(Box::new(read))
        });
    }

    /// Has accounts of incidents kept, and gives the history back. What comes while the disk is slow
    /// takes the place of what it tells anew.
    pub fn chronicle(&self, entries: Vec<Entry>) {
        let Some(ledger) = self.ledger.as_ref().filter(|ledger| ledger.take(entries)) else {
            return;
        };
        let (ledger, answer) = (Arc::clone(ledger), self.answer.clone());
        self.runtime.spawn_blocking(move || {
            if let Some(history) = ledger.write() {
                // Whoever does not listen now reads it with the next one.
                drop(answer.try_send(Event::History(Box::new(history))));
            }
        });
    }

    /// Waits until everything is written, at most so long.
    pub async fn finish(&self, most: Duration) {
        let Some(ledger) = self.ledger.clone() else { return };
        let rest = self.runtime.spawn_blocking(move || ledger.write().map(drop));
        let _ = timeout(most, rest).await;
    }

    /// Reads the audit.
    pub fn read_audit(&self) {
        let tools = self.tools.clone();
        self.read(move || Event::Audit(audit_lines(&tools)));
    }

    /// Keeps a screen as text and SVG.
    pub fn save_screen(&self, host: String, at: Wall, (text, svg): (String, String)) {
        let tools = self.tools.clone();
        self.read(move || Event::Saved(saved_screens::save(&tools, &host, at, &text, &svg)));
    }

    /// Writes a post-mortem, with what the audit says, and keeps it.
    pub fn save_report(&self, host: String, at: Wall, report: Report) {
        let tools = self.tools.clone();
        self.read(move || {
            let deeds = audit_lines(&tools);
            let (markdown, html) = report(deeds.as_deref().map_err(String::as_str));
            Event::Saved(saved_screens::save_report(&tools, &host, at, &markdown, &html))
        });
    }

    /// Reads a file to edit.
    pub fn read_file(&self, at: FileAt) {
        self.read(move || {
            let root = Root::new(at.root.raw());
            let read = root.read(at.place.file.raw(), FILE).map_err(|error| error.to_string());
            let text = |bytes| String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned());
            Event::File { file: at.place.file, content: read.and_then(text) }
        });
    }

    /// Keeps a text until the next start.
    pub fn remember(&self, text: String) {
        let tools = self.tools.clone();
        self.runtime.spawn_blocking(move || memory::keep(&tools, &text));
    }

    fn read(&self, read: impl FnOnce() -> Event + Send + 'static) {
        let answer = self.answer.clone();
        self.runtime.spawn_blocking(move || drop(answer.blocking_send(read())));
    }

    /// The next answer. May be cancelled.
    pub async fn next(&mut self) -> Event {
        match self.answers.recv().await {
            Some(event) => event,
            // The desk holds a sender itself.
            None => std::future::pending().await,
        }
    }
}

/// The audit as the screen shows it: one line for each deed, with what came of it.
///
/// # Errors
/// Why it cannot be read, in words. No records are none.
pub fn audit_lines(tools: &Tools) -> Result<Vec<AuditLine>, String> {
    let ledger = match audit::read(tools) {
        Ok(ledger) => ledger,
        Err(ReadError::None(_)) => return Ok(Vec::new()),
        Err(error) => return Err(error.to_string()),
    };
    let broken = ledger.faults.iter().map(|fault| fault.line).min();
    let mut lines: Vec<AuditLine> = Vec::new();
    for (at, record) in (1_u64..).zip(&ledger.records) {
        match &record.body.phase {
            Phase::Intent(intent) => lines.push(AuditLine {
                sequence: record.body.sequence,
                at: wall(&record.body.at),
                who: who(&intent.who),
                what: intent.what.title(),
                result: Text::default(),
                intact: broken.is_none_or(|line| at < line),
                detail: detail(intent),
            }),
            Phase::Result { of, outcome } => {
                let own = lines.iter_mut().rev().find(|line| line.sequence == *of);
                if let Some(line) = own {
                    line.result = outcome.words.clone();
                    line.detail.ended = Some(wall(&record.body.at));
                    (line.detail.ending, line.detail.verdict) =
                        (Some(outcome.ending), outcome.verdict);
                }
            }
        }
    }
    Ok(lines)
}

fn who(who: &Who) -> Text {
    let name = who.sudo_user.as_ref().unwrap_or(&who.user);
    match &who.ssh_client {
        Some(client) => Text::new(format!("{} from {}", name.raw(), client.raw())),
        None => name.clone(),
    }
}

fn detail(intent: &audit::Intent) -> AuditDetail {
    let line = |words: &Vec<Text>| {
        let words: Vec<String> = words.iter().map(|word| word.raw().to_owned()).collect();
        // A single word is a line as it stands.
        if let [line] = words.as_slice() { Text::new(line) } else { Text::new(spoken(&words)) }
    };
    AuditDetail {
        by: Text::new(intent.who.words()),
        commands: intent.what.commands.iter().map(line).collect(),
        cause: Text::new(&intent.why.cause),
        whom: intent.why.whom.clone(),
        finding: intent.why.finding.clone(),
        evidence: intent.why.evidence.clone(),
        ..AuditDetail::default()
    }
}

fn wall(at: &str) -> Wall {
    at.parse::<jiff::Timestamp>().map_or(Wall(0), |at| Wall(at.as_microsecond()))
}
