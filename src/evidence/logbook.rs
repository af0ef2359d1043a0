//! Log lines, classified and folded: the same trouble a thousand times is one row with a count.

use std::collections::BTreeMap;

use crate::observation::{
    AccessEntry, Address, GatewayConfig, GatewayId, LogLine, Moment, Origin, Program, Text,
    Traffic, Unit, UnitName, Wall,
};

use super::{
    SignatureId, Signatures, gateway_line, nginx_line::Phase, ring::Ring, ties, ties::Ties,
};

const FACTS: usize = 4_000;
const FOLDS: usize = 1_000;
const TAIL: usize = 60;
const TAILS: usize = 200;
const ENTRIES: usize = 2_000;
const SECONDS: usize = 3_600;
/// Minutes of history behind a fold's sparkline.
pub const SPARK_MINUTES: usize = 30;

/// One classified log line.
#[derive(Clone, Debug, PartialEq)]
pub struct LogFact {
    /// When it happened: the line's own stamp, else the last one of the same log.
    pub at: Wall,
    /// Who wrote it.
    pub program: Program,
    /// Where it was read.
    pub origin: Origin,
    /// Gateway, for a gateway's own log.
    pub gateway: Option<GatewayId>,
    /// Its signature.
    pub signature: SignatureId,
    /// Named groups of the signature.
    pub captures: BTreeMap<String, Text>,
    /// Upstream address named by the line.
    pub address: Option<Address>,
    /// Errno named by the line.
    pub errno: Option<i32>,
    /// What the gateway was doing.
    pub phase: Option<Phase>,
    /// Method and URI of the request.
    pub request: Option<Text>,
    /// Server name or address named by the line.
    pub server: Option<Text>,
    /// The line.
    pub text: Text,
}

/// Lines with the same signature about the same upstream.
#[derive(Clone, Debug, PartialEq)]
pub struct Fold {
    /// Signature.
    pub signature: SignatureId,
    /// Upstream address.
    pub address: Option<Address>,
    /// Where the newest was read.
    pub origin: Origin,
    /// Who wrote it.
    pub program: Program,
    /// Lines so far.
    pub count: u64,
    /// First and newest stamp.
    pub first: Wall,
    /// Newest stamp.
    pub last: Wall,
    /// The newest line.
    pub sample: Text,
    /// Lines by minute since the epoch, newest [`SPARK_MINUTES`] kept.
    pub minutes: BTreeMap<i64, u32>,
}

/// A line that no signature knows.
#[derive(Clone, Debug, PartialEq)]
pub struct PlainLine {
    /// When.
    pub at: Wall,
    /// The line.
    pub text: Text,
}

/// What was found in a line.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// When it was written.
    pub at: Wall,
    /// What it was recognised as.
    pub signature: Option<SignatureId>,
    /// Upstream that it names.
    pub upstream: Option<Address>,
}

/// All log evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct LogBook {
    /// Classified lines, oldest first.
    pub facts: Ring<LogFact>,
    /// Folded rows.
    pub folds: BTreeMap<(SignatureId, Option<Address>, Program), Fold>,
    /// The last lines of each application log, known or not.
    pub tails: BTreeMap<Origin, Ring<PlainLine>>,
    /// When systemd wrote that it started and stopped a unit.
    runs: BTreeMap<UnitName, Run>,
    /// Lines seen in all.
    pub lines: u64,
    stamps: BTreeMap<Origin, Wall>,
    ties: Ties,
}

/// What systemd wrote about the runs of a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Run {
    started: Option<Wall>,
    stopped: Option<Wall>,
}

impl Default for LogBook {
    fn default() -> Self {
        Self {
            facts: Ring::new(FACTS),
            folds: BTreeMap::new(),
            tails: BTreeMap::new(),
            runs: BTreeMap::new(),
            lines: 0,
            stamps: BTreeMap::new(),
            ties: Ties::default(),
        }
    }
}

impl LogBook {
    /// Takes a line in, and says what was found in it. The configuration of the gateway that wrote
    /// it helps to tell its backend.
    pub fn admit(
        &mut self,
        line: &LogLine,
        seen: Moment,
        signatures: &Signatures,
        config: Option<&GatewayConfig>,
    ) -> Found {
        self.lines += 1;
        let at = self.stamp(line, seen);
        let parsed = gateway_line::parse(line.program, line.text.raw());
        let classified = signatures.classify(line.program, line.text.raw());
        if !line.program.is_gateway() {
            self.keep_tail(line, at);
        }
        self.keep_run(line, at);
        let named = parsed.as_ref().and_then(|p| p.address.clone());
        let tied = parsed
            .as_ref()
            .and_then(|p| p.hint.as_ref())
            .and_then(|hint| self.ties.address(&line.origin, at, hint, named.as_ref(), config));
        let upstream = named.or(tied);
        let told = Found { at, signature: classified.as_ref().map(|c| c.id), upstream };
        let Some(found) = classified else { return told };
        let fact = LogFact {
            at,
            program: line.program,
            origin: line.origin.clone(),
            gateway: line.gateway.clone(),
            signature: found.id,
            captures: found.captures,
            address: told.upstream.clone(),
            errno: parsed.as_ref().and_then(|p| p.errno),
            phase: parsed.as_ref().and_then(|p| p.phase),
            request: parsed.as_ref().and_then(|p| p.request.clone()),
            server: parsed.as_ref().and_then(|p| p.server.clone()),
            text: line.text.clone(),
        };
        self.fold(&fact);
        self.facts.push(fact);
        told
    }

