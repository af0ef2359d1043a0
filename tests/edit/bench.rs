//! A folder with a configuration file and the folders of the program.

use std::{
    fs,
    path::{Path, PathBuf},
};

use gatemedic::{
    action::{
        Authority, Failure, Permit, Tools,
        edit::{Rehearsal, Written, rehearse_all, write},
    },
    observation::Text,
    remedy::{Change, Digest, FileEdit},
};

macro_rules! skip {
    ($($why:tt)*) => {{
        eprintln!("skipped: {}", format_args!($($why)*));
        return;
    }};
}
pub(crate) use skip;

pub(crate) const OLD: &str = "server 127.0.0.1:8080;\nlisten 80;\n";
pub(crate) const NEW: &str = "server 127.0.0.1:8000;\nlisten 80;\n";

pub(crate) struct Bench {
    pub(crate) folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bench = Self { folder };
        fs::create_dir(bench.path("conf.d")).unwrap();
        fs::write(bench.file(), OLD).unwrap();
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.path("conf.d/shop.conf")
    }

    pub(crate) fn tools(&self) -> Tools {
        tools(self.folder.path())
    }

    pub(crate) fn edit(&self) -> FileEdit {
        edit(&self.file())
    }

    pub(crate) fn rehearse(&self) -> Result<Rehearsal, Failure> {
        rehearse(&self.file())
    }

    pub(crate) fn write(&self) -> Result<Written, Failure> {
        write(&permit(), self.rehearse()?, &self.tools(), plan())
    }

    pub(crate) fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    /// Names beside the file that are not its own.
    pub(crate) fn strays(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("conf.d")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name != "shop.conf").collect()
    }
}

pub(crate) fn tools(folder: &Path) -> Tools {
    Tools {
        bus: String::new(),
        docker: None,
        state: folder.join("state"),
        runtime: folder.join("run"),
    }
}

pub(crate) fn edit(file: &Path) -> FileEdit {
    let find = "127.0.0.1:8080".to_owned();
    let put = "127.0.0.1:8000".to_owned();
    FileEdit {
        file: Text::new(file.to_str().unwrap()),
        root: Text::default(),
        change: Change::Replace { line: 1, find, put },
        test: None,
    }
}

pub(crate) fn rehearse(file: &Path) -> Result<Rehearsal, Failure> {
    rehearse_all(&[&edit(file)]).map(|mut all| all.remove(0))
}

pub(crate) fn permit() -> Permit {
    Authority { readonly: false, setuid: false }.grant().unwrap()
}

pub(crate) fn plan() -> Digest {
    Digest::of(b"plan")
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A unit that was seen with this command line.
pub(crate) fn unit(name: &str, command: &str) -> gatemedic::observation::Unit {
    use gatemedic::observation::{Unit, UnitActive, UnitExit, UnitLoad, UnitName, UnitResult};
    Unit {
        name: UnitName::new(name).unwrap(),
        description: Text::default(),
        kind: Text::new("notify"),
        load: UnitLoad::Loaded,
        active: UnitActive::Failed,
        sub: Text::new("failed"),
        result: UnitResult::ExitCode,
        exit: UnitExit::Exited(78),
        file_state: Text::new("enabled"),
        main_pid: None,
        cgroup: Text::default(),
        restarts: 0,
        restart_policy: Text::new("no"),
        start_limit_burst: 5,
        start_limit_interval_us: 10_000_000,
        memory_max: None,
        memory_current: None,
        limit_nofile: None,
        condition: true,
        active_enter: None,
        active_exit: None,
        inactive_enter: None,
        exec_start: None,
        exec_exit: None,
        commands: vec![Text::new(command)],
        claims: Vec::new(),
        triggered_by: Vec::new(),
        file_is_newer: false,
        needs: Vec::new(),
        unmet: Vec::new(),
        environment_files: Vec::new(),
        pid_file: None,
        start_timeout_us: None,
        runtime_max_us: None,
        watchdog_us: None,
        network_limits: Vec::new(),
        frozen: false,
        pools: Vec::new(),
    }
}
