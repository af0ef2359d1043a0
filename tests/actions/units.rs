//! Units of a real systemd.

use std::{fs, path::Path};

use gatemedic::{
    action::{Failure, hands::Undo},
    remedy::{Action, UnitSetting},
};

use super::ground::{self, run, unit};

/// A unit of this test's own, gone with it.
pub struct Made(pub String);

impl Made {
    pub fn new(name: &str, service: &str) -> Self {
        let name = format!("gatemedic-test-{name}.service");
        let text = format!("[Service]\n{service}\n[Install]\nWantedBy=multi-user.target\n");
        fs::write(format!("/etc/systemd/system/{name}"), text).unwrap();
        run("systemctl", &["daemon-reload"]);
        Self(name)
    }

    pub fn show(&self, property: &str) -> String {
        run("systemctl", &["show", "--value", "-p", property, &self.0])
    }

    fn drop_in(&self, file: &str, text: &str) {
        let folder = format!("/etc/systemd/system/{}.d", self.0);
        fs::create_dir_all(&folder).unwrap();
        fs::write(format!("{folder}/{file}"), text).unwrap();
        run("systemctl", &["daemon-reload"]);
    }

    fn has_drop_in(&self) -> bool {
        Path::new(&format!("/etc/systemd/system/{}.d/zz-gatemedic.conf", self.0)).exists()
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        run("systemctl", &["disable", "--now", &self.0]);
        run("systemctl", &["reset-failed", &self.0]);
        let _ = fs::remove_dir_all(format!("/etc/systemd/system/{}.d", self.0));
        let _ = fs::remove_file(format!("/etc/systemd/system/{}", self.0));
        run("systemctl", &["daemon-reload"]);
    }
}

#[tokio::test]
async fn a_unit_is_started_restarted_and_stopped_and_each_is_over_when_it_returns() {
    if !ground::is_lab() {
        return;
    }
    let made = Made::new("life", "ExecStart=/bin/sleep 1000");
    let name = unit(&made.0);
    let done = ground::act(&Action::StartUnit { unit: name.clone() }).await.unwrap();
    assert_eq!(made.show("ActiveState"), "active");
    let again = ground::act(&Action::StartUnit { unit: name.clone() }).await.unwrap();
    assert!(again.undo.is_none(), "what ran before is not stopped by an undo");
    let pid = made.show("MainPID");
    ground::act(&Action::RestartUnit { unit: name.clone() }).await.unwrap();
    assert_ne!(made.show("MainPID"), pid);
    let reload = ground::act(&Action::ReloadUnit { unit: name.clone() }).await.unwrap_err();
    assert!(matches!(&reload, Failure::Refused(why) if why.contains("ExecReload")), "{reload}");
    let words = ground::take_back(&done.undo.unwrap()).await.unwrap();
    assert!(words.contains("stopped") && made.show("ActiveState") == "inactive");
}

#[tokio::test]
async fn a_start_that_fails_says_how_the_program_ended() {
    if !ground::is_lab() {
        return;
    }
    let made = Made::new("fails", "Type=notify\nExecStart=/bin/sh -c 'exit 7'");
    let failure = ground::act(&Action::StartUnit { unit: unit(&made.0) }).await.unwrap_err();
    assert!(matches!(&failure, Failure::Refused(why) if why.contains("exit status 7")));
    ground::act(&Action::ResetFailed { unit: unit(&made.0) }).await.unwrap();
    assert_eq!(made.show("ActiveState"), "inactive");
}

#[tokio::test]
async fn masked_missing_and_template_units_are_refused_with_the_reason() {
    if !ground::is_lab() {
        return;
    }
    let made = Made::new("masked", "ExecStart=/bin/sleep 1000");
    fs::remove_file(format!("/etc/systemd/system/{}", made.0)).unwrap();
    run("systemctl", &["mask", &made.0]);
    let mould = "gatemedic-test-mould@.service";
    for (name, word) in [
        (made.0.as_str(), "masked"),
        ("gatemedic-test-none.service", "no unit file"),
        (mould, "template"),
    ] {
        let failure = ground::act(&Action::StartUnit { unit: unit(name) }).await.unwrap_err();
        assert!(failure.to_string().contains(word), "{name}: {failure}");
    }
    run("systemctl", &["unmask", &made.0]);
}

