//! A state folder of one's own, incidents to put into it, and the program beside it.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use gatemedic::{
    action::{
        Authority, Tools,
        incidents::{Found, Kept, Scribe, find},
    },
    diagnosis::Confidence,
    observation::{Text, Wall},
    remedy::Ending,
    session::history::{Book, Entry, History, Incident, Repair, State, Ties, Trouble},
    verification::Verdict,
};

/// 2026-11-20 14:04:30 UTC.
pub(crate) const NOW: Wall = Wall::from_secs(1_795_183_470);

pub(crate) struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.state().join("history.db")
    }

    pub(crate) fn tools(&self) -> Tools {
        let runtime = self.folder.path().join("run");
        Tools { bus: String::new(), docker: None, state: self.state(), runtime }
    }

    pub(crate) fn scribe(&self) -> Scribe {
        self.scribe_keeping(Kept::default())
    }

    pub(crate) fn scribe_keeping(&self, kept: Kept) -> Scribe {
        let permit = Authority { readonly: false, setuid: false }.grant().unwrap();
        Scribe::new(&permit, self.tools(), Text::new("anna"), kept)
    }

    /// Keeps incidents as one session does.
    pub(crate) fn keep(&self, incidents: Vec<Incident>) -> History {
        self.scribe().keep(&entries(incidents), NOW)
    }

    pub(crate) fn book(&self) -> Book {
        match find(&self.tools()) {
            Found::Book(book) => book,
            other => panic!("{other:?}"),
        }
    }

    /// Names of what lies in the folder.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.state()).unwrap();
        let mut names: Vec<String> =
            entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// A database that holds these incidents.
    pub(crate) fn image(incidents: Vec<Incident>) -> Vec<u8> {
        let desk = Self::new();
        let history = desk.keep(incidents);
        assert_eq!(history.notice, None);
        fs::read(desk.file()).unwrap()
    }

    /// Puts bytes where the history lies.
    pub(crate) fn put(&self, bytes: &[u8]) {
        use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
        let _ = fs::DirBuilder::new().mode(0o700).create(self.state());
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        std::io::Write::write_all(&mut options.open(self.file()).unwrap(), bytes).unwrap();
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gatemedic"));
        command.arg("--state").arg(self.state()).args(arguments);
        command.env("TZ", "UTC").env("COLUMNS", "120").stdin(Stdio::null()).output().unwrap()
    }
}

pub(crate) fn entries(incidents: Vec<Incident>) -> Vec<Entry> {
    (1..).zip(incidents).map(|(serial, incident)| Entry { serial, incident }).collect()
}

/// An incident of a stopped unit that ended so many days before now.
pub(crate) fn incident(unit: &str, days_ago: i64) -> Incident {
    let first = NOW.minus_secs(days_ago * 86_400);
    let upstream = format!("nginx:/etc/nginx/sites-enabled/{unit}:12");
    Incident {
        id: 0,
        trouble: Trouble {
            cause: Text::new("app-unit-stopped"),
            subject: Text::new(format!("{unit}.service")),
            summary: Text::new(format!("{unit}.service is stopped; it ended without an error")),
            confidence: Confidence::Confirmed,
            ties: Ties::kept([
                Text::new(format!("unit {unit}.service")),
                Text::new(format!("upstream {upstream}")),
            ]),
            gateway: Text::new("nginx:/etc/nginx/nginx.conf"),
            upstreams: vec![Text::new(upstream)],
        },
        first,
        last: first.plus_secs(150),
        ended: Some(first.plus_secs(160)),
        state: State::Closed,
        failures: 121,
        returns: 0,
        repairs: Vec::new(),
        changed: None,
        recording: None,
        updated: first.plus_secs(190),
    }
}

/// The same, fixed from here.
pub(crate) fn fixed(unit: &str, days_ago: i64) -> Incident {
    let mut incident = incident(unit, days_ago);
    incident.repairs.push(Repair {
        action: Text::new(format!("start {unit}.service")),
        by: Text::default(),
        at: incident.first.plus_secs(110),
        secs: Some(40),
        verdict: Some(Verdict::Fixed),
        ending: Ending::Verified,
        record: Some(3),
    });
    incident
}
