//! The custodian's life, from its first to its last deed.

use std::{
    collections::BTreeSet,
    io::{self, BufRead, Write},
    path::Path,
    process::Stdio,
    rc::Rc,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    task::LocalSet,
    time::Instant,
};

use crate::{
    host::{files::Root, gateways},
    practice::{
        entry,
        folder::{self, Marked},
        net::{self, Listener, Peer},
        pulse::Pulse,
        setup::{Behaviour, CLIENTS, Event, GATEWAY, Setup},
        world::Script,
    },
};

use super::{
    books::{Books, Entry, State},
    door, happen, leave,
    program::{Recipe, keep, spawn},
};

/// Bytes of the script.
const SCRIPT: u64 = 8 << 20;
/// Bytes of one line from the console.
const LINE: u64 = 1 << 20;
/// How long the programs may take to be there before clients ask anyway.
const READY: Duration = Duration::from_secs(3);
/// How often the console is told how the world is doing.
const PULSE: Duration = Duration::from_millis(100);
/// Pulses between two looks at the gateway's workers.
const LOOKS: u32 = 8;
/// Orders to one program that wait.
const ORDERS: usize = 16;

/// What the console is told, one JSON object a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::practice) enum Told {
    /// It cannot be.
    Failed(String),
    /// Everything runs, and the first request was answered, one way or the other.
    Ready,
    /// How it is doing.
    Pulse(Pulse),
}

/// Runs the custodian of a world until the console is gone.
pub(in crate::practice) fn run(world: &Path) -> u8 {
    // Ctrl-C and hang-up at the console's terminal are none of ours.
    let _ = rustix::process::setsid();
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    let done = live(world);
    if let Err(error) = &done {
        let _ = say(&Told::Failed(error.to_string()));
    }
    leave::end_all();
    folder::remove(world);
    u8::from(done.is_err())
}

fn live(world: &Path) -> io::Result<()> {
    folder::mark(world, Some(Marked::own()))?;
    let script = Root::default()
        .read(world.join(".world").join("script.json"), SCRIPT)
        .map_err(|error| io::Error::other(error.to_string()))?;
    let script: Script = serde_json::from_slice(&script)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = LocalSet::new();
    let done = local.block_on(&runtime, tend(world, script));
    drop(local);
    runtime.shutdown_background();
    done
}

async fn tend(world: &Path, script: Script) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let books = Rc::new(Books::new(script.places.clone(), &script.setup.routes));
    let socket = Peer::Unix(script.places.run().join("supervisor.sock"));
    let door = Listener::bind(&socket, 64, 0o700)?;
    books.log("INFO", "RPC interface 'supervisor' initialized");
    books.log("INFO", &format!("supervisord started with pid {}", std::process::id()));
    start(&books, &script);
    tokio::task::spawn_local(door::keep(door, Rc::clone(&books)));
    let (lane, mut events) = mpsc::channel(ORDERS);
    let (gone, mut leaving) = mpsc::channel(1);
    std::thread::spawn(move || listen(&lane, &gone));
    let course =
        tokio::task::spawn_local(course(Rc::clone(&books), script.clone(), world.to_owned()));
    loop {
        tokio::select! {
            _ = leaving.recv() => break,
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            Some(event) = events.recv() => {
                let (books, apps) = (Rc::clone(&books), script.setup.apps.clone());
                tokio::task::spawn_local(async move { happen::happen(&books, &apps, &event).await });
            }
        }
    }
    course.abort();
    Ok(())
}

/// Has every program kept by somebody, in their order.
fn start(books: &Rc<Books>, script: &Script) {
    let mut recipes = vec![(i32::MIN, gateway(script))];
    for app in &script.setup.apps {
        let program = entry::program(&script.places.folder, &app.name).display().to_string();
        let recipe = Recipe {
            name: app.name.clone(),
            argv: vec![program, "--bind".to_owned(), app.listen.clone()],
            autostart: app.autostart,
            autorestart: app.autorestart,
            memory_mib: app.memory_limit_mib.unwrap_or(crate::practice::setup::MEMORY_MIB),
            zone: script.zone.clone(),
        };
        recipes.push((app.order, recipe));
    }
    recipes.sort_by_key(|(order, _)| *order);
    for (_, recipe) in recipes {
        let (orders, taken) = mpsc::channel(ORDERS);
        books.entries.borrow_mut().push(Entry {
            name: recipe.name.clone(),
            log: script.places.logs().join(format!("{}.log", recipe.name)),
            state: State::Stopped,
            pid: 0,
            started: 0,
            stopped: 0,
            exit: 0,
            spawn_error: String::new(),
            starts: 0,
            ordered: 0,
            orders,
        });
        tokio::task::spawn_local(keep(Rc::clone(books), recipe, taken));
    }
}

fn gateway(script: &Script) -> Recipe {
    Recipe {
        name: GATEWAY.to_owned(),
        argv: script.gateway.clone(),
        autostart: true,
        autorestart: crate::practice::setup::Autorestart::Unexpected,
        memory_mib: crate::practice::setup::MEMORY_MIB,
        zone: script.zone.clone(),
    }
}

