//! What a small incident is made of, as data: who stands behind the gateway, what clients ask, and
//! what happens when.

use serde::{Deserialize, Serialize};

/// Most programs of one world.
pub(super) const APPS: usize = 12;
/// Most megabytes that a program of practice may take before it is ended: practice never endangers
/// the host that it runs on.
pub(super) const MEMORY_MIB: u32 = 128;

/// A world, before anything of it runs. Texts may hold places such as `@port.shop@`, see
/// [`Places`](super::places::Places).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// What the gateway is told.
    pub gateway: GatewayText,
    /// The programs behind it.
    #[serde(default)]
    pub apps: Vec<App>,
    /// What clients ask for, all the time.
    #[serde(default)]
    pub routes: Vec<Asked>,
    /// Files that are there before anything starts.
    #[serde(default)]
    pub files: Vec<OldFile>,
    /// What happens, and when.
    #[serde(default)]
    pub happens: Vec<Happening>,
}

/// Parts of the gateway's configuration, in nginx's language. The frame around them names pid file,
/// logs and the listener.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewayText {
    /// What stands inside `http`, before the server: groups of upstreams, timeouts.
    #[serde(default)]
    pub http: String,
    /// What stands inside `server`: the locations.
    pub server: String,
}

/// A program behind the gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// Its name with its supervisor: letters, digits, `-` and `_`.
    pub name: String,
    /// Where it listens: `127.0.0.1:@port.shop@`, `[::1]:@port.shop@` or `unix:@sock.shop@`.
    pub listen: String,
    /// What is spoken to it.
    #[serde(default)]
    pub speaks: Speaks,
    /// In whose words it logs.
    #[serde(default)]
    pub runtime: Runtime,
    /// What it does with requests.
    #[serde(default)]
    pub does: Behaviour,
    /// Whether its supervisor starts it at the beginning.
    #[serde(default = "yes")]
    pub autostart: bool,
    /// Whether its supervisor starts it again when it ends.
    #[serde(default)]
    pub autorestart: Autorestart,
    /// Whether the gateway's workers may connect to its unix socket.
    #[serde(default)]
    pub socket: SocketAccess,
    /// Megabytes above which its supervisor kills it, at most 128.
    #[serde(default)]
    pub memory_limit_mib: Option<u32>,
    /// Lower numbers are started first.
    #[serde(default)]
    pub order: i32,
}

const fn yes() -> bool {
    true
}

/// What is spoken to a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Speaks {
    /// HTTP/1.1.
    #[default]
    Http,
    /// `FastCGI`.
    Fastcgi,
}

/// Whose words a program logs in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Runtime {
    /// Python behind Gunicorn.
    #[default]
    Python,
    /// Node.js.
    Node,
    /// PHP-FPM.
    Php,
}

/// When a supervisor starts a program again (`autorestart`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Autorestart {
    /// Not at all.
    #[default]
    Never,
    /// When it did not end with status 0.
    Unexpected,
    /// Whatever it ended with.
    Always,
}

/// Who may connect to a unix socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SocketAccess {
    /// The gateway's workers too.
    #[default]
    Open,
    /// Not the gateway's workers.
    Closed,
}

/// What a program does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Behaviour {
    /// It answers.
    Serve {
        /// With this status.
        #[serde(default = "ok")]
        status: u16,
        /// After so many milliseconds.
        #[serde(default)]
        slow_ms: u32,
    },
    /// It ends before it listens.
    CrashAtStart {
        /// Status that it exits with.
        #[serde(default)]
        exit: Option<u8>,
        /// Signal that ends it.
        #[serde(default)]
        signal: Option<u8>,
        /// What it says before.
        #[serde(default)]
        words: Vec<String>,
    },
    /// It ends in the middle of a request.
    CrashAtRequest {
        /// The how many-th request it does not survive.
        #[serde(default = "one")]
        after: u32,
        /// Status that it exits with.
        #[serde(default)]
        exit: Option<u8>,
        /// Signal that ends it.
        #[serde(default)]
        signal: Option<u8>,
        /// What it says before.
        #[serde(default)]
        words: Vec<String>,
    },
    /// It answers, and keeps more memory with every request.
    Leak {
        /// So many megabytes.
        #[serde(default = "eight")]
        mib_per_request: u32,
    },
    /// It accepts and never answers.
    Hang,
    /// It never accepts, and its queue is short.
    BacklogFull,
    /// It closes before its answer begins.
    Close,
    /// It cuts the connection hard before its answer begins.
    Reset,
    /// What it answers is not the protocol.
    Garbage,
    /// Its answer has a header of so many kilobytes.
    BigHeader {
        /// Kilobytes.
        #[serde(default = "sixty_four")]
        kib: u32,
    },
    /// It closes in the middle of the body that it announced.
    Truncated,
}

