//! The faults from which an incident is made by chance: what each does to a program, which causes
//! are right, and what is said about it.

use crate::practice::{App, Asked, Autorestart, Behaviour, Event, Happening, SocketAccess, Speaks};

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Stopped,
    Killed,
    Crashed,
    WrongPort,
    NotLoaded,
    Locked,
    OtherName,
    OtherFamily,
    Frozen,
    HeaderTooBig,
    Unlinked,
}

/// What is known of a fault.
pub(super) struct Known {
    /// Right causes, the best first.
    pub(super) causes: &'static [&'static str],
    /// The level from which it comes.
    pub(super) level: u8,
    /// Hints about it, with `{}` for the program.
    pub(super) hints: [&'static str; 2],
    /// What somebody with experience does about it, with `{}` for the program.
    pub(super) senior: &'static str,
}

/// What a fault makes of a world.
pub(super) struct Broken {
    pub(super) app: App,
    /// Inside `http`.
    pub(super) http: String,
    /// Inside `server`.
    pub(super) location: String,
    pub(super) route: Asked,
    pub(super) happens: Vec<Happening>,
}

impl Fault {
    pub(super) const ALL: [Self; 11] = [
        Self::Stopped,
        Self::Killed,
        Self::Crashed,
        Self::WrongPort,
        Self::NotLoaded,
        Self::Locked,
        Self::OtherName,
        Self::OtherFamily,
        Self::Frozen,
        Self::HeaderTooBig,
        Self::Unlinked,
    ];

    /// Whether the gateway's file is changed and not loaded: a reload for another reason would take
    /// it away.
    pub(super) const fn minds_reloads(self) -> bool {
        matches!(self, Self::NotLoaded)
    }

    /// Whether its repair changes the gateway's file, or loads it.
    pub(super) const fn changes_the_gateway(self) -> bool {
        use Fault::{HeaderTooBig, NotLoaded, OtherFamily, OtherName, WrongPort};
        matches!(self, WrongPort | NotLoaded | OtherName | OtherFamily | HeaderTooBig)
    }

