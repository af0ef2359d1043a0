//! The container source against engines that misbehave, and against one that behaves.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::allow_attributes,
    missing_docs,
    reason = "a test may fail loudly and may pose as an engine"
)]

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use gatemedic::{
    observation::{
        ClaimKind, ContainerId, ContainerState, GatewayId, GatewayKind, Program, Seen, SourceId,
    },
    session::{Attention, Event, GatewayView},
    source::{Outlet, docker},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
    sync::{mpsc, watch},
    time::timeout,
};

/// A wait that only a hang reaches.
const HANG: Duration = Duration::from_secs(30);

struct Bench {
    seen: mpsc::Receiver<Event>,
    attention: watch::Sender<Arc<Attention>>,
}

impl Bench {
    fn start(socket: &Path) -> Self {
        let (queue, seen) = mpsc::channel(64);
        let (attention, watched) = watch::channel(Arc::new(Attention::default()));
        let outlet = Outlet::new(SourceId::Docker, queue);
        tokio::spawn(docker::watch(outlet, watched, socket.to_owned(), false));
        Self { seen, attention }
    }

    /// Takes what is seen until `done`, which is the last of it.
    async fn until(&mut self, what: &str, done: impl Fn(&Seen) -> bool) -> Vec<Seen> {
        let mut all = Vec::new();
        loop {
            let next = timeout(HANG, self.seen.recv()).await;
            let Ok(Some(Event::Seen(observation))) = next else {
                panic!("never saw {what}; saw {all:#?}");
            };
            all.push(observation.seen);
            if all.last().is_some_and(&done) {
                return all;
            }
        }
    }

    async fn until_swept(&mut self, generation: u64) -> Vec<Seen> {
        self.until("the sweep", |seen| *seen == Seen::Swept { generation }).await
    }

    fn attend(&self, attention: Attention) {
        self.attention.send_replace(Arc::new(attention));
    }
}

/// An engine whose every connection is handled by `behave`.
fn engine<F, Fut>(socket: &Path, behave: F)
where
    F: Fn(UnixStream) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = UnixListener::bind(socket).unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(behave(stream));
        }
    });
}

/// Reads a request and gives its path.
async fn request(stream: &mut UnixStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    head.split(' ').nth(1).map(str::to_owned)
}

async fn answer(stream: &mut UnixStream, status: &str, body: &str) {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(body.as_bytes()).await;
}

/// Runs the source against an engine that answers each request with these bytes, over and over
/// when `endless`, and gives the blind spot's reason.
async fn why_blind(bytes: &'static [u8], endless: bool) -> String {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("engine.sock");
    engine(&socket, move |mut stream| async move {
        if request(&mut stream).await.is_none() || stream.write_all(bytes).await.is_err() {
            return;
        }
        let block = vec![b' '; 1 << 16];
        while endless && stream.write_all(&block).await.is_ok() {}
    });
    blind_of(&mut Bench::start(&socket)).await
}

/// The reason of the one blind spot that is told before the first sweep.
async fn blind_of(bench: &mut Bench) -> String {
    let seen = bench.until_swept(0).await;
    let [Seen::Blind(spot), Seen::Swept { .. }] = seen.as_slice() else {
        panic!("one blind spot was expected: {seen:#?}")
    };
    assert!(!spot.hides.is_empty());
    spot.why.raw().to_owned()
}

#[tokio::test]
async fn an_engine_that_is_not_installed_is_no_blind_spot() {
    let dir = tempfile::tempdir().unwrap();
    let mut bench = Bench::start(&dir.path().join("none.sock"));
    assert_eq!(bench.until_swept(0).await, [Seen::Swept { generation: 0 }]);
    bench.attend(Attention { generation: 1, ..Attention::default() });
    assert_eq!(bench.until_swept(1).await, [Seen::Swept { generation: 1 }]);
}

#[tokio::test]
async fn a_socket_that_nobody_serves_is_a_blind_spot() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("stale.sock");
    drop(UnixListener::bind(&socket).unwrap());
    let why = blind_of(&mut Bench::start(&socket)).await;
    assert!(why.contains("refused"), "{why}");

    let file = dir.path().join("file.sock");
    std::fs::write(&file, "").unwrap();
    assert_eq!(blind_of(&mut Bench::start(&file)).await, "not a socket");
}