    /// Ties lines that name a server, and came before the configuration that says where it is.
    pub(super) fn tie(&mut self, config: &GatewayConfig) {
        for fact in self.facts.iter_mut() {
            if fact.address.is_some() || fact.gateway.as_ref() != Some(&config.gateway) {
                continue;
            }
            let parsed = gateway_line::parse(fact.program, fact.text.raw());
            if let Some((group, name)) = parsed.and_then(|p| p.hint?.member) {
                fact.address = ties::member(config, group.raw(), name.as_ref().map(Text::raw));
            }
        }
    }

    /// Facts at or after `since`, oldest first.
    pub fn since(&self, since: Wall) -> impl DoubleEndedIterator<Item = &LogFact> {
        self.facts.iter().filter(move |fact| fact.at >= since)
    }

    /// Tells a unit when it last ran. systemd forgets that of a stopped unit that nothing refers
    /// to, and the journal remembers it.
    pub(super) fn remind(&self, unit: &mut Unit) {
        if unit.is_up() || unit.active_enter.is_some() || unit.exec_exit.is_some() {
            return;
        }
        let Some(run) = self.runs.get(&unit.name) else { return };
        unit.exec_start = unit.exec_start.max(run.started);
        unit.inactive_enter = unit.inactive_enter.max(run.stopped);
    }

    /// systemd's own words (`src/core/job.c`, `src/core/unit.c`): "Started NAME", "Stopped NAME",
    /// "NAME: Deactivated successfully.", before version 246 "NAME: Succeeded.".
    fn keep_run(&mut self, line: &LogLine, at: Wall) {
        let (Program::Systemd, Origin::Journal(unit)) = (line.program, &line.origin) else {
            return;
        };
        let text = line.text.raw();
        let started = text.starts_with("Started ");
        let ended = [": Deactivated successfully.", ": Succeeded."];
        let stopped = text.starts_with("Stopped ") || ended.iter().any(|end| text.ends_with(end));
        let room = self.runs.len() < TAILS || self.runs.contains_key(unit);
        if !(started || stopped) || !room {
            return;
        }
        let run = self.runs.entry(unit.clone()).or_default();
        let kept = if started { &mut run.started } else { &mut run.stopped };
        *kept = (*kept).max(Some(at));
    }

    fn stamp(&mut self, line: &LogLine, seen: Moment) -> Wall {
        if let Some(at) = line.at {
            if self.stamps.len() < TAILS || self.stamps.contains_key(&line.origin) {
                self.stamps.insert(line.origin.clone(), at);
            }
            return at;
        }
        self.stamps.get(&line.origin).copied().unwrap_or(seen.wall)
    }

    fn keep_tail(&mut self, line: &LogLine, at: Wall) {
        if self.tails.len() >= TAILS && !self.tails.contains_key(&line.origin) {
            return;
        }
        self.tails
            .entry(line.origin.clone())
            .or_insert_with(|| Ring::new(TAIL))
            .push(PlainLine { at, text: line.text.clone() });
    }

    fn fold(&mut self, fact: &LogFact) {
        let key = (fact.signature, fact.address.clone(), fact.program);
        if self.folds.len() >= FOLDS && !self.folds.contains_key(&key) {
            let oldest =
                self.folds.iter().min_by_key(|(_, fold)| fold.last).map(|(k, _)| k.clone());
            if let Some(oldest) = oldest {
                self.folds.remove(&oldest);
            }
        }
        let fold = self.folds.entry(key).or_insert_with(|| Fold {
            signature: fact.signature,
            address: fact.address.clone(),
            origin: fact.origin.clone(),
            program: fact.program,
            count: 0,
            first: fact.at,
            last: fact.at,
            sample: fact.text.clone(),
            minutes: BTreeMap::new(),
        });
        fold.count += 1;
        fold.first = fold.first.min(fact.at);
        if fact.at >= fold.last {
            fold.last = fact.at;
            fold.sample = fact.text.clone();
            fold.origin = fact.origin.clone();
        }
        *fold.minutes.entry(fact.at.0.div_euclid(60_000_000)).or_default() += 1;
        while fold.minutes.len() > SPARK_MINUTES {
            fold.minutes.pop_first();
        }
    }
}

