//! A world, as the console that stands on top of it holds it.

use std::{
    fmt::Write as FormatWrite,
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Stdio},
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::host::{
    accounts, executor, gateway_binary,
    own_folder::{FolderError, OwnFolder},
    pidfd::Held,
    run,
    scope::Scope,
    starting,
};

use super::{
    app,
    custodian::Told,
    entry, folder,
    places::Places,
    pulse::Pulse,
    setup::{App, CLIENTS, Event, OldFile, Setup, SetupError},
    traffic::{self, Errand},
};

/// How long everything may take to run.
const READY: Duration = Duration::from_secs(8);
/// How long the end may take.
const LEAVING: Duration = Duration::from_secs(3);
/// Attempts: a port that was free may be taken by somebody else meanwhile.
const ATTEMPTS: u8 = 3;
/// Bytes of one line from the custodian.
const LINE: u64 = 1 << 20;

/// How a world is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct How {
    /// With the nginx of this host instead of ours.
    pub real: bool,
    /// `TZ` of the console, when it has one: times in logs are read in it.
    pub zone: Option<String>,
    /// The program that plays all parts; this one when nothing is said. For tests, whose own program
    /// plays none.
    pub program: Option<PathBuf>,
}

/// Why there is no world.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The setup cannot be built.
    #[error("{0}")]
    Setup(#[from] SetupError),
    /// There is no nginx.
    #[error("no nginx is installed in the system's folders")]
    NoNginx,
    /// The machine refuses something.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Its custodian refuses something.
    #[error("{0}")]
    Failed(String),
}

/// What the custodian is told at its start.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Script {
    /// The setup with its places filled in.
    pub(super) setup: Setup,
    pub(super) places: Places,
    /// Program and arguments of the gateway.
    pub(super) gateway: Vec<String>,
    pub(super) zone: Option<String>,
}

/// A running world. Dropping it takes everything away: processes, folder, ports.
#[derive(Debug)]
pub struct World {
    folder: PathBuf,
    places: Places,
    setup: Setup,
    child: Child,
    line: Option<ChildStdin>,
    pulse: Arc<Mutex<Pulse>>,
}

impl World {
    /// Makes a world, and returns when everything in it runs and a first request was made. Folders
    /// of worlds that were killed are swept before.
    ///
    /// # Errors
    /// [`WorldError`]; nothing is left behind then.
    pub fn start(setup: &Setup, how: &How) -> Result<Self, WorldError> {
        setup.check()?;
        folder::sweep();
        let mut attempt = 1;
        loop {
            match Self::attempt(setup, how) {
                Err(WorldError::Failed(_)) if attempt < ATTEMPTS => attempt += 1,
                done => return done,
            }
        }
    }