const fn ok() -> u16 {
    200
}
const fn one() -> u32 {
    1
}
const fn eight() -> u32 {
    8
}
const fn sixty_four() -> u32 {
    64
}

impl Default for Behaviour {
    fn default() -> Self {
        Self::Serve { status: 200, slow_ms: 0 }
    }
}

/// What clients ask for through the gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Path.
    pub path: String,
    /// Pause between two requests in milliseconds, from 50.
    #[serde(default = "often")]
    pub every_ms: u32,
    /// Whether the incident is over only when this is answered.
    #[serde(default = "yes")]
    pub must_answer: bool,
}

const fn often() -> u32 {
    500
}

/// A file that was there before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OldFile {
    /// Path below the folder of the world.
    pub path: String,
    /// What it holds.
    pub lines: Vec<String>,
    /// When it was last changed: so many seconds ago.
    #[serde(default)]
    pub age_secs: u32,
}

/// Something that happens at its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Happening {
    /// Milliseconds after everything runs.
    pub after_ms: u32,
    /// What.
    pub what: Event,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Event {
    /// A program is stopped, as an operator would.
    Stop {
        /// Which.
        app: String,
    },
    /// A program is started.
    Start {
        /// Which.
        app: String,
    },
    /// A program is stopped and started.
    Restart {
        /// Which.
        app: String,
    },
    /// A program is sent a signal.
    Kill {
        /// Which.
        app: String,
        /// The signal.
        signal: u8,
    },
    /// A program does something else from now on.
    Behave {
        /// Which.
        app: String,
        /// What.
        does: Behaviour,
    },
    /// Somebody changes the gateway's configuration, and does not load it.
    Config {
        /// What stands there.
        find: String,
        /// What stands there afterwards.
        replace: String,
    },
    /// The gateway is told to read its configuration again.
    Reload,
    /// Lines are written to the end of a file.
    Log {
        /// Path below the folder of the world.
        file: String,
        /// The lines.
        lines: Vec<String>,
    },
    /// A file goes away.
    Unlink {
        /// Path below the folder of the world.
        path: String,
    },
    /// A file gets other permissions.
    Chmod {
        /// Path below the folder of the world.
        path: String,
        /// The permissions.
        mode: u16,
    },
}

/// Why a setup is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// A name is not one.
    #[error("{0:?} is no name of a program: letters, digits, - and _")]
    Name(String),
    /// Two programs have one name.
    #[error("there are two programs {0}")]
    Twice(String),
    /// Nobody has this name.
    #[error("there is no program {0}")]
    Nobody(String),
    /// There are too many.
    #[error("there are more than {APPS} programs")]
    TooMany,
    /// A path leads out of the world.
    #[error("{0:?} leads out of the folder of the world")]
    Outside(String),
    /// A place is not known.
    #[error("@{0}@ is no place that is known")]
    Place(String),
}

impl Setup {
    /// Looks for what cannot be built.
    ///
    /// # Errors
    /// The first that is found.
    pub fn check(&self) -> Result<(), SetupError> {
        if self.apps.len() > APPS {
            return Err(SetupError::TooMany);
        }
        for (at, app) in self.apps.iter().enumerate() {
            if !is_name(&app.name) || is_taken(&app.name) {
                return Err(SetupError::Name(app.name.clone()));
            }
            if self.apps.iter().skip(at + 1).any(|other| other.name == app.name) {
                return Err(SetupError::Twice(app.name.clone()));
            }
        }
        for file in &self.files {
            inside(&file.path)?;
        }
        self.happens.iter().try_for_each(|happening| self.check_event(&happening.what))
    }

