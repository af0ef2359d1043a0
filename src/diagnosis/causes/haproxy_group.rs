//! The backends of HAProxy as it regards them itself, for the rules about them.

use std::collections::BTreeMap;

use crate::{
    diagnosis::{Evidence, Scene},
    evidence::{LogFact, topology::Chain},
    observation::{Gateway, GatewayKind, Origin, ServerState, ServerStatus, SourceId, Text},
};

/// A backend with its servers.
pub(super) struct Group<'s, 'a> {
    pub(super) gateway: &'s Gateway,
    pub(super) name: &'s Text,
    /// Its servers: index of the chain, the chain, and how HAProxy regards it, when it tells.
    pub(super) servers: Vec<(usize, &'s Chain<'a>, Option<&'s ServerState>)>,
    /// Where the state was asked for.
    pub(super) control: Option<Origin>,
}

/// All backends that requests may go to.
pub(super) fn groups<'s, 'a>(scene: &'s Scene<'a>) -> Vec<Group<'s, 'a>> {
    let mut all: BTreeMap<(&str, &str), Group<'s, 'a>> = BTreeMap::new();
    let told = !scene.blind(SourceId::Runtime);
    for (index, chain) in scene.chains.iter().enumerate() {
        let Some(name) = &chain.upstream.group else { continue };
        if chain.gateway.kind != GatewayKind::Haproxy || chain.upstream.routes.is_empty() {
            continue;
        }
        let runtime = scene.case.runtime.get(&chain.gateway.id).map(|track| &track.now.value);
        let runtime = runtime.filter(|_| told && chain.gateway.running);
        let state = runtime.and_then(|runtime| {
            runtime.servers.iter().find(|server| {
                server.group == *name && chain.upstream.params.is_called(server.name.raw())
            })
        });
        let control = runtime.map(|runtime| Origin::Path(Text::new(runtime.control.to_string())));
        let key = (chain.gateway.id.0.raw(), name.raw());
        let group = all.entry(key).or_insert_with(|| Group {
            gateway: chain.gateway,
            name,
            servers: Vec::new(),
            control,
        });
        group.servers.push((index, chain, state));
    }
    all.into_values().collect()
}

impl<'s, 'a> Group<'s, 'a> {
    /// Whether HAProxy tells the state of all its servers.
    pub(super) fn is_told(&self) -> bool {
        self.servers.iter().all(|(_, _, state)| state.is_some())
    }

    /// Whether new requests can go to one of its servers, as HAProxy tells it; `None` when it does
    /// not.
    pub(super) fn serves(&self) -> Option<bool> {
        if self.servers.iter().any(|(_, _, state)| state.is_some_and(|s| s.status.serves())) {
            return Some(true);
        }
        self.is_told().then_some(false)
    }

    /// The newest line of the incident about a request for which no server was left.
    pub(super) fn unserved(&self, scene: &'s Scene<'_>) -> Option<&'s LogFact> {
        self.newest(scene, &["haproxy-no-server"])
    }

    /// The newest line of the incident that names this backend.
    pub(super) fn newest(&self, scene: &'s Scene<'_>, ids: &[&str]) -> Option<&'s LogFact> {
        self.facts(scene, ids).pop()
    }

    /// Lines of the incident that name this backend, oldest first.
    pub(super) fn facts(&self, scene: &'s Scene<'_>, ids: &[&str]) -> Vec<&'s LogFact> {
        let own = |fact: &&LogFact| {
            ids.contains(&fact.signature.as_str())
                && fact.gateway.as_ref() == Some(&self.gateway.id)
                && fact.captures.get("be") == Some(self.name)
        };
        scene.case.logs.since(scene.incident.window).filter(own).collect()
    }

    /// A state in HAProxy's words, as evidence of what is the case now.
    pub(super) fn state_words(&self, state: &ServerState) -> Evidence {
        let check = state.check.as_ref().map(|check| format!(", last check {check}"));
        let words = state.check_words.as_ref().filter(|words| !words.is_empty());
        let words = words.map(|words| format!(" ({words})")).unwrap_or_default();
        Evidence {
            what: format!(
                "show stat: {}/{} is {}{}{words}",
                state.group,
                state.name,
                state.words,
                check.unwrap_or_default()
            ),
            origin: self.control.clone().unwrap_or(Origin::Path(Text::new("stats socket"))),
            at: None,
        }
    }

    /// Servers that HAProxy took out because of a check: by its own word, or by the newest line
    /// about each while it does not tell.
    pub(super) fn downs(&self, scene: &'s Scene<'_>) -> Vec<Down<'s, 'a>> {
        let mut found = Vec::new();
        for (index, chain, state) in &self.servers {
            let line = self
                .facts(scene, &["haproxy-server-down", "health-check-wrong"])
                .into_iter()
                .rfind(|fact| {
                    fact.captures
                        .get("srv")
                        .is_some_and(|srv| chain.upstream.params.is_called(srv.raw()))
                });
            let down = match state {
                Some(state) => state.status == ServerStatus::Down,
                None => line.is_some(),
            };
            if down {
                found.push(Down { index: *index, chain, state: *state, line });
            }
        }
        found
    }
}

