//! The published schema of `diagnose -o json`: it is itself valid, accepts the contract's example,
//! and refuses what would break a script.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::allow_attributes,
    reason = "a test may fail loudly"
)]

use gatemedic::observation::SourceId;
use jsonschema::Validator;
use serde_json::{Value, json};

const SCHEMA: &str = include_str!("../assets/schema/diagnosis-1.json");

fn validator() -> Validator {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    jsonschema::meta::validate(&schema).unwrap_or_else(|error| panic!("{error}"));
    jsonschema::draft202012::new(&schema).unwrap()
}

fn example() -> Value {
    json!({
        "schema": "gatemedic.diagnosis/1",
        "as_of": "2026-11-20T14:02:30Z",
        "host": {"name": "web1"},
        "status": "failing",
        "gateways": [{"kind": "nginx", "version": "1.22.1", "config": "/etc/nginx/nginx.conf", "running": true}],
        "upstreams": [{
            "id": "nginx:/etc/nginx/sites-enabled/shop:12", "gateway": "nginx",
            "address": "unix:/run/php/php8.2-fpm.sock", "protocol": "fastcgi", "state": "down",
            "reason": "no such socket",
            "behind": {"unit": "php8.2-fpm.service", "pid": null, "container": null}
        }],
        "findings": [{
            "rank": 1, "cause": "oom-cgroup-unit", "confidence": "confirmed",
            "subject": {"upstream": "nginx:/etc/nginx/sites-enabled/shop:12", "unit": "php8.2-fpm.service"},
            "summary": "php8.2-fpm.service was killed by the kernel at 14:02:09 (out of memory) and is not running",
            "since": "2026-11-20T14:02:09Z", "explains": ["app-unit-failed-exit", "sym-unix-missing"],
            "for": [{"what": "the kernel killed it", "origin": "kernel log", "at": "2026-11-20T14:02:09Z"}],
            "against": [], "missing": [], "next_check": null,
            "remedies": [{
                "id": "start-unit", "action": {"kind": "start-unit", "unit": "php8.2-fpm.service"},
                "command": ["systemctl", "start", "php8.2-fpm.service"],
                "risk": "none while it is down", "reversible": true
            }]
        }],
        "blind_spots": [{
            "source": "docker", "why": "permission denied on /var/run/docker.sock",
            "hides": "container state", "grant": "join the group docker"
        }],
        "incomplete": []
    })
}

#[test]
fn the_example_of_the_contract_is_accepted_with_members_to_come() {
    let validator = validator();
    let mut document = example();
    let errors = validator.iter_errors(&document);
    let errors: Vec<String> = errors.map(|e| format!("{}: {e}", e.instance_path)).collect();
    assert_eq!(errors, Vec::<String>::new());
    document["mood"] = json!("calm");
    document["findings"][0]["subject"]["planet"] = json!("earth");
    document["incomplete"] = SourceId::ALL.iter().map(|id| id.as_str()).collect();
    assert!(validator.is_valid(&document));
}

#[test]
fn what_would_break_a_script_is_refused() {
    let validator = validator();
    let changes = [
        ("/schema", json!("gatemedic.diagnosis/2")),
        ("/as_of", json!("yesterday")),
        ("/as_of", json!("2026-11-20T14:02:30+01:00")),
        ("/status", json!("recovered")),
        ("/host/name", json!("web\u{1b}[2J")),
        ("/gateways/0/running", json!("yes")),
        ("/upstreams/0/state", json!("broken")),
        ("/upstreams/0/behind/pid", json!(0)),
        ("/upstreams/0/behind/container", json!("web")),
        ("/findings/0/rank", json!(0)),
        ("/findings/0/cause", json!("OOM kill")),
        ("/findings/0/confidence", json!(0.9)),
        ("/findings/0/summary", json!("")),
        ("/findings/0/since", json!("")),
        ("/findings/0/for/0/at", json!(1_795_227_154)),
        ("/findings/0/remedies/0/command", json!("systemctl start x")),
        ("/findings/0/remedies/0/reversible", json!(null)),
        ("/blind_spots/0/why", json!("")),
        ("/incomplete", json!(["docker", "docker"])),
    ];
    for (at, value) in changes {
        let mut document = example();
        *document.pointer_mut(at).unwrap() = value.clone();
        assert!(!validator.is_valid(&document), "{at} = {value}");
    }
}

#[test]
fn no_member_of_the_contract_may_be_left_out() {
    let validator = validator();
    let optional = ["/findings/0/subject", "/findings/0/remedies/0/action"];
    let mut objects = vec![String::new()];
    while let Some(at) = objects.pop() {
        let members: Vec<String> = match example().pointer(&at) {
            Some(Value::Object(map)) => map.keys().cloned().collect(),
            Some(Value::Array(list)) if !list.is_empty() => vec!["0".to_owned()],
            _ => continue,
        };
        for member in members {
            let mut document = example();
            if let Some(Value::Object(map)) = document.pointer_mut(&at) {
                map.remove(&member);
                if !optional.contains(&at.as_str()) {
                    assert!(!validator.is_valid(&document), "{at}/{member}");
                }
            }
            objects.push(format!("{at}/{member}"));
        }
    }
}
