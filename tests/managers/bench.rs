//! A source that runs, what it says, and whom its programs are told by.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use gatemedic::{
    action::{Authority, Failure, Permit, Tools, hands},
    evidence::CaseFile,
    host::files::Root,
    observation::{Address, GatewayId, ManagedProgram, Manager, Protocol, Seen, SourceId, Text},
    remedy::{Action, ProgramCall},
    session::{Attention, Event, Target},
    source::{
        Outlet,
        managers::{Places, run},
    },
};
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};

/// A wait that only a hang reaches.
pub const HANG: Duration = Duration::from_secs(60);

pub struct Bench {
    seen: mpsc::Receiver<Event>,
    pub attention: watch::Sender<Arc<Attention>>,
}

impl Bench {
    pub fn start(places: Places) -> Self {
        let (queue, seen) = mpsc::channel(256);
        let (attention, watched) = watch::channel(Arc::new(Attention::default()));
        tokio::spawn(run(Outlet::new(SourceId::Managers, queue), watched, places));
        Self { seen, attention }
    }

    /// In a file tree of its own, blind to the processes of this host.
    pub fn below(root: &Path) -> Self {
        Self::start(Places { root: Root::new(root), processes: false, scope: None })
    }

    /// Takes what is seen until `done`, which is the last of it.
    pub async fn until(&mut self, what: &str, mut done: impl FnMut(&Seen) -> bool) -> Vec<Seen> {
        let mut all = Vec::new();
        loop {
            let next = timeout(HANG, self.seen.recv()).await;
            let Ok(Some(Event::Seen(observation))) = next else {
                panic!("never saw {what}; saw {all:#?}");
            };
            all.push(observation.seen);
            if all.last().is_some_and(&mut done) {
                return all;
            }
        }
    }

    pub async fn first_sweep(&mut self) -> Vec<Seen> {
        self.until("the sweep", |seen| matches!(seen, Seen::Swept { generation: 0 })).await
    }

    /// Waits for a manager's program that is as wanted.
    pub async fn program(
        &mut self,
        what: &str,
        wanted: impl Fn(&Manager, &ManagedProgram) -> bool,
    ) -> (Manager, ManagedProgram) {
        let mut found = None;
        self.until(what, |seen| {
            let Seen::Manager(manager) = seen else { return false };
            found = manager
                .programs
                .iter()
                .find(|program| wanted(manager, program))
                .map(|program| ((**manager).clone(), program.clone()));
            found.is_some()
        })
        .await;
        found.unwrap()
    }
}

/// What a gateway passes to a port calls for.
pub fn passing_to(port: u16) -> Attention {
    let target = Target {
        gateway: GatewayId(Text::new("nginx")),
        address: Address::parse(&format!("127.0.0.1:{port}"), 80).unwrap(),
        protocol: Protocol::Http,
        resolver: None,
        per_request: false,
        ask_tls: false,
        saturated: false,
        sends_name: false,
        tls_name: None,
    };
    Attention {
        generation: 1,
        targets: vec![target],
        pids: BTreeSet::new(),
        ..Attention::default()
    }
}

pub fn permit() -> Permit {
    Authority { readonly: false, setuid: false }.grant().unwrap()
}

pub fn tools() -> Tools {
    Tools {
        bus: String::new(),
        docker: None,
        state: "/nonexistent".into(),
        runtime: "/nonexistent".into(),
    }
}

pub fn call(manager: &Manager, program: &ManagedProgram) -> ProgramCall {
    ProgramCall::new(manager, program).expect("a program that takes orders")
}

pub async fn carry_out(action: &Action) -> Result<hands::Done, Failure> {
    hands::carry_out(&permit(), action, &CaseFile::new(), &tools()).await
}

/// A program of this host, if it is installed.
pub fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|p| p.is_file());
    if found.is_none() {
        println!("skipped: {name} is not installed");
    }
    found
}

/// A port that nobody had a moment ago.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Ends a process by its pid when it is dropped.
pub struct Ends(pub u32);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.to_string()).status();
    }
}