#[tokio::test]
async fn an_engine_that_never_answers_is_a_blind_spot() {
    let dir = tempfile::tempdir().unwrap();
    let silent = dir.path().join("silent.sock");
    engine(&silent, |stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    });
    let why = blind_of(&mut Bench::start(&silent)).await;
    assert!(why.contains("no answer"), "{why}");

    let deaf = dir.path().join("deaf.sock");
    let _never_accepts = UnixListener::bind(&deaf).unwrap();
    let why = blind_of(&mut Bench::start(&deaf)).await;
    assert!(why.contains("no answer"), "{why}");
}

#[tokio::test]
async fn an_engine_that_trickles_is_a_blind_spot() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("slow.sock");
    engine(&socket, |mut stream| async move {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n";
        for byte in head.iter().chain(std::iter::repeat(&b' ')) {
            if stream.write_u8(*byte).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let why = blind_of(&mut Bench::start(&socket)).await;
    assert!(why.contains("no answer"), "{why}");
}

#[tokio::test]
async fn garbage_and_broken_http_are_blind_spots() {
    let table: &[&[u8]] = &[
        b"\x00\xff\x16\x03garbage\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"ApiVersion\": \"1.4",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\n{}",
        b"HTTP/1.1 301 Moved\r\nLocation: file:///etc/shadow\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{\"ApiVersion\":\"x\"}",
    ];
    for bytes in table {
        let why = why_blind(bytes, false).await;
        assert!(!why.is_empty(), "{}", String::from_utf8_lossy(bytes));
    }
}

#[tokio::test]
async fn an_endless_answer_is_cut() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n[";
    let why = why_blind(head, true).await;
    assert!(why.contains("longer than") || why.contains("no answer"), "{why}");
    let why = why_blind(b"HTTP/1.1 200 OK\r\nX: ", true).await;
    assert!(!why.is_empty());
}

#[tokio::test]
async fn an_engine_too_old_says_so() {
    let old = b"HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{\"ApiVersion\":\"1.12\"}";
    assert!(why_blind(old, false).await.contains("too old"));
    let refuses = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 45\r\n\r\n{\"message\":\"client version 1.25 is too old.\"} ";
    assert!(why_blind(refuses, false).await.contains("client version 1.25 is too old"));
}

const LOOP: &str = include_str!("fixtures/docker/loop.json");
const PORTS: &str = include_str!("fixtures/docker/ports.json");

fn id_of(answer: &str) -> ContainerId {
    let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
    ContainerId::new(answer["Id"].as_str().unwrap()).unwrap()
}

/// A log frame as the engine multiplexes it: stream, three zeros, length, payload.
fn frame(stream: u8, line: &str) -> Vec<u8> {
    let length = u32::try_from(line.len()).unwrap().to_be_bytes();
    [&[stream, 0, 0, 0], length.as_slice(), line.as_bytes()].concat()
}

async fn chunk(stream: &mut UnixStream, bytes: &[u8]) -> bool {
    let head = format!("{:x}\r\n", bytes.len());
    stream.write_all(&[head.as_bytes(), bytes, b"\r\n"].concat()).await.is_ok()
}

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// An engine with two real containers; what is sent on `events` comes out of its stream.
async fn serve(mut stream: UnixStream, mut events: watch::Receiver<Vec<String>>, newest: bool) {
    let before = events.borrow().len();
    let (looping, ports) = (id_of(LOOP), id_of(PORTS));
    let Some(path) = request(&mut stream).await else { return };
    let list = serde_json::json!([
        {"Id": looping.as_str(), "Names": ["/loop"], "State": "restarting"},
        {"Id": ports.as_str(), "Names": ["/ports"], "State": "running"},
        {"Id": "not an id"},
    ]);
    let bare = path.split_once("/containers").map_or(path.as_str(), |(_, rest)| rest);
    let of = |id: &ContainerId, what: &str| bare.starts_with(&format!("/{}/{what}", id.as_str()));
    if path.ends_with("/version") {
        let api = if newest { "9.99" } else { "1.41" };
        answer(&mut stream, "200 OK", &format!("{{\"ApiVersion\":\"{api}\"}}")).await;
    } else if path.starts_with("/containers/json") {
        answer(&mut stream, "200 OK", &list.to_string()).await;
    } else if of(&looping, "json") {
        answer(&mut stream, "200 OK", if newest { "{\"Id\": [" } else { LOOP }).await;
    } else if of(&ports, "json") {
        // No process here has this pid.
        let hidden = PORTS.replace("\"Pid\": 5777", "\"Pid\": 4000000000");
        answer(&mut stream, "200 OK", &hidden).await;
    } else if of(&ports, "top") {
        let top = r#"{"Titles": ["CMD"], "Processes": [["nc -l -p 4444"]]}"#;
        answer(&mut stream, "200 OK", top).await;
    } else if of(&ports, "logs") {
        let _ = stream.write_all(CHUNKED.as_bytes()).await;
        let now = jiff::Timestamp::now();
        chunk(&mut stream, &frame(2, &format!("{now} listening on "))).await;
        chunk(&mut stream, &frame(2, &format!("{now} 127.0.0.1:3333\n"))).await;
        // The container is removed while its log is read.
        if path.contains("follow=true") {
            let _ = stream.write_all(b"5\r\nab").await;
        } else {
            let _ = stream.write_all(b"0\r\n\r\n").await;
        }
    } else if path.contains("/events") {
        let _ = stream.write_all(CHUNKED.as_bytes()).await;
        if path.contains("until") {
            chunk(&mut stream, happened(&looping, "oom", 1).as_bytes()).await;
            let _ = stream.write_all(b"0\r\n\r\n").await;
            return;
        }
        // As a real engine does, it tells again what happened since the asked time.
        for index in 0.. {
            let Ok(event) =
                events.wait_for(|all| all.len() > index).await.map(|all| all[index].clone())
            else {
                return;
            };
            let ends = event.is_empty() && index >= before;
            if ends || (!event.is_empty() && !chunk(&mut stream, event.as_bytes()).await) {
                return;
            }
        }
    } else if path.ends_with("_ping") {
        answer(&mut stream, "200 OK", "OK").await;
    } else {
        answer(&mut stream, "404 Not Found", "{\"message\":\"no such container\"}").await;
    }
}

fn happened(id: &ContainerId, action: &str, nanos: i64) -> String {
    let event = serde_json::json!({"Type": "container", "Action": action, "timeNano": nanos,
        "scope": "local", "Actor": {"ID": id.as_str(), "Attributes": {"name": "x"}}});
    format!("{event}\n")
}

fn behaving(socket: &Path, newest: bool) -> watch::Sender<Vec<String>> {
    let (events, all) = watch::channel(Vec::new());
    engine(socket, move |stream| serve(stream, all.clone(), newest));
    events
}

fn containers(seen: &[Seen]) -> Vec<(ContainerState, &str)> {
    seen.iter()
        .filter_map(|seen| match seen {
            Seen::Container(c) => Some((c.state, c.id.as_str())),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn containers_events_and_removals_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("engine.sock");
    let events = behaving(&socket, false);
    let mut bench = Bench::start(&socket);
    let seen = bench.until_swept(0).await;
    let (looping, ports) = (id_of(LOOP), id_of(PORTS));
    let mut told = containers(&seen);
    told.sort_by_key(|(_, id)| *id == ports.as_str());
    assert_eq!(
        told,
        [(ContainerState::Restarting, looping.as_str()), (ContainerState::Running, ports.as_str())]
    );
    let oom = |seen: &Seen| matches!(seen, Seen::ContainerEvent(e) if e.action.raw() == "oom");
    assert!(seen.iter().any(oom), "an event of the past: {seen:#?}");

    events.send_modify(|all| all.push(happened(&looping, "die", i64::MAX / 2)));
    let dies = |seen: &Seen| matches!(seen, Seen::ContainerEvent(e) if e.action.raw() == "die");
    bench.until("the death", dies).await;
    events.send_modify(|all| all.push(happened(&looping, "destroy", i64::MAX / 2 + 1)));
    let seen = bench.until("its end", |seen| matches!(seen, Seen::ContainerGone(_))).await;
    assert!(containers(&seen).is_empty(), "nothing that did not change is told again");
}

#[tokio::test]
async fn a_stream_that_ends_is_taken_up_again_with_a_new_list() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("engine.sock");
    let events = behaving(&socket, false);
    let mut bench = Bench::start(&socket);
    bench.until_swept(0).await;
    let ports = id_of(PORTS);
    events.send_modify(|all| all.push(happened(&ports, "destroy", i64::MAX / 2)));
    bench.until("its end", |seen| matches!(seen, Seen::ContainerGone(_))).await;
    events.send_modify(|all| all.push(String::new()));
    let seen = bench.until("it again", |seen| matches!(seen, Seen::Container(_))).await;
    assert_eq!(containers(&seen), [(ContainerState::Running, ports.as_str())]);
}

#[tokio::test]
async fn the_log_of_a_container_that_matters_is_told_and_says_what_it_serves() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("engine.sock");
    let _events = behaving(&socket, false);
    let mut bench = Bench::start(&socket);
    bench.until_swept(0).await;
    let ports = id_of(PORTS);
    bench.attend(Attention {
        generation: 7,
        containers: [ports.clone(), ContainerId::new("9".repeat(64)).unwrap()].into(),
        gateways: vec![gateway_in(&ports)],
        ..Attention::default()
    });
    let seen = bench.until_swept(7).await;
    let lines: Vec<_> = seen
        .iter()
        .filter_map(|seen| match seen {
            Seen::Log(line) => Some((line.program, line.text.raw(), line.at.is_some())),
            _ => None,
        })
        .collect();
    assert_eq!(lines, [(Program::Nginx, "listening on 127.0.0.1:3333", true)]);
    let Some(Seen::Container(container)) =
        seen.iter().rfind(|seen| matches!(seen, Seen::Container(_)))
    else {
        panic!("the container is told again with its new claims: {seen:#?}")
    };
    let claimed = |kind, address: &str| {
        container.claims.iter().any(|c| c.kind == kind && c.address.to_string() == address)
    };
    assert!(claimed(ClaimKind::Log, "127.0.0.1:3333"), "{:#?}", container.claims);
    assert!(claimed(ClaimKind::Command, "0.0.0.0:4444"), "{:#?}", container.claims);
}

fn gateway_in(container: &ContainerId) -> GatewayView {
    GatewayView {
        id: GatewayId("nginx:x".into()),
        kind: GatewayKind::Nginx,
        pid: None,
        netns: None,
        root: "".into(),
        worker_uid: None,
        worker_gids: Vec::new(),
        container: Some(container.clone()),
        controls: Vec::new(),
    }
}

#[tokio::test]
async fn one_answer_that_is_not_understood_hides_one_containers_details_only() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("engine.sock");
    let _events = behaving(&socket, true);
    let mut bench = Bench::start(&socket);
    let seen = bench.until_swept(0).await;
    assert_eq!(containers(&seen).len(), 2, "the list still tells its state: {seen:#?}");
    let spots: Vec<_> = seen
        .iter()
        .filter_map(|seen| match seen {
            Seen::Blind(spot) => Some(spot.what.raw()),
            _ => None,
        })
        .collect();
    assert_eq!(spots, [format!("container {}", id_of(LOOP))]);
}

/// Serves like [`serve`] until it is told to hang, and then answers nothing. Counts connections:
/// all of them, and those that are open.
fn behaving_until(
    socket: &Path,
) -> (watch::Sender<bool>, watch::Receiver<usize>, Arc<AtomicUsize>) {
    let (switch, hung) = watch::channel(false);
    let (events, all) = watch::channel(Vec::new());
    let (ask, asked) = watch::channel(0);
    let open = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&open);
    engine(socket, move |mut stream| {
        ask.send_modify(|asked| *asked += 1);
        let (all, hung, count) = (all.clone(), hung.clone(), Arc::clone(&count));
        let events = events.clone();
        async move {
            let _keeps_the_stream_of_events_open = events;
            count.fetch_add(1, Ordering::Relaxed);
            if *hung.borrow() {
                let _ = stream.read_to_end(&mut Vec::new()).await;
            } else {
                serve(stream, all, false).await;
            }
            count.fetch_sub(1, Ordering::Relaxed);
        }
    });
    (switch, asked, open)
}

#[tokio::test]
async fn an_engine_that_hangs_later_becomes_a_blind_spot_and_is_asked_by_one_connection_at_a_time()
{
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("engine.sock");
    let (hang, mut asked, open) = behaving_until(&socket);
    let mut bench = Bench::start(&socket);
    bench.until_swept(0).await;
    hang.send_replace(true);
    let blind =
        |seen: &Seen| matches!(seen, Seen::Blind(spot) if spot.why.raw().contains("no answer"));
    bench.until("blindness", blind).await;
    bench.attend(Attention { generation: 1, ..Attention::default() });
    bench.until_swept(1).await;
    // It is asked again and again, and each time the last question was given up before.
    let before = *asked.borrow_and_update();
    asked.wait_for(|asked| *asked >= before + 2).await.unwrap();
    assert!(open.load(Ordering::Relaxed) <= 2, "{}", open.load(Ordering::Relaxed));
}

#[tokio::test]
async fn an_engine_that_comes_back_is_seen_again() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("engine.sock");
    drop(UnixListener::bind(&socket).unwrap());
    let mut bench = Bench::start(&socket);
    blind_of(&mut bench).await;
    std::fs::remove_file(&socket).unwrap();
    let _events = behaving(&socket, false);
    let seen = bench.until("sight", |seen| *seen == Seen::Sighted).await;
    assert_eq!(containers(&seen).len(), 2);
}