/// A server that a check took out of service.
pub(super) struct Down<'s, 'a> {
    pub(super) index: usize,
    pub(super) chain: &'s Chain<'a>,
    pub(super) state: Option<&'s ServerState>,
    pub(super) line: Option<&'s LogFact>,
}

impl Down<'_, '_> {
    /// Kind of the failed check in HAProxy's short form, as in `L4CON` or `L7STS`.
    pub(super) fn kind(&self) -> String {
        if self.is_by_agent() {
            return "AGENT".to_owned();
        }
        if let Some(check) = self.state.and_then(|state| state.check.as_ref()) {
            return check.raw().split('/').next().unwrap_or_default().to_owned();
        }
        let Some(line) = self.line else { return String::new() };
        if line.signature == *"health-check-wrong" {
            return "L7STS".to_owned();
        }
        match line.captures.get("reason").map(Text::raw) {
            Some("Layer4 connection problem") => "L4CON",
            Some("Layer4 timeout") => "L4TOUT",
            Some("Layer6 invalid response") => "L6RSP",
            Some("Layer6 timeout") => "L6TOUT",
            Some("Layer7 invalid response") => "L7RSP",
            Some("Layer7 timeout") => "L7TOUT",
            Some("Layer7 wrong status") => "L7STS",
            _ => "",
        }
        .to_owned()
    }

    /// Whether it is out of service by the word of its own agent (`agent-check`), not by a check.
    fn is_by_agent(&self) -> bool {
        match (self.state, self.line) {
            (Some(state), _) => state.words.raw().contains("(agent)"),
            (None, Some(line)) => line.text.raw().contains("\"via agent : "),
            (None, None) => false,
        }
    }

    /// The status that the check got. While the next check is on its way HAProxy shows a zero.
    pub(super) fn code(&self) -> Option<u16> {
        let told = self.state.and_then(|state| state.check.as_ref());
        let told = told.and_then(|check| check.raw().split('/').nth(1)?.parse().ok());
        told.filter(|code| *code != 0)
            .or_else(|| self.line?.captures.get("code")?.raw().parse().ok())
    }

    /// Why, in words.
    pub(super) fn reason(&self) -> String {
        if self.is_by_agent() {
            let told = self.line.and_then(|line| line.text.raw().split_once("via agent : "));
            let told = told.and_then(|(_, rest)| rest.split('"').next()).unwrap_or("down");
            return format!("its own agent (agent-check) says {told}");
        }
        let words = self.state.and_then(|state| state.check_words.as_ref());
        let words = words.or_else(|| self.line.and_then(|line| line.captures.get("info")));
        let words = words.filter(|words| !words.is_empty()).map(|words| format!(": {words}"));
        let kind = match self.kind().as_str() {
            "L4CON" => "its check cannot connect",
            "L4TOUT" => "its check gets no connection in time",
            "L6RSP" | "L6TOUT" => "the TLS handshake of its check fails",
            "L7RSP" => "its check gets an answer that is not understood",
            "L7TOUT" => "its check gets no answer in time",
            "L7STS" => match self.code() {
                Some(code) => return format!("its check is answered {code}"),
                None => "its check gets the wrong status",
            },
            _ => "its check fails",
        };
        format!("{kind}{}", words.unwrap_or_default())
    }

    /// Its name in HAProxy's words.
    pub(super) fn name(&self) -> String {
        let group = self.chain.upstream.group.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{group}/{}", self.chain.upstream.params.name)
    }
}