/// Failed requests and request counts.
#[derive(Clone, Debug, PartialEq)]
pub struct AccessBook {
    /// Requests answered with 499 or 5xx, oldest first.
    pub entries: Ring<AccessEntry>,
    /// Requests by second since the epoch and gateway, by status.
    pub seconds: BTreeMap<(i64, GatewayId), BTreeMap<u16, u32>>,
}

impl Default for AccessBook {
    fn default() -> Self {
        Self { entries: Ring::new(ENTRIES), seconds: BTreeMap::new() }
    }
}

impl AccessBook {
    /// Takes a failed request in.
    pub fn admit(&mut self, entry: &AccessEntry) {
        self.entries.push(entry.clone());
    }

    /// Takes one second of traffic in.
    pub fn count(&mut self, traffic: &Traffic) {
        let second = traffic.at.0.div_euclid(1_000_000);
        let counts = self.seconds.entry((second, traffic.gateway.clone())).or_default();
        for (status, n) in &traffic.by_status {
            let count = counts.entry(*status).or_default();
            *count = count.saturating_add(*n);
        }
        while self.seconds.len() > SECONDS {
            self.seconds.pop_first();
        }
    }

    /// Requests and failures (status 500 and above) of a gateway since a moment; of all
    /// gateways when none is named.
    pub fn totals(&self, gateway: Option<&GatewayId>, since: Wall) -> (u64, u64) {
        self.sum(gateway, since, |status| status >= 500)
    }

    /// As [`Self::totals`]; clients that gave up (499) count as failures too.
    pub fn unserved(&self, gateway: &GatewayId, since: Wall) -> (u64, u64) {
        self.sum(Some(gateway), since, |status| status >= 499)
    }

    fn sum(
        &self,
        gateway: Option<&GatewayId>,
        since: Wall,
        fails: impl Fn(u16) -> bool,
    ) -> (u64, u64) {
        let from = since.0.div_euclid(1_000_000);
        let mut all = 0;
        let mut failed = 0;
        for ((second, whose), counts) in self.seconds.iter().rev() {
            if *second < from {
                break;
            }
            if gateway.is_some_and(|g| g != whose) {
                continue;
            }
            for (status, n) in counts {
                all += u64::from(*n);
                failed += if fails(*status) { u64::from(*n) } else { 0 };
            }
        }
        (all, failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_connect_is_classified_and_tied_to_its_address() {
        let line = LogLine {
            program: Program::Nginx,
            origin: Origin::File("/var/log/nginx/error.log".into()),
            gateway: Some(GatewayId("nginx:/etc/nginx/nginx.conf".into())),
            at: Some(Wall::from_secs(10)),
            text: r#"2026/11/21 02:55:06 [crit] 55#55: *7 connect() to unix:/run/php/php8.2-fpm.sock failed (2: No such file or directory) while connecting to upstream, client: 127.0.0.1, server: shop.lan, request: "GET / HTTP/1.1", upstream: "fastcgi://unix:/run/php/php8.2-fpm.sock:", host: "shop.lan""#.into(),
        };
        let mut book = LogBook::default();
        book.admit(&line, Moment::default(), Signatures::embedded(), None);
        let fact = book.facts.last().expect("a fact");
        assert_eq!(fact.signature.as_str(), "sym-unix-missing");
        assert_eq!(fact.address, Address::parse("unix:/run/php/php8.2-fpm.sock", 0));
    }

    #[test]
    fn a_stopped_unit_that_systemd_forgot_is_known_by_the_journal() {
        let name = UnitName::new("app.service").expect("a name");
        let mut book = LogBook::default();
        for (at, text) in [
            (10, "Started app.service - Orders."),
            (20, "Stopping app.service - Orders..."),
            (21, "app.service: Deactivated successfully."),
            (22, "Stopped app.service - Orders."),
        ] {
            let line = LogLine {
                program: Program::Systemd,
                origin: Origin::Journal(name.clone()),
                gateway: None,
                at: Some(Wall::from_secs(at)),
                text: text.into(),
            };
            book.admit(&line, Moment::default(), Signatures::embedded(), None);
            // What an application writes in systemd's words is not believed.
            let forged = LogLine { program: Program::Application, at: Some(Wall(9)), ..line };
            book.admit(&forged, Moment::default(), Signatures::embedded(), None);
        }
        let run = book.runs.get(&name).copied().expect("a run");
        assert_eq!(run.started, Some(Wall::from_secs(10)));
        assert_eq!(run.stopped, Some(Wall::from_secs(22)));
    }
}
