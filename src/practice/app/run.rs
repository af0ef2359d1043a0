//! A program's life.

use std::{
    cell::{Cell, RefCell},
    io::{self, Write},
    path::Path,
    rc::Rc,
    time::Duration,
};

use rustix::process::Signal;
use tokio::{
    io::AsyncWriteExt,
    signal::unix::{SignalKind, signal},
    task::LocalSet,
};

use crate::{
    host::{files::Root, own_folder::OwnFolder},
    practice::{
        net::{self, Listener, Peer, Stream},
        setup::{App, Behaviour, MEMORY_MIB, SocketAccess},
    },
};

use super::{answer, words};

/// Bytes of what a program is told.
const TOLD: u64 = 1 << 20;
/// Connections at the same time.
const CONNECTIONS: usize = 512;
/// How long one that hangs does so.
const HANG: Duration = Duration::from_hours(1);
/// Connections that a program lets wait.
const BACKLOG: u32 = 128;

/// Tells a program what it does from now on.
pub(in crate::practice) fn write(world: &Path, app: &App) -> io::Result<()> {
    let other = |error: crate::host::own_folder::FolderError| io::Error::other(error.to_string());
    let folder =
        OwnFolder::open(&world.join(".world")).map_err(other)?.sub("apps").map_err(other)?;
    folder.put(&format!("{}.json", app.name), &serde_json::to_vec(app)?)
}

fn told(world: &Path, name: &str) -> io::Result<App> {
    let path = world.join(".world").join("apps").join(format!("{name}.json"));
    let bytes =
        Root::default().read(path, TOLD).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(serde_json::from_slice(&bytes)?)
}

/// Runs the program of this name, and gives its exit status.
pub(in crate::practice) fn run(world: &Path, name: &str) -> u8 {
    let Ok(app) = told(world, name) else { return 2 };
    if let Behaviour::CrashAtStart { exit, signal, words } = &app.does {
        say(&if words.is_empty() { words::boot(app.runtime) } else { words.clone() });
        return end(*exit, *signal);
    }
    let Some(peer) = Peer::parse(&app.listen) else { return 2 };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return 2;
    };
    let local = LocalSet::new();
    let status = local.block_on(&runtime, live(world.to_owned(), app, peer));
    runtime.shutdown_background();
    status
}

/// Which mode a socket has: the gateway's workers are another user's only under root.
fn mode(app: &App) -> u32 {
    match app.socket {
        SocketAccess::Open => 0o666,
        SocketAccess::Closed if rustix::process::geteuid().is_root() => 0o600,
        SocketAccess::Closed => 0,
    }
}

async fn live(world: std::path::PathBuf, app: App, peer: Peer) -> u8 {
    let full = app.does == Behaviour::BacklogFull;
    let backlog = if full { 0 } else { BACKLOG };
    let Ok(listener) = Listener::bind(&peer, backlog, mode(&app)) else {
        let (lines, status) = words::taken(app.runtime, &peer);
        say(&lines);
        return status;
    };
    say(&words::listening(app.runtime, &peer));
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return 2 };
    let program = Rc::new(Program {
        world,
        name: app.name,
        served: Cell::new(0),
        kept: RefCell::default(),
        connections: Cell::new(0),
    });
    let accepting = async {
        if full {
            std::future::pending::<()>().await;
        }
        loop {
            let Ok(stream) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            if program.connections.get() < CONNECTIONS {
                let program = Rc::clone(&program);
                tokio::task::spawn_local(async move {
                    program.connections.set(program.connections.get() + 1);
                    program.serve(stream).await;
                    program.connections.set(program.connections.get().saturating_sub(1));
                });
            }
        }
    };
    tokio::select! {
        () = accepting => {}
        _ = terminate.recv() => {}
    }
    if let Peer::Unix(path) = &peer {
        net::leave(path);
    }
    0
}

struct Program {
    world: std::path::PathBuf,
    name: String,
    served: Cell<u32>,
    /// What it leaks.
    kept: RefCell<Vec<Vec<u8>>>,
    connections: Cell<usize>,
}

impl Program {
    async fn serve(&self, mut stream: Stream) {
        // What it does may have changed since the last request.
        let Ok(app) = told(&self.world, &self.name) else { return };
        if matches!(app.does, Behaviour::Hang | Behaviour::BacklogFull) {
            tokio::time::sleep(HANG).await;
            return;
        }
        let Some(path) = answer::asked(&mut stream, app.speaks).await else {
            if app.speaks == crate::practice::setup::Speaks::Http {
                let bytes =
                    b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                let _ = stream.write_all(bytes).await;
            }
            return;
        };
        let count = self.served.get().saturating_add(1);
        self.served.set(count);
        let body = format!("{} answers {path}\n", self.name);
        let bytes = match &app.does {
            Behaviour::Serve { status, slow_ms } => {
                tokio::time::sleep(Duration::from_millis(u64::from(*slow_ms))).await;
                if *status >= 500 {
                    say(&words::failed(app.runtime, &path));
                }
                answer::whole(app.speaks, *status, &body, 0)
            }
            Behaviour::CrashAtRequest { after, exit, signal, words } if count >= *after => {
                say(&if words.is_empty() {
                    words::fall(app.runtime, &path)
                } else {
                    words.clone()
                });
                std::process::exit(i32::from(end(*exit, *signal)));
            }
            Behaviour::Leak { mib_per_request } => {
                self.leak(*mib_per_request);
                answer::whole(app.speaks, 200, &body, 0)
            }
            Behaviour::Close => return,
            Behaviour::Reset => {
                stream.reset_on_drop();
                return;
            }
            Behaviour::Garbage => {
                b"\x15\x03\x01\x00\x02\x02\x46 not what you asked for\r\n\r\n".to_vec()
            }
            Behaviour::BigHeader { kib } => {
                let bytes = usize::try_from(*kib).unwrap_or(64).min(1_024) << 10;
                answer::whole(app.speaks, 200, &body, bytes)
            }
            Behaviour::Truncated => answer::cut(app.speaks, &body),
            _ => answer::whole(app.speaks, 200, &body, 0),
        };
        let _ = stream.write_all(&bytes).await;
        let _ = stream.shutdown().await;
    }

    /// Keeps more, never more than practice may take.
    fn leak(&self, mib: u32) {
        let mut kept = self.kept.borrow_mut();
        for _ in 0..mib.min(MEMORY_MIB) {
            if kept.len() < usize::try_from(MEMORY_MIB).unwrap_or(0) {
                // Written to, so that it is really taken.
                kept.push(vec![1; 1 << 20]);
            }
        }
    }
}

/// Ends as a crash does: by a signal, or with a status.
fn end(exit: Option<u8>, signal: Option<u8>) -> u8 {
    if let Some(signal) = signal.and_then(|number| Signal::from_named_raw(i32::from(number))) {
        // The standard library's own handler lets the first one pass, and takes itself away.
        for _ in 0..3 {
            let _ = rustix::process::kill_process(rustix::process::getpid(), signal);
        }
    }
    exit.unwrap_or(1)
}

fn say(lines: &[String]) {
    let mut text = lines.join("\n");
    text.push('\n');
    let _ = io::stderr().write_all(text.as_bytes());
}
