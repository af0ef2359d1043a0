//! The engine's events, as far as they tell of a container's life.

use bollard::models::{EventMessage, EventMessageTypeEnum};

use crate::observation::{ContainerEvent, ContainerId, Text, Wall};

/// What an event asks of the watcher besides being published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// Look at the container again.
    Inspect,
    /// As [`Then::Inspect`], and its log begins again.
    Started,
    /// The container is no more.
    Gone,
}

/// An event that matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Happening {
    pub(super) event: ContainerEvent,
    pub(super) then: Then,
    /// Its time in nanoseconds, by which a repeated event is known.
    pub(super) nanos: i64,
}

/// Reads one message; `None` when it is not about the life of a container (health checks alone
/// make three such messages each).
pub(super) fn of_message(message: &EventMessage) -> Option<Happening> {
    let action = message.action.as_deref()?;
    let actor = message.actor.as_ref()?;
    let attribute = |name: &str| actor.attributes.as_ref()?.get(name).map(String::as_str);
    let nanos = message
        .time_nano
        .or_else(|| message.time.map(|secs| secs.saturating_mul(1_000_000_000)))?;
    let (id, name, written, then) = match message.typ {
        Some(EventMessageTypeEnum::CONTAINER) => {
            let name = attribute("name").unwrap_or_default();
            (actor.id.as_deref()?, name, action.to_owned(), of_container(action)?)
        }
        Some(EventMessageTypeEnum::NETWORK) if matches!(action, "connect" | "disconnect") => {
            // The actor is the network, and the container is told by its id only.
            (attribute("container")?, "", format!("network {action}"), Then::Inspect)
        }
        _ => return None,
    };
    let event = ContainerEvent {
        id: ContainerId::new(id).ok()?,
        name: Text::new(name),
        action: Text::new(written),
        exit_code: attribute("exitCode").and_then(|code| code.parse().ok()),
        at: Wall(nanos / 1_000),
    };
    Some(Happening { event, then, nanos })
}

fn of_container(action: &str) -> Option<Then> {
    match action.split(':').next().unwrap_or(action) {
        "start" | "restart" => Some(Then::Started),
        "destroy" | "remove" => Some(Then::Gone),
        "create" | "die" | "died" | "oom" | "stop" | "kill" | "pause" | "unpause" | "rename"
        | "update" | "health_status" => Some(Then::Inspect),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(value: serde_json::Value) -> Option<Happening> {
        of_message(&serde_json::from_value(value).unwrap())
    }

    #[test]
    fn a_death_tells_its_exit_code_and_time() {
        let id = "3bbd04062b9f4a3ed2b77d519c68da70ec0662b6fc90f98ed71ee2db4ae86fe7";
        let seen = read(json!({"status": "die", "id": id, "from": "gm-dock:bb",
            "Type": "container", "Action": "die",
            "Actor": {"ID": id, "Attributes": {"exitCode": "3", "image": "x", "name": "loop"}},
            "scope": "local", "time": 1_795_227_154, "timeNano": 1_795_227_154_903_841_612_i64}));
        let seen = seen.unwrap();
        assert_eq!(seen.event.exit_code, Some(3));
        assert_eq!(seen.event.name.raw(), "loop");
        assert_eq!(seen.event.at, Wall(1_795_227_154_903_841));
        assert_eq!(seen.then, Then::Inspect);
    }

    #[test]
    fn a_health_check_that_only_runs_is_no_event_and_its_verdict_is_one() {
        let id = "a".repeat(64);
        let of = |action: &str| {
            read(json!({"Type": "container", "Action": action, "timeNano": 1,
                "Actor": {"ID": id, "Attributes": {"name": "x"}}}))
        };
        assert_eq!(of("exec_start: /bin/sh -c echo fine"), None);
        assert!(of("health_status: unhealthy").is_some());
        assert_eq!(of("destroy").map(|seen| seen.then), Some(Then::Gone));
    }

    #[test]
    fn a_network_change_is_told_of_its_container() {
        let id = "b".repeat(64);
        let seen = read(json!({"Type": "network", "Action": "disconnect", "time": 5,
            "Actor": {"ID": "55b9", "Attributes": {"container": id, "name": "bridge"}}}));
        let seen = seen.unwrap();
        assert_eq!(
            (seen.event.id.as_str(), seen.event.action.raw()),
            (id.as_str(), "network disconnect")
        );
    }

    proptest! {
        #[test]
        fn no_message_breaks_it(action in "\\PC{0,30}", id in "\\PC{0,70}", nanos in any::<i64>(), secs in any::<i64>()) {
            let value = json!({"Type": "container", "Action": action, "time": secs, "timeNano": nanos,
                "Actor": {"ID": id, "Attributes": {"exitCode": id, "name": action}}});
            let _ = read(value);
        }
    }
}