/// What the console says; its silence is the end.
fn listen(events: &mpsc::Sender<Event>, gone: &mpsc::Sender<()>) {
    let mut input = io::stdin().lock();
    loop {
        let mut line = Vec::new();
        let read = io::Read::take(&mut input, LINE).read_until(b'\n', &mut line);
        if !matches!(read, Ok(n) if n > 0) {
            break;
        }
        if let Ok(event) = serde_json::from_slice(&line) {
            let _ = events.blocking_send(event);
        }
    }
    let _ = gone.blocking_send(());
}

/// The course of the incident: everything is there, clients come, things happen.
async fn course(books: Rc<Books>, script: Script, world: std::path::PathBuf) {
    let deadline = Instant::now() + READY;
    ready(&books, &script.setup, script.places.gateway_port(), deadline).await;
    if books.read(GATEWAY, |entry| matches!(entry.state, State::Backoff | State::Fatal))
        == Some(true)
    {
        let _ = say(&Told::Failed("the gateway did not start".to_owned()));
        return;
    }
    if let Err(error) = clients(&books, &script, &world) {
        let _ = say(&Told::Failed(format!("clients cannot be started: {error}")));
        return;
    }
    let begun = Instant::now();
    while Instant::now() < deadline && !answered(&books) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let _ = say(&Told::Ready);
    let mut happenings = script.setup.happens.clone();
    happenings.sort_by_key(|happening| happening.after_ms);
    let (own, apps) = (Rc::clone(&books), script.setup.apps.clone());
    tokio::task::spawn_local(async move {
        for happening in happenings {
            let at = begun + Duration::from_millis(u64::from(happening.after_ms));
            tokio::time::sleep_until(at).await;
            happen::happen(&own, &apps, &happening.what).await;
        }
    });
    let mut workers: BTreeSet<u32> = BTreeSet::new();
    let mut last = Pulse::default();
    let mut round: u32 = 0;
    loop {
        // It reads all of /proc.
        if round.is_multiple_of(LOOKS) {
            reloads(&books, &mut workers);
        }
        round = round.wrapping_add(1);
        let at_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let pulse = books.pulse(at_ms);
        if (Pulse { at_ms: last.at_ms, ..pulse.clone() }) != last {
            last = pulse.clone();
            if say(&Told::Pulse(pulse)).is_err() {
                return;
            }
        }
        tokio::time::sleep(PULSE).await;
    }
}

/// Counts the generations of workers.
fn reloads(books: &Books, workers: &mut BTreeSet<u32>) {
    let master = books.read(GATEWAY, |entry| entry.pid).filter(|pid| *pid > 0);
    let now: BTreeSet<u32> =
        master.map(gateways::workers).unwrap_or_default().into_iter().collect();
    if !now.is_empty() {
        if !workers.is_empty() && workers.is_disjoint(&now) {
            books.reloads.set(books.reloads.get().saturating_add(1));
        }
        *workers = now;
    }
}

fn answered(books: &Books) -> bool {
    let routes = books.routes.borrow();
    routes.is_empty() || routes.iter().any(|route| route.answered + route.failed > 0)
}

/// Waits until the gateway and every program that is to serve are there, or until the deadline.
async fn ready(books: &Books, setup: &Setup, port: u16, deadline: Instant) {
    let mut wanted = vec![(GATEWAY.to_owned(), Peer::Tcp(([127, 0, 0, 1], port).into()))];
    for app in setup.apps.iter().filter(|app| app.autostart) {
        // A full queue is not made fuller, and what ends at once is not waited for.
        let asked = !matches!(app.does, Behaviour::BacklogFull | Behaviour::CrashAtStart { .. });
        if asked && let Some(peer) = Peer::parse(&app.listen) {
            wanted.push((app.name.clone(), peer));
        }
    }
    for (name, peer) in wanted {
        while Instant::now() < deadline {
            let fell =
                books.read(&name, |entry| matches!(entry.state, State::Backoff | State::Fatal));
            if fell.unwrap_or(true) || there(&peer).await {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Whether somebody listens; a socket that nobody may connect to is there too.
async fn there(peer: &Peer) -> bool {
    let file = match peer {
        Peer::Unix(path) => rustix::fs::lstat(path).is_ok(),
        Peer::Tcp(_) => true,
    };
    file && (matches!(peer, Peer::Unix(_)) || net::answers(peer).await)
}

/// Starts those who ask, and counts what they are answered.
fn clients(books: &Rc<Books>, script: &Script, world: &Path) -> io::Result<()> {
    let argv = [entry::program(world, CLIENTS).display().to_string()];
    let mut child = spawn(&argv, world, Stdio::piped(), Stdio::null(), script.zone.as_deref())?;
    let out = child.stdout.take().ok_or_else(|| io::Error::other("no pipe"))?;
    let books = Rc::clone(books);
    tokio::task::spawn_local(async move {
        let mut lines = BufReader::new(out);
        loop {
            let mut line = String::new();
            let read = (&mut lines).take(256).read_line(&mut line).await;
            if !matches!(read, Ok(n) if n > 0) {
                break;
            }
            let mut words = line.split_whitespace();
            let route = words.next().and_then(|word| word.parse().ok());
            let status = words.next().and_then(|word| word.parse().ok());
            if let Some((route, status)) = route.zip(status) {
                books.answered(route, status);
            }
        }
        let _ = child.wait().await;
    });
    Ok(())
}

/// Tells the console; an error means that it is gone.
fn say(told: &Told) -> io::Result<()> {
    let mut line = serde_json::to_vec(told)?;
    line.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&line)?;
    out.flush()
}
