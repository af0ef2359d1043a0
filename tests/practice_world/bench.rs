//! A world to test, and the console's verbs on top of it.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::RwLock,
    time::{Duration, Instant},
};

use gatemedic::practice::{How, Setup, World};
use serde_json::Value;

const DEADLINE: Duration = Duration::from_secs(30);

pub fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_gatemedic"))
}

pub fn how() -> How {
    How { program: Some(program()), ..How::default() }
}

/// A setup with the usual gateway in front of one program.
pub fn setup(text: &str) -> Setup {
    let setup: Setup = toml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    setup.check().unwrap();
    setup
}

/// One program `shop` behind `/`, which `more` says more about.
pub fn shop(more: &str) -> String {
    format!(
        "[gateway]\nserver = '''\nlocation / {{\n    proxy_read_timeout 1s;\n    proxy_connect_timeout 1s;\n    \
         proxy_pass http://127.0.0.1:@port.shop@;\n}}\n'''\n[[routes]]\npath = '/'\nevery_ms = 100\n\
         [[apps]]\nname = 'shop'\nlisten = '127.0.0.1:@port.shop@'\n{more}\n"
    )
}

/// Every start sweeps what killed worlds left: whoever wants to look at that first holds this.
pub static SWEEPING: RwLock<()> = RwLock::new(());

pub fn start(text: &str) -> World {
    let _held = SWEEPING.read().unwrap_or_else(std::sync::PoisonError::into_inner);
    World::start(&setup(text), &how()).unwrap()
}

/// Waits until something is so.
pub fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "{what}");
        std::thread::yield_now();
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until clients saw this many failures.
pub fn failures(world: &World, count: u64) {
    wait("no request failed", || {
        let pulse = world.pulse();
        (pulse.routes.iter().map(|route| route.failed).sum::<u64>() >= count).then_some(())
    });
}

/// Runs a verb of the console on top of a world.
pub fn verb(world: &Path, words: &[&str]) -> (i32, String) {
    let out = Command::new(program()).arg("--practice").arg(world).args(words).output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    (out.status.code().unwrap_or(-1), text + &said)
}

pub fn diagnose(world: &Path) -> Value {
    let out = Command::new(program())
        .arg("--practice")
        .arg(world)
        .args(["diagnose", "-o", "json", "--deadline", "8s"])
        .output()
        .unwrap();
    serde_json::from_slice(&out.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&out.stderr)))
}

/// Findings as `cause confidence`, best first.
pub fn findings(document: &Value) -> Vec<String> {
    let all = document["findings"].as_array().unwrap();
    let one = |f: &Value| {
        format!("{} {}", f["cause"].as_str().unwrap(), f["confidence"].as_str().unwrap())
    };
    all.iter().map(one).collect()
}

/// Diagnoses until the first finding is this one.
pub fn first_finding(world: &World, wanted: &[&str]) -> String {
    let end = Instant::now() + DEADLINE;
    loop {
        let document = diagnose(world.folder());
        let found = findings(&document);
        if found.first().is_some_and(|first| wanted.iter().any(|w| first.starts_with(w))) {
            return found[0].clone();
        }
        if Instant::now() > end {
            let logs = world.folder().join("logs");
            for name in ["error.log", "shop.log", "supervisord.log"] {
                let text = std::fs::read_to_string(logs.join(name)).unwrap_or_default();
                let tail: Vec<&str> = text.lines().rev().take(6).collect();
                println!("{name}: {tail:#?}");
            }
            panic!("wanted {wanted:?}, found {found:#?}\n{:#}", document["upstreams"]);
        }
    }
}
