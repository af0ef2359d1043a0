//! `gatemedic history`, as a person and as a script see it.

use gatemedic::{
    observation::Text,
    session::history::{Incident, State},
};
use serde_json::Value;

use super::desk::{Desk, fixed, incident};

/// Three incidents of long ago: what they say does not change with the day.
fn desk() -> Desk {
    let desk = Desk::new();
    let mut outside = incident("blog", 5);
    outside.changed = Some(Text::new("blog.service was started, by bob"));
    let mut open = incident("shop", 1);
    (open.state, open.ended) = (State::Open, None);
    let history = desk.keep(vec![fixed("shop", 12), outside, open]);
    assert_eq!(history.notice, None);
    desk
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_list_tells_the_newest_first_with_what_ended_each() {
    let output = desk().run(&["history"]);
    assert_eq!(text(&output.stderr), "");
    insta::assert_snapshot!(text(&output.stdout));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn one_incident_is_told_with_its_repairs() {
    let output = desk().run(&["history", "show", "1"]);
    assert_eq!(text(&output.stderr), "");
    insta::assert_snapshot!(text(&output.stdout));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn filters_say_which() {
    let desk = desk();
    let ids = |arguments: &[&str]| -> Vec<u64> {
        let arguments = [&["history", "-o", "json"], arguments].concat();
        let value: Value = serde_json::from_slice(&desk.run(&arguments).stdout).unwrap();
        let all = value["incidents"].as_array().unwrap().clone();
        all.iter().map(|incident| incident["id"].as_u64().unwrap()).collect()
    };
    assert_eq!(ids(&[]), [3, 2, 1]);
    assert_eq!(ids(&["--limit", "1"]), [3]);
    assert_eq!(ids(&["--cause", "app-unit-stopped"]), [3, 2, 1]);
    assert_eq!(ids(&["--cause", "oom-cgroup-unit"]), [0; 0]);
    assert_eq!(ids(&["--since", "2026-11-14 00:00"]), [3, 2]);
    assert_eq!(ids(&["--until", "2026-11-16 00:00"]), [2, 1]);
}

#[test]
fn the_document_keeps_its_schema() {
    let schema: Value =
        serde_json::from_str(include_str!("../../assets/schema/history-1.json")).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let desk = desk();
    for arguments in [&["history", "-o", "json"][..], &["history", "show", "1", "-o", "json"]] {
        let output = desk.run(arguments);
        let value: Value = serde_json::from_slice(&output.stdout).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path)).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
    let mut broken: Value =
        serde_json::from_slice(&desk.run(&["history", "-o", "json"]).stdout).unwrap();
    broken["incidents"][0]["state"] = "over".into();
    assert!(!validator.is_valid(&broken));
}

#[test]
fn exit_codes_are_as_they_are_written_down() {
    let desk = desk();
    let code = |arguments: &[&str]| desk.run(arguments).status.code().unwrap();
    assert_eq!(code(&["history"]), 0);
    assert_eq!(code(&["history", "show", "99"]), 3);
    assert_eq!(code(&["history", "--cause", "none"]), 3);
    assert_eq!(code(&["history", "--since", "someday"]), 64);
    assert_eq!(code(&["history", "show"]), 64);
    assert_eq!(code(&["history", "--forget", "1", "--cause", "x"]), 64);
    // Nobody is there to be asked.
    assert_eq!(code(&["history", "--forget", "1"]), 64);
    assert_eq!(code(&["history", "--forget", "99", "--yes"]), 3);
    assert_eq!(code(&["--readonly", "history", "--forget", "1", "--yes"]), 77);
    assert_eq!(desk.book().incidents().len(), 3, "nothing was forgotten");
    let nothing = Desk::new();
    let output = nothing.run(&["history"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(text(&output.stderr), "gatemedic: no incident has been kept here yet\n");
    assert!(!nothing.state().exists(), "looking makes no folder");
}

#[test]
fn what_is_forgotten_is_gone_from_the_file() {
    let desk = desk();
    let output = desk.run(&["history", "--forget", "2", "--yes"]);
    assert_eq!(
        (output.status.code(), text(&output.stdout)),
        (Some(0), "forgot 1 incident\n".into())
    );
    let left = |desk: &Desk| -> Vec<u64> {
        desk.book().incidents().iter().map(|i: &Incident| i.id).collect()
    };
    assert_eq!(left(&desk), [1, 3]);
    let bytes = std::fs::read(desk.file()).unwrap();
    assert!(!bytes.windows(12).any(|window| window == b"blog.service"), "no free page keeps it");
    let output = desk.run(&["history", "--before", "2026-11-18 00:00", "--yes"]);
    assert_eq!(text(&output.stdout), "forgot 1 incident\n");
    assert_eq!(left(&desk), [3]);
}