    fn attempt(setup: &Setup, how: &How) -> Result<Self, WorldError> {
        let folder = folder::make()?;
        let made = build(&folder, setup, how).and_then(|script| {
            let (child, line, pulse, said) = launch(&folder, how.zone.as_deref())?;
            let world = Self {
                folder: folder.clone(),
                places: script.places,
                setup: script.setup,
                child,
                line: Some(line),
                pulse,
            };
            match said.recv_timeout(READY) {
                Ok(Told::Ready) => Ok(world),
                Ok(Told::Failed(why)) => Err(WorldError::Failed(why)),
                _ => Err(WorldError::Failed("it did not start in time".to_owned())),
            }
        });
        if made.is_err() {
            folder::remove(&folder);
        }
        made
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its ports and paths.
    pub const fn places(&self) -> &Places {
        &self.places
    }

    /// What a console on top of it may see and touch.
    pub fn scope(&self) -> Scope {
        Scope { folder: self.folder.clone(), custodian: self.child.id() }
    }

    /// How it is doing, as it last said; never waits.
    pub fn pulse(&self) -> Pulse {
        self.pulse.lock().map(|pulse| pulse.clone()).unwrap_or_default()
    }

    /// Lets something happen now.
    ///
    /// # Errors
    /// When it cannot happen in this world, or its custodian is gone.
    pub fn happen(&mut self, event: &Event) -> io::Result<()> {
        self.setup.check_event(event).map_err(|error| io::Error::other(error.to_string()))?;
        let line = self.line.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut bytes = serde_json::to_vec(event)?;
        bytes.push(b'\n');
        line.write_all(&bytes)?;
        line.flush()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // The end of the line is the custodian's order to leave.
        self.line = None;
        if let Ok(held) = Held::open(self.child.id())
            && !held.wait(LEAVING).unwrap_or(false)
        {
            let _ = held.kill();
        }
        let _ = self.child.wait();
        // It is gone already, unless the custodian was killed.
        folder::remove(&self.folder);
    }
}

type Launched = (Child, ChildStdin, Arc<Mutex<Pulse>>, mpsc::Receiver<Told>);

/// Starts the custodian, and listens to it.
#[expect(clippy::disallowed_types, reason = "the custodian, this program's own child")]
fn launch(folder: &Path, zone: Option<&str>) -> Result<Launched, WorldError> {
    let mut command = std::process::Command::new(entry::program(folder, "supervisord"));
    command.args(["-n", "-c"]).arg(folder.join("supervisord.conf")).current_dir(folder).env_clear();
    if let Some(zone) = zone {
        command.env("TZ", zone);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = starting::start(|| command.spawn())?;
    let broken = || io::Error::other("no pipe to the custodian");
    let line = child.stdin.take().ok_or_else(broken)?;
    let out = child.stdout.take().ok_or_else(broken)?;
    let pulse = Arc::new(Mutex::new(Pulse::default()));
    let (told, said) = mpsc::sync_channel(4);
    let own = Arc::clone(&pulse);
    std::thread::spawn(move || {
        let mut lines = BufReader::new(out);
        loop {
            let mut line = Vec::new();
            let read = (&mut lines).take(LINE).read_until(b'\n', &mut line);
            if !matches!(read, Ok(n) if n > 0) {
                return;
            }
            match serde_json::from_slice(&line) {
                Ok(Told::Pulse(new)) => {
                    if let Ok(mut pulse) = own.lock() {
                        *pulse = new;
                    }
                }
                Ok(other) => drop(told.try_send(other)),
                Err(_) => {}
            }
        }
    });
    Ok((child, line, pulse, said))
}

/// Fills the folder.
fn build(folder: &Path, setup: &Setup, how: &How) -> Result<Script, WorldError> {
    let text = serde_json::to_string(setup).map_err(io::Error::from)?;
    let places = Places::find(folder, &[&text])?;
    let own = open(folder)?;
    for (name, mode) in
        [("logs", 0o755), ("run", 0o711), ("nginx", 0o755), ("bin", 0o755), ("sbin", 0o755)]
    {
        OwnFolder::make(&folder.join(name), mode).map_err(other)?;
    }
    own.sub(".world").and_then(|world| world.sub("apps")).map_err(other)?;
    // Times are put in when a line is written.
    let later = |name: &str| Some(format!("@{name}@")).filter(|_| is_time(name));
    let filled = places.fill_with(&text, later)?;
    let setup: Setup = serde_json::from_str(&filled).map_err(io::Error::from)?;
    let prefix = format!("{}/", folder.display());
    let config = places.config().display().to_string();
    let program = if how.real {
        run::find("nginx").ok_or(WorldError::NoNginx)?.path().to_owned()
    } else {
        entry::gateway_program(folder)
    };
    let mut gateway = vec![program.display().to_string()];
    gateway.extend(["-p", &prefix, "-c", &config, "-g", "daemon off;"].map(str::to_owned));
    if how.real && gateway_binary::takes_error_log(&program) {
        // Else what it says before it has read its configuration stands in the host's own log.
        let log = places.logs().join("error.log").display().to_string();
        gateway.extend(["-e".to_owned(), log]);
    }
    let script = Script { gateway, setup, places, zone: how.zone.clone() };
    link_programs(folder, how, &script.setup.apps)?;
    put(&folder.join("nginx"), "nginx.conf", frame(&script, how.real).as_bytes())?;
    rustix::fs::chmod(script.places.config(), rustix::fs::Mode::from_raw_mode(0o644))
        .map_err(io::Error::from)?;
    put(folder, "supervisord.conf", supervisor(&script).as_bytes())?;
    let world = folder.join(".world");
    put(&world, "script.json", &serde_json::to_vec(&script).map_err(io::Error::from)?)?;
    let errand = Errand {
        gateway: ([127, 0, 0, 1], script.places.gateway_port()).into(),
        routes: script.setup.routes.clone(),
    };
    put(&world, traffic::FILE, &serde_json::to_vec(&errand).map_err(io::Error::from)?)?;
    for app in &script.setup.apps {
        app::write(folder, app)?;
    }
    for file in &script.setup.files {
        old(folder, &script.places, file)?;
    }
    Ok(script)
}

fn is_time(name: &str) -> bool {
    let kind = name.split('-').next().unwrap_or_default();
    matches!(kind, "now" | "iso" | "clf" | "super")
}

fn other(error: FolderError) -> io::Error {
    io::Error::other(error)
}

fn open(folder: &Path) -> io::Result<OwnFolder> {
    OwnFolder::open(folder).map_err(other)
}

fn put(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    open(folder)?.jot(name, bytes)
}

/// Links this program under the names of its parts; where no link can be made, or one that others may
/// not run, it is copied once.
fn link_programs(folder: &Path, how: &How, apps: &[App]) -> io::Result<()> {
    let first = entry::program(folder, "supervisord");
    let own = how.program.clone().map_or_else(executor::own_program, Ok)?;
    // root's may be root's alone, and the gateway's workers are not root.
    let for_all = std::fs::metadata(&own).is_ok_and(|meta| meta.mode() & 0o005 == 0o005);
    if !for_all || std::fs::hard_link(&own, &first).is_err() {
        let from = how.program.as_deref().unwrap_or(Path::new("/proc/self/exe"));
        std::fs::copy(from, &first)?;
        let mode = rustix::fs::Mode::from_raw_mode(0o755);
        rustix::fs::chmod(&first, mode)?;
    }
    std::fs::hard_link(&first, entry::gateway_program(folder))?;
    std::fs::hard_link(&first, entry::program(folder, CLIENTS))?;
    for app in apps {
        std::fs::hard_link(&first, entry::program(folder, &app.name))?;
    }
    Ok(())
}

/// Makes a file that was there before.
fn old(folder: &Path, places: &Places, file: &OldFile) -> Result<(), WorldError> {
    let path = folder.join(&file.path);
    if let Some(above) = path.parent() {
        OwnFolder::make(above, 0o755).map_err(other)?;
    }
    super::custodian::write_lines(places, &path, &file.lines, file.age_secs)?;
    Ok(())
}

/// The gateway's whole configuration.
fn frame(script: &Script, real: bool) -> String {
    let (places, gateway) = (&script.places, &script.setup.gateway);
    let (folder, logs, run) =
        (places.folder.display(), places.logs().display().to_string(), places.run());
    let run = run.display();
    let user = if rustix::process::geteuid().is_root() { workers(real) } else { String::new() };
    let indent = |text: &str, by: &str| {
        text.trim_end().lines().flat_map(|line| [by, line, "\n"]).collect::<String>()
    };
    format!(
        "# The gateway of a practice world below {folder}.\n\
         {user}worker_processes 2;\n\
         pid {run}/nginx.pid;\n\
         error_log {logs}/error.log notice;\n\
         events {{ worker_connections 256; }}\n\
         http {{\n\
         \x20   access_log {logs}/access.log combined;\n\
         \x20   client_body_temp_path {run}/body;\n\
         \x20   proxy_temp_path {run}/proxy;\n\
         \x20   fastcgi_temp_path {run}/fastcgi;\n\
         \x20   uwsgi_temp_path {run}/uwsgi;\n\
         \x20   scgi_temp_path {run}/scgi;\n\
         {}\
         \x20   server {{\n\
         \x20       listen 127.0.0.1:{};\n\
         \x20       server_name localhost;\n\
         {}\
         \x20   }}\n\
         }}\n",
        indent(&gateway.http, "    "),
        places.gateway_port(),
        indent(&gateway.server, "        "),
    )
}

/// Whose the workers of root's gateway are. Ours goes by numbers; nginx wants names that there are, and
/// has a user of its own where there are none.
fn workers(real: bool) -> String {
    match accounts::nobody() {
        Some((user, group)) => format!("user {user} {group};\n"),
        None if real => String::new(),
        None => "user nobody;\n".to_owned(),
    }
}

/// The supervisor's configuration: what the console reads of it.
fn supervisor(script: &Script) -> String {
    let places = &script.places;
    let (logs, run) = (places.logs(), places.run());
    let mut text = format!(
        "[unix_http_server]\nfile={}/supervisor.sock\n\n[supervisord]\nlogfile={}/supervisord.log\n\
         nodaemon=true\n",
        run.display(),
        logs.display()
    );
    let quoted: Vec<String> = script
        .gateway
        .iter()
        .map(|word| if word.contains(' ') { format!("\"{word}\"") } else { word.clone() })
        .collect();
    let _ = FormatWrite::write_fmt(
        &mut text,
        format_args!("\n[program:nginx]\ncommand={}\nautorestart=unexpected\n", quoted.join(" ")),
    );
    for app in &script.setup.apps {
        let program = entry::program(&places.folder, &app.name);
        let again = match app.autorestart {
            super::setup::Autorestart::Never => "false",
            super::setup::Autorestart::Unexpected => "unexpected",
            super::setup::Autorestart::Always => "true",
        };
        let _ = FormatWrite::write_fmt(
            &mut text,
            format_args!(
                "\n[program:{}]\ncommand={} --bind {}\ndirectory={}\nautostart={}\nautorestart={again}\n\
             startretries={}\nredirect_stderr=true\nstdout_logfile={}/{}.log\n",
                app.name,
                program.display(),
                app.listen,
                places.folder.display(),
                app.autostart,
                super::custodian::RETRIES,
                logs.display(),
                app.name,
            ),
        );
    }
    text
}