#[tokio::test]
async fn a_unit_is_enabled_and_the_undo_disables_it() {
    if !ground::is_lab() {
        return;
    }
    let made = Made::new("boot", "ExecStart=/bin/sleep 1000");
    let done = ground::act(&Action::EnableUnit { unit: unit(&made.0) }).await.unwrap();
    assert_eq!(made.show("UnitFileState"), "enabled");
    ground::take_back(&done.undo.unwrap()).await.unwrap();
    assert_eq!(made.show("UnitFileState"), "disabled");
    let bare = unit("systemd-journald.service");
    let failure = ground::act(&Action::EnableUnit { unit: bare }).await.unwrap_err();
    assert!(failure.to_string().contains("[Install]"), "{failure}");
}

#[tokio::test]
async fn a_limit_wins_over_an_older_drop_in_also_for_the_running_process_and_is_taken_back() {
    if !ground::is_lab() {
        return;
    }
    let made = Made::new("limit", "ExecStart=/bin/sleep 1000\nMemoryMax=80M");
    made.drop_in("memory.conf", "[Service]\nMemoryMax=60M\n");
    run("systemctl", &["start", &made.0]);
    let pid = made.show("MainPID");
    let settings = vec![
        UnitSetting::MemoryMax(256 << 20),
        UnitSetting::RestartOnFailure,
        UnitSetting::RestartSec(5),
        UnitSetting::TasksMax(77),
        UnitSetting::LimitNofile(4096),
    ];
    let limit = Action::LimitUnit { unit: unit(&made.0), settings };
    let done = ground::act(&limit).await.unwrap();
    assert_eq!(made.show("MemoryMax"), (256 << 20).to_string());
    assert_eq!((made.show("Restart"), made.show("TasksMax")), ("on-failure".into(), "77".into()));
    assert_eq!(made.show("MainPID"), pid, "nothing was restarted");
    let again = ground::act(&limit).await.unwrap();
    assert!(again.undo.is_none() && again.words.contains("already"));
    let undo = done.undo.unwrap();
    ground::take_back(&undo).await.unwrap();
    assert_eq!(made.show("MemoryMax"), (60 << 20).to_string());
    assert!(!made.has_drop_in());
    let Undo::RestoreDropIn { path, .. } = undo.clone() else { panic!("{undo:?}") };
    fs::write(path.raw(), "[Service]\n# somebody else\n").unwrap();
    let failure = ground::take_back(&undo).await.unwrap_err();
    assert!(matches!(failure, Failure::Changed(_)), "{failure}");
}

#[tokio::test]
async fn a_limit_that_would_not_count_is_refused_and_leaves_nothing_behind() {
    if !ground::is_lab() {
        return;
    }
    let limit = |made: &Made| Action::LimitUnit {
        unit: unit(&made.0),
        settings: vec![UnitSetting::MemoryMax(256 << 20)],
    };
    let made = Made::new("overruled", "ExecStart=/bin/sleep 1000");
    made.drop_in("zzz.conf", "[Service]\nMemoryMax=60M\n");
    let failure = ground::act(&limit(&made)).await.unwrap_err();
    assert!(failure.to_string().contains("zzz.conf is read later"), "{failure}");
    assert!(!made.has_drop_in() && made.show("NeedDaemonReload") == "no");
    let slice = "/etc/systemd/system/gatemedictest.slice";
    fs::write(slice, "[Slice]\nMemoryMax=100M\n").unwrap();
    let inner = Made::new("inslice", "ExecStart=/bin/sleep 1000\nSlice=gatemedictest.slice");
    let failure = ground::act(&limit(&inner)).await.unwrap_err();
    fs::remove_file(slice).unwrap();
    assert!(failure.to_string().contains("gatemedictest.slice"), "{failure}");
    assert!(!inner.has_drop_in());
}

#[tokio::test]
async fn a_user_without_rights_gets_the_command_and_no_question() {
    if !ground::is_lab() {
        return;
    }
    if rustix::process::geteuid().is_root() {
        println!("skipped: needs to run as a plain user");
        return;
    }
    let failure =
        ground::act(&Action::RestartUnit { unit: unit("nginx.service") }).await.unwrap_err();
    assert!(
        matches!(&failure, Failure::Denied(why)
        if why.contains("sudo systemctl restart nginx.service")),
        "{failure}"
    );
}
