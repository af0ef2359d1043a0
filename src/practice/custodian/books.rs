//! What is known of all programs, and the supervisor's own log of it.

use std::{cell::RefCell, io::Write, path::PathBuf};

use tokio::sync::mpsc;

use crate::practice::{
    places::Places,
    pulse::{ProgramPulse, Pulse, RoutePulse},
    setup::Asked,
};

use super::{order::Order, stamps, xml::Member};

/// Supervisor's states with their numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    Stopped = 0,
    Starting = 10,
    Running = 20,
    Backoff = 30,
    Stopping = 40,
    Exited = 100,
    Fatal = 200,
}

impl State {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Stopped => "STOPPED",
            Self::Starting => "STARTING",
            Self::Running => "RUNNING",
            Self::Backoff => "BACKOFF",
            Self::Stopping => "STOPPING",
            Self::Exited => "EXITED",
            Self::Fatal => "FATAL",
        }
    }
}

/// What is known of one program.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) log: PathBuf,
    pub(super) state: State,
    pub(super) pid: u32,
    pub(super) started: i64,
    pub(super) stopped: i64,
    pub(super) exit: i64,
    pub(super) spawn_error: String,
    pub(super) starts: u32,
    pub(super) ordered: u32,
    pub(super) orders: mpsc::Sender<Order>,
}

impl Entry {
    pub(super) fn members(&self) -> Vec<(&'static str, Member)> {
        let text = |text: &str| Member::Text(text.to_owned());
        let log = self.log.display().to_string();
        vec![
            ("name", text(&self.name)),
            ("group", text(&self.name)),
            ("description", text(self.state.word())),
            ("start", Member::Int(self.started)),
            ("stop", Member::Int(self.stopped)),
            ("now", Member::Int(stamps::now_secs())),
            ("state", Member::Int(self.state as i64)),
            ("statename", text(self.state.word())),
            ("spawnerr", text(&self.spawn_error)),
            ("exitstatus", Member::Int(self.exit)),
            ("logfile", text(&log)),
            ("stdout_logfile", text(&log)),
            ("stderr_logfile", text("")),
            ("pid", Member::Int(i64::from(self.pid))),
        ]
    }
}

/// Everything that the tasks of the custodian share.
#[derive(Debug)]
pub(super) struct Books {
    pub(super) places: Places,
    pub(super) entries: RefCell<Vec<Entry>>,
    pub(super) routes: RefCell<Vec<RoutePulse>>,
    pub(super) reloads: std::cell::Cell<u32>,
}

impl Books {
    pub(super) fn new(places: Places, asked: &[Asked]) -> Self {
        let route = |one: &Asked| RoutePulse {
            path: one.path.clone(),
            must_answer: one.must_answer,
            ..RoutePulse::default()
        };
        Self {
            places,
            entries: RefCell::default(),
            routes: RefCell::new(asked.iter().map(route).collect()),
            reloads: std::cell::Cell::new(0),
        }
    }

    /// Writes to the supervisor's own log.
    pub(super) fn log(&self, level: &str, words: &str) {
        let stamp = stamps::ago(0).strftime("%Y-%m-%d %H:%M:%S,%3f").to_string();
        let path = self.places.logs().join("supervisord.log");
        if let Ok(mut file) = super::program::append(&path) {
            let _ = file.write_all(format!("{stamp} {level} {words}\n").as_bytes());
        }
    }

    /// Changes what is known of a program.
    pub(super) fn edit(&self, name: &str, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.entries.borrow_mut().iter_mut().find(|entry| entry.name == name) {
            change(entry);
        }
    }

    /// Reads what is known of a program.
    pub(super) fn read<T>(&self, name: &str, read: impl FnOnce(&Entry) -> T) -> Option<T> {
        self.entries.borrow().iter().find(|entry| entry.name == name).map(read)
    }

    /// Takes one answer that a client got into account.
    pub(super) fn answered(&self, route: usize, status: u16) {
        let mut routes = self.routes.borrow_mut();
        let Some(route) = routes.get_mut(route) else { return };
        route.last_status = status;
        if (100..500).contains(&status) {
            route.answered += 1;
            route.in_a_row = route.in_a_row.saturating_add(1);
        } else {
            route.failed += 1;
            route.in_a_row = 0;
        }
    }

    pub(super) fn pulse(&self, at_ms: u64) -> Pulse {
        let program = |entry: &Entry| ProgramPulse {
            name: entry.name.clone(),
            starts: entry.starts,
            ordered: entry.ordered,
            state: entry.state.word().to_owned(),
        };
        Pulse {
            at_ms,
            routes: self.routes.borrow().clone(),
            programs: self.entries.borrow().iter().map(program).collect(),
            reloads: self.reloads.get(),
        }
    }
}
