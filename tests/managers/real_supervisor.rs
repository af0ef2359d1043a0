//! A real Supervisor in a folder of its own.

use std::{path::Path, process::Command, sync::Arc};

use gatemedic::{
    action::Failure,
    observation::{ManagerKind, ProgramState, Seen},
    remedy::Action,
    source::managers::Places,
};

use super::bench::{Bench, Ends, call, carry_out, free_port, installed, passing_to};

fn config(dir: &Path, port: u16) -> String {
    let at = dir.display();
    format!(
        "[unix_http_server]\nfile={at}/s.sock\n[supervisord]\nlogfile={at}/s.log\n\
         pidfile={at}/s.pid\nnodaemon=true\n[rpcinterface:supervisor]\n\
         supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n\
         [program:shop]\ncommand=python3 -m http.server {port} --bind 127.0.0.1\ndirectory={at}\n\
         startsecs=1\nenvironment=SECRET=\"CANARY\"\n\
         [program:crash]\ncommand=python3 -c \"raise SystemExit(3)\"\nstartretries=1\n\
         [program:gone]\ncommand=/opt/nope/app\nstartretries=0\n\
         [program:spare]\ncommand=sleep 100\nautostart=false\n"
    )
}

/// Starts it; it ends with what is returned.
fn start(dir: &Path, port: u16) -> Option<Ends> {
    let supervisord = installed("supervisord")?;
    installed("python3")?;
    let file = dir.join("s.conf");
    std::fs::write(&file, config(dir, port)).unwrap();
    let child = Command::new(supervisord).arg("-n").arg("-c").arg(&file).spawn().unwrap();
    Some(Ends(child.id()))
}

#[tokio::test]
async fn the_programs_of_a_supervisor_are_seen_and_one_is_told_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let Some(_ends) = start(dir.path(), port) else { return };
    let mut bench = Bench::start(Places::default());
    bench.attention.send_replace(Arc::new(passing_to(port)));
    let socket = dir.path().join("s.sock").display().to_string();
    let ours = |m: &gatemedic::observation::Manager| m.home.raw() == socket;

    // Everything has come to rest.
    let (manager, crash) = bench
        .program("crash in FATAL while shop runs", |m, p| {
            let runs = m.programs.iter().any(|p| p.id.name.raw() == "shop" && p.is_up());
            ours(m) && runs && p.id.name.raw() == "crash" && p.state == ProgramState::GaveUp
        })
        .await;
    assert_eq!((manager.kind, manager.running), (ManagerKind::Supervisor, true));
    assert_eq!((crash.said.raw(), crash.exit), ("FATAL", None), "Supervisor keeps no status of it");
    let of = |name: &str| manager.programs.iter().find(|p| p.id.name.raw() == name).unwrap();
    assert_eq!(of("gone").state, ProgramState::GaveUp);
    assert!(of("gone").error.raw().contains("can't find command"), "{}", of("gone").error);
    assert_eq!((of("spare").state, of("spare").started), (ProgramState::Stopped, None));
    let shop = of("shop").clone();
    assert_eq!(shop.claims[0].address.port(), Some(port));
    assert!(shop.tree.contains(&shop.pids[0]) && shop.up == 1);
    assert!(!format!("{manager:?}").contains("CANARY"));

    // Restarted, it is another process.
    let done = carry_out(&Action::RestartProgram { call: call(&manager, &shop) }).await.unwrap();
    assert!(done.undo.is_none() && done.words.contains("restarted shop"), "{}", done.words);
    let (_, again) = bench
        .program("another process", |m, p| {
            ours(m) && p.id == shop.id && p.is_up() && p.pids != shop.pids
        })
        .await;
    assert_ne!(again.pids, shop.pids);

    // What cannot start is said so, in Supervisor's own words.
    let failed =
        carry_out(&Action::StartProgram { call: call(&manager, &crash) }).await.unwrap_err();
    assert!(matches!(&failed, Failure::Refused(words) if words.contains("crash")), "{failed:?}");

    // What was stopped is started, and taken back.
    let spare = of("spare").clone();
    let done = carry_out(&Action::StartProgram { call: call(&manager, &spare) }).await.unwrap();
    bench.program("spare to run", |m, p| ours(m) && p.id == spare.id && p.is_up()).await;
    let undo = done.undo.unwrap();
    let taken =
        gatemedic::action::hands::take_back(&super::bench::permit(), &undo, &super::bench::tools())
            .await;
    assert!(taken.unwrap().contains("stopped again"));
    bench
        .program("spare to be stopped", |m, p| {
            ours(m) && p.id == spare.id && p.state == ProgramState::Stopped
        })
        .await;
}

#[tokio::test]
async fn the_logs_of_a_program_that_a_gateway_leads_to_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let Some(_ends) = start(dir.path(), port) else { return };
    let mut bench = Bench::start(Places::default());
    bench.attention.send_replace(Arc::new(passing_to(port)));
    let own = dir.path().join("s.log").display().to_string();
    bench
        .until(
            "Supervisor's own log",
            |seen| matches!(seen, Seen::LogFound(log) if log.path.raw() == own),
        )
        .await;
}
