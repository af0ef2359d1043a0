//! Requests among the lines of a gateway that logs to the journal, and servers that are named where
//! others write an address.

use crate::observation::{
    AccessEntry, GatewayConfig, LogLine, Moment, Origin, Program, Text, Traffic,
};

use super::{
    CaseFile, go_line,
    haproxy_line::{self, HaproxyLine},
    ties,
};

/// A request with the address of its server in the place of that server's name; `None` when there
/// is nothing to change.
pub(super) fn tied(config: Option<&GatewayConfig>, entry: &AccessEntry) -> Option<AccessEntry> {
    let (group, name) = (entry.backend.as_ref()?, entry.upstream_addr.as_ref()?);
    let address = ties::member(config?, group.raw(), Some(name.raw()))?;
    Some(AccessEntry { upstream_addr: Some(Text::new(address.to_string())), ..entry.clone() })
}

/// The request that a line of the journal is, and its count. Where the gateway writes its requests
/// into a file too, that file is read instead.
pub(super) fn of_journal(
    case: &CaseFile,
    line: &LogLine,
    seen: Moment,
) -> Option<(Option<AccessEntry>, Traffic)> {
    let Origin::Journal(unit) = &line.origin else { return None };
    let gateway = line.gateway.as_ref()?;
    let config = case.configs.get(gateway);
    let in_file =
        |config: &GatewayConfig| config.logs.iter().any(|log| log.path.raw().starts_with('/'));
    if config.is_some_and(in_file) {
        return None;
    }
    let at = line.at.unwrap_or(seen.wall);
    let log = Text::new(format!("journal of {unit}"));
    let mut entry = read(line)?;
    entry.gateway = gateway.clone();
    entry.log = log.clone();
    entry.at = at;
    let by_status = [(entry.status, 1)].into();
    let traffic = Traffic { gateway: gateway.clone(), log, at, by_status };
    let failed = entry.status == 499 || entry.status >= 500;
    let entry = failed.then(|| tied(config, &entry).unwrap_or(entry));
    Some((entry, traffic))
}

fn read(line: &LogLine) -> Option<AccessEntry> {
    let blank = |status: u16, request: Text| AccessEntry {
        gateway: crate::observation::GatewayId(Text::default()),
        log: Text::default(),
        at: crate::observation::Wall::default(),
        status,
        upstream_status: None,
        upstream_addr: None,
        request,
        host: None,
        request_ms: None,
        upstream_ms: None,
        flags: None,
        backend: None,
        retries: None,
    };
    match line.program {
        Program::Haproxy => match haproxy_line::parse(line.text.raw())? {
            HaproxyLine::Request(read) => {
                let mut entry = blank(read.status?, read.request);
                entry.flags = Some(read.flags);
                entry.backend = Some(read.backend);
                entry.upstream_addr = read.server;
                entry.request_ms = read.total_ms;
                Some(entry)
            }
            HaproxyLine::Event { .. } => None,
        },
        Program::Caddy => {
            let read = go_line::caddy(line.text.raw())?;
            // Its own error line about a request stands beside the one of its access log.
            let own = read.logger.raw().starts_with("http.log.access");
            let mut entry = blank(read.status.filter(|_| own)?, read.request?);
            entry.host = read.host;
            entry.request_ms = read.millis;
            Some(entry)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::{GatewayId, UnitName, Wall};

    fn line(program: Program, text: &str) -> LogLine {
        LogLine {
            program,
            origin: Origin::Journal(UnitName::new("haproxy.service").unwrap()),
            gateway: Some(GatewayId("haproxy:/etc/haproxy/haproxy.cfg".into())),
            at: Some(Wall::from_secs(10)),
            text: text.into(),
        }
    }

    #[test]
    fn a_failed_request_in_the_journal_counts_and_one_that_went_well_is_counted_only() {
        let case = CaseFile::new();
        let of = |text: &str| of_journal(&case, &line(Program::Haproxy, text), Moment::default());
        let failed = r#"127.0.0.1:1 [20/Nov/2026:18:28:37.218] f dead/s1 0/0/-1/-1/3003 503 217 - - SC-- 1/1/0/0/3 0/0 "GET /dead HTTP/1.1""#;
        let (entry, traffic) = of(failed).unwrap();
        let entry = entry.unwrap();
        assert_eq!((entry.status, entry.flags.unwrap().raw()), (503, "SC--"));
        assert_eq!(traffic.by_status, [(503, 1)].into());
        let fine = failed.replace("503", "200").replace("SC", "--");
        assert!(of(&fine).unwrap().0.is_none());
        assert!(of("backend a has no server available!").is_none());
        let caddy = r#"{"level":"error","logger":"http.log.access","msg":"handled request","request":{"method":"GET","host":"a","uri":"/x"},"duration":0.1,"status":502}"#;
        let (entry, _) =
            of_journal(&case, &line(Program::Caddy, caddy), Moment::default()).unwrap();
        assert_eq!(entry.unwrap().request.raw(), "GET /x");
        let own = caddy.replace("http.log.access", "http.log.error");
        assert!(of_journal(&case, &line(Program::Caddy, &own), Moment::default()).is_none());
    }
}