    pub(super) const fn known(self) -> Known {
        const DOWN: [&str; 2] = [
            "The error line about {} has a number in brackets: what does it mean?",
            "7, and Enter on {}: in which state is it, and how did it end?",
        ];
        const WAY: [&str; 2] = [
            "{} runs. So why does the gateway not reach it?",
            "2, and Enter: compare what the gateway asks for {} with where it listens.",
        ];
        const SOCKET: [&str; 2] = [
            "The number in the error line about {} says whether the socket is missing, shut or dead.",
            "2, and Enter: what is there in place of the socket of {}, and whose is it?",
        ];
        const TALK: [&str; 2] = [
            "{} accepts connections. What comes after that?",
            "4 has the gateway's own words about {}; 7 has the state of its process.",
        ];
        let (causes, level, hints, senior): (&'static [&'static str], _, _, _) = match self {
            Self::Stopped => (
                &["app-stopped-by-operator", "app-unit-stopped"],
                1,
                DOWN,
                "{} was stopped in good order: asks whether on purpose, and starts it.",
            ),
            Self::Killed => (
                &["app-killed-not-restarted", "app-unit-failed-exit", "app-crash-signal"],
                1,
                DOWN,
                "{} ended by signal 9: starts it, and asks who sends such signals.",
            ),
            Self::Crashed => (
                &["app-crash-signal", "app-unit-failed-exit", "app-killed-not-restarted"],
                1,
                DOWN,
                "{} crashed (SIGABRT): starts it, and keeps what the developers need.",
            ),
            Self::WrongPort => (
                &["upstream-port-wrong"],
                2,
                WAY,
                "The gateway asks a port at which {} does not listen: corrects the line, reloads.",
            ),
            Self::NotLoaded => (
                &["config-not-reloaded"],
                2,
                WAY,
                "The file is right about {}, and not loaded: tests and reloads.",
            ),
            Self::Locked => (
                &["unix-socket-permission"],
                2,
                SOCKET,
                "The workers may not connect to the socket of {}: opens it for their group alone.",
            ),
            Self::OtherName => (
                &["unix-socket-path-mismatch"],
                2,
                SOCKET,
                "The socket of {} has another name: corrects the path, tests, reloads.",
            ),
            Self::OtherFamily => (
                &["upstream-addr-family"],
                2,
                WAY,
                "{} listens at [::1] alone: points the gateway there, tests, reloads.",
            ),
            Self::Frozen => (
                &["app-frozen"],
                3,
                TALK,
                "The process of {} is stopped (T): restarts it, and leaves the timeouts alone.",
            ),
            Self::HeaderTooBig => (
                &["response-header-too-big"],
                3,
                TALK,
                "The head of the answers of {} is larger than the gateway's buffer: raises that one.",
            ),
            Self::Unlinked => (
                &["unix-socket-unlinked"],
                3,
                SOCKET,
                "The socket of {} was deleted under it: restarts it, so that it makes a new one.",
            ),
        };
        Known { causes, level, hints, senior }
    }

    /// The world's part of it, beginning after so many milliseconds.
    pub(super) fn build(self, name: &str, at: u32) -> Broken {
        let tcp = format!("127.0.0.1:@port.{name}@");
        let unix = format!("unix:@sock.{name}@");
        let mut app = healthy(name);
        let mut target = format!("http://{name}");
        let mut http = format!("upstream {name} {{\n    server {tcp};\n}}\n");
        let mut more = "";
        let happens = match self {
            Self::Stopped => vec![(at, Event::Stop { app: name.to_owned() })],
            Self::Killed => vec![(at, Event::Kill { app: name.to_owned(), signal: 9 })],
            Self::Crashed => vec![(at, Event::Kill { app: name.to_owned(), signal: 6 })],
            Self::Frozen => {
                more = "    proxy_read_timeout 2s;\n    proxy_connect_timeout 2s;\n";
                vec![(at, Event::Kill { app: name.to_owned(), signal: 19 })]
            }
            Self::WrongPort => {
                let find = format!("server {tcp};");
                let replace = format!("server 127.0.0.1:@port.no-{name}@;");
                vec![(at, Event::Config { find, replace }), (at + 150, Event::Reload)]
            }
            Self::NotLoaded => {
                let old = format!("server 127.0.0.1:@port.old-{name}@;");
                http = format!("upstream {name} {{\n    {old}\n}}\n");
                vec![(at + 400, Event::Config { find: old, replace: format!("server {tcp};") })]
            }
            Self::Locked | Self::OtherName | Self::Unlinked => {
                app.listen.clone_from(&unix);
                target = format!("http://{unix}");
                http.clear();
                let path = format!("@sock.{name}@");
                match self {
                    Self::Locked => vec![(at, Event::Chmod { path, mode: 0o600 })],
                    Self::Unlinked => vec![(at, Event::Unlink { path })],
                    _ => {
                        app.listen = format!("unix:@sock.{name}-2@");
                        vec![]
                    }
                }
            }
            Self::OtherFamily => {
                app.listen = format!("[::1]:@port.{name}@");
                vec![]
            }
            Self::HeaderTooBig => {
                let does = Behaviour::BigHeader { kib: 6 };
                vec![(at, Event::Behave { app: name.to_owned(), does })]
            }
        };
        let happens = happens.into_iter();
        Broken {
            location: format!("location /{name} {{\n    proxy_pass {target};\n{more}}}\n"),
            route: asked(name, 300, true),
            happens: happens.map(|(after_ms, what)| Happening { after_ms, what }).collect(),
            app,
            http,
        }
    }
}

/// A program that does what it should.
pub(super) fn healthy(name: &str) -> App {
    App {
        name: name.to_owned(),
        listen: format!("127.0.0.1:@port.{name}@"),
        speaks: Speaks::Http,
        runtime: crate::practice::Runtime::Python,
        does: Behaviour::default(),
        autostart: true,
        autorestart: Autorestart::Never,
        socket: SocketAccess::Open,
        memory_limit_mib: None,
        order: 10,
    }
}

/// What clients ask of a program.
pub(super) fn asked(name: &str, every_ms: u32, must_answer: bool) -> Asked {
    Asked { path: format!("/{name}"), every_ms, must_answer }
}
