//! A real PM2 in a home of its own.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use gatemedic::{
    action::Failure,
    observation::{Manager, ManagerKind, ProgramState},
    remedy::Action,
    source::managers::Places,
};

use super::bench::{Bench, call, carry_out, free_port, installed, passing_to};

/// A PM2 with its home; it ends with it.
struct Pm2 {
    program: PathBuf,
    home: PathBuf,
}

impl Pm2 {
    fn new(home: &Path) -> Option<Self> {
        installed("node")?;
        let pm2 = Self { program: installed("pm2")?, home: home.to_owned() };
        Some(pm2)
    }

    fn run(&self, words: &[&str]) {
        let output = Command::new(&self.program)
            .args(words)
            .env("PM2_HOME", &self.home)
            .env("SECRET", "CANARY")
            .current_dir(&self.home)
            .output()
            .unwrap();
        assert!(output.status.success(), "pm2 {words:?}: {output:?}");
    }
}

impl Drop for Pm2 {
    fn drop(&mut self) {
        let _ = Command::new(&self.program).arg("kill").env("PM2_HOME", &self.home).output();
    }
}

#[tokio::test]
async fn the_programs_of_a_pm2_are_seen_and_one_is_told_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let Some(pm2) = Pm2::new(dir.path()) else { return };
    let port = free_port();
    let server =
        format!("require('http').createServer((q, r) => r.end()).listen({port}, '127.0.0.1')");
    std::fs::write(dir.path().join("shop.js"), server).unwrap();
    std::fs::write(dir.path().join("bad.js"), "throw new Error('no database')").unwrap();
    pm2.run(&["start", "shop.js", "--name", "shop"]);
    pm2.run(&["start", "bad.js", "--name", "bad"]);

    let mut bench = Bench::start(Places::default());
    bench.attention.send_replace(Arc::new(passing_to(port)));
    let home = dir.path().display().to_string();
    let ours = |m: &Manager| m.home.raw() == home;
    let (manager, bad) = bench
        .program("bad given up", |m, p| {
            ours(m) && p.id.name.raw() == "bad" && p.state == ProgramState::GaveUp
        })
        .await;
    assert_eq!((manager.kind, manager.running), (ManagerKind::Pm2, true));
    assert!(manager.pid.is_some() && !manager.version.is_empty());
    assert_eq!((bad.said.raw(), bad.exit), ("errored", Some(1)));
    assert!(bad.restarts.unwrap() >= 10, "{:?}", bad.restarts);
    let shop = manager.programs.iter().find(|p| p.id.name.raw() == "shop").unwrap().clone();
    assert!(shop.is_up() && shop.tree.contains(&shop.pids[0]));
    assert!(shop.claims.iter().any(|c| c.address.port() == Some(port)), "{:?}", shop.claims);
    assert!(shop.logs.iter().any(|log| log.raw().ends_with("shop-error.log")));
    assert!(!format!("{manager:?}").contains("CANARY"));

    // Restarted, it is another process with a count more.
    carry_out(&Action::RestartProgram { call: call(&manager, &shop) }).await.unwrap();
    let (_, again) = bench
        .program("another process", |m, p| {
            ours(m) && p.id == shop.id && p.is_up() && p.pids != shop.pids
        })
        .await;
    assert_eq!(again.restarts, shop.restarts.map(|n| n + 1));

    // A number that means another program by now is not told anything.
    let mut other = call(&manager, &shop);
    other.numbers.clone_from(&bad.numbers);
    let failed = carry_out(&Action::RestartProgram { call: other }).await.unwrap_err();
    assert!(matches!(failed, Failure::Changed(_)), "{failed:?}");

    // Stopped by hand, it is started and taken back.
    pm2.run(&["stop", "shop"]);
    let (_, stopped) = bench
        .program("shop stopped", |m, p| {
            ours(m) && p.id == shop.id && p.state == ProgramState::Stopped
        })
        .await;
    let done = carry_out(&Action::StartProgram { call: call(&manager, &stopped) }).await.unwrap();
    bench.program("shop to run", |m, p| ours(m) && p.id == shop.id && p.is_up()).await;
    let undo = done.undo.unwrap();
    let (permit, tools) = (super::bench::permit(), super::bench::tools());
    gatemedic::action::hands::take_back(&permit, &undo, &tools).await.unwrap();
    bench
        .program("shop stopped again", |m, p| {
            ours(m) && p.id == shop.id && p.state == ProgramState::Stopped
        })
        .await;
}