    /// Looks whether an event can happen in this world.
    ///
    /// # Errors
    /// Why not.
    pub fn check_event(&self, event: &Event) -> Result<(), SetupError> {
        match event {
            Event::Stop { app }
            | Event::Start { app }
            | Event::Restart { app }
            | Event::Kill { app, .. }
            | Event::Behave { app, .. } => {
                let known = app == GATEWAY || self.apps.iter().any(|one| one.name == *app);
                if known { Ok(()) } else { Err(SetupError::Nobody(app.clone())) }
            }
            Event::Log { file: path, .. } | Event::Unlink { path } | Event::Chmod { path, .. } => {
                inside(path)
            }
            Event::Config { .. } | Event::Reload => Ok(()),
        }
    }
}

/// The gateway's name with its supervisor.
pub(super) const GATEWAY: &str = "nginx";
/// The clients' process.
pub(super) const CLIENTS: &str = "clients";

fn is_name(name: &str) -> bool {
    let valid = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (1..=40).contains(&name.len()) && name.bytes().all(valid) && !name.starts_with('-')
}

/// Names that other processes of the world have, or that would say to discovery that a program is
/// something else.
fn is_taken(name: &str) -> bool {
    const TAKEN: [&str; 9] =
        [GATEWAY, CLIENTS, "supervisord", "all", "apache2", "httpd", "haproxy", "caddy", "envoy"];
    TAKEN.contains(&name) || name == "traefik"
}

fn inside(path: &str) -> Result<(), SetupError> {
    let plain = |part: std::path::Component<'_>| matches!(part, std::path::Component::Normal(_));
    let inside = !path.is_empty() && std::path::Path::new(path).components().all(plain);
    // A place stands for an absolute path in the world.
    if inside || path.starts_with("@sock.") {
        Ok(())
    } else {
        Err(SetupError::Outside(path.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup(text: &str) -> Result<Setup, String> {
        let setup: Setup = toml::from_str(text).map_err(|error| error.to_string())?;
        setup.check().map(|()| setup).map_err(|error| error.to_string())
    }

    #[test]
    fn a_world_is_written_in_few_words_and_the_rest_has_defaults() {
        let text = "[gateway]\nserver = 'location / { proxy_pass http://127.0.0.1:@port.shop@; }'\n\
                    [[apps]]\nname = 'shop'\nlisten = '127.0.0.1:@port.shop@'\n\
                    [[routes]]\npath = '/'\n[[happens]]\nafter_ms = 300\n\
                    what = { kind = 'behave', app = 'shop', does = { kind = 'big-header' } }\n";
        let setup = setup(text).unwrap();
        assert_eq!(setup.apps[0].does, Behaviour::default());
        assert!(setup.apps[0].autostart && setup.routes[0].must_answer);
        let does = Behaviour::BigHeader { kib: 64 };
        assert_eq!(setup.happens[0].what, Event::Behave { app: "shop".into(), does });
    }

    #[test]
    fn what_cannot_be_built_is_refused_with_its_name() {
        let app = |name: &str| format!("[[apps]]\nname = '{name}'\nlisten = 'unix:@sock.a@'\n");
        let gateway = "[gateway]\nserver = ''\n";
        let said = |more: &str| setup(&format!("{gateway}{more}")).unwrap_err();
        assert!(said(&app("a b")).contains("no name"));
        assert!(said(&app("nginx")).contains("no name"));
        assert!(said(&(app("a") + &app("a"))).contains("two programs a"));
        let log = |path: &str| {
            format!(
                "[[happens]]\nafter_ms = 1\nwhat = {{ kind = 'log', file = '{path}', lines = [] }}\n"
            )
        };
        for path in ["../x", "/etc/passwd", "", "a/../../b"] {
            assert!(said(&log(path)).contains("leads out"), "{path}");
        }
        assert!(setup(&format!("{gateway}{}", log("logs/error.log"))).is_ok());
        let stop = "[[happens]]\nafter_ms = 1\nwhat = { kind = 'stop', app = 'x' }\n";
        assert!(said(stop).contains("no program x"));
        assert!(said("unknown = 1\n").contains("unknown"));
    }
}
