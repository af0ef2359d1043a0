#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::process::{Child, Command};

use futures_util::StreamExt;
use zbus::{Connection, ObjectPath, connection};

use super::*;

const CONFIG: &str = "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration \
    1.0//EN\" \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\"><busconfig>\
    <type>session</type><listen>unix:path=SOCKET</listen><auth>EXTERNAL</auth>\
    <policy context=\"default\"><allow own=\"*\"/><allow send_destination=\"*\"/>\
    <allow receive_sender=\"*\"/></policy></busconfig>";

/// A message bus of our own; it ends with the test.
struct Bus {
    daemon: Child,
    address: String,
    _dir: tempfile::TempDir,
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

async fn bus() -> Option<Bus> {
    if !std::path::Path::new("/usr/bin/dbus-daemon").exists() {
        println!("skipped: dbus-daemon is not installed");
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("bus");
    let config = dir.path().join("bus.conf");
    std::fs::write(&config, CONFIG.replace("SOCKET", socket.to_str().unwrap())).unwrap();
    let daemon = Command::new("/usr/bin/dbus-daemon")
        .arg(format!("--config-file={}", config.display()))
        .arg("--nofork")
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let bus = Bus { daemon, address: format!("unix:path={}", socket.display()), _dir: dir };
    for _ in 0..1_000 {
        if std::os::unix::net::UnixStream::connect(&socket).is_ok() {
            return Some(bus);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the bus does not start");
}

/// What the fake says to the start of a unit.
#[derive(Clone, Copy)]
enum Says {
    /// The job is over, with this result, before the call is answered.
    AtOnce(&'static str),
    /// The job never ends.
    Never,
    /// An error of this name.
    Error(&'static str),
}

/// A systemd that takes jobs and nothing else; the calls that it got are told at its end.
async fn systemd(address: &str, says: Says) -> tokio::sync::mpsc::Receiver<String> {
    let build = connection::Builder::address(address).name("org.freedesktop.systemd1");
    let fake: Connection = build.build().await.unwrap();
    let (told, calls) = tokio::sync::mpsc::channel(64);
    tokio::spawn(async move {
        let mut messages = MessageStream::from(fake.clone());
        while let Some(Ok(message)) = messages.next().await {
            let header = message.header();
            if message.message_type() != Type::MethodCall {
                continue;
            }
            let member = header.member().map(|m| m.as_str().to_owned()).unwrap_or_default();
            let _ = told.try_send(member.clone());
            if member != "StartUnit" {
                fake.reply(&header, &()).await.unwrap();
                continue;
            }
            let job = ObjectPath::try_from("/org/freedesktop/systemd1/job/42").unwrap();
            let other = ObjectPath::try_from("/org/freedesktop/systemd1/job/41").unwrap();
            match says {
                Says::Error(name) => fake.reply_error(&header, name, &"no").await.unwrap(),
                Says::Never => fake.reply(&header, &job).await.unwrap(),
                Says::AtOnce(word) => {
                    for (job, word) in [(&other, "failed"), (&job, word)] {
                        fake.emit_signal(
                            None::<&str>,
                            ROOT,
                            "org.freedesktop.systemd1.Manager",
                            "JobRemoved",
                            &(42_u32, job, "app.service", word),
                        )
                        .await
                        .unwrap();
                    }
                    fake.reply(&header, &job).await.unwrap();
                }
            }
        }
    });
    calls
}

async fn start(bus: &Bus, says: Says, limit: Duration) -> Result<JobEnd, ManageError> {
    let _calls = systemd(&bus.address, says).await;
    let unit = UnitName::new("app.service").unwrap();
    Manager::connect(&bus.address).await.unwrap().job(Verb::Start, &unit, limit).await
}

#[tokio::test]
async fn a_job_that_is_over_before_the_call_returns_is_not_missed_nor_taken_for_another() {
    let Some(bus) = bus().await else { return };
    let limit = Duration::from_secs(20);
    assert_eq!(start(&bus, Says::AtOnce("done"), limit).await, Ok(JobEnd::Done));
    let Some(bus) = self::bus().await else { return };
    assert_eq!(start(&bus, Says::AtOnce("dependency"), limit).await, Ok(JobEnd::Dependency));
}

#[tokio::test]
async fn a_job_that_never_ends_is_cancelled_at_the_deadline() {
    let Some(bus) = bus().await else { return };
    let mut calls = systemd(&bus.address, Says::Never).await;
    let unit = UnitName::new("app.service").unwrap();
    let manager = Manager::connect(&bus.address).await.unwrap();
    let end = manager.job(Verb::Start, &unit, Duration::from_millis(200)).await;
    assert_eq!(end, Ok(JobEnd::Late));
    let mut told = Vec::new();
    while let Ok(call) = calls.try_recv() {
        told.push(call);
    }
    assert_eq!(told, ["Subscribe", "StartUnit", "CancelJob"]);
}

#[tokio::test]
async fn refusals_of_the_policy_and_of_systemd_are_told_apart() {
    let limit = Duration::from_secs(20);
    for (name, expected) in [
        ("org.freedesktop.DBus.Error.AccessDenied", ManageError::Denied),
        ("org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", ManageError::Denied),
        ("org.freedesktop.systemd1.NoSuchUnit", ManageError::NoSuchUnit),
        ("org.freedesktop.systemd1.UnitMasked", ManageError::Refused("no".to_owned())),
    ] {
        let Some(bus) = bus().await else { return };
        assert_eq!(start(&bus, Says::Error(name), limit).await, Err(expected), "{name}");
    }
}
