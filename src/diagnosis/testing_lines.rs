//! Log lines, kills and requests made up for a test.

use crate::observation::{
    AccessEntry, KernelKill, KillScope, LogLine, Origin, Owner, Program, Seen, SourceId, Text,
    Traffic,
};

use super::testing::{ACCESS_LOG, ERROR_LOG, Host, ago, gateway_id, name};

impl Host {
    /// A line of nginx's error log about a request to an upstream, with nginx's own words before
    /// `, client: `.
    pub(crate) fn nginx(self, secs: i64, message: &str, at: &str) -> Self {
        let upstream = match at.strip_prefix("unix:") {
            Some(_) => format!("http://{at}:/cart"),
            None => format!("http://{at}/cart"),
        };
        self.nginx_line(secs, &format!(
            r#"{message}, client: 10.0.0.9, server: shop.lan, request: "GET /cart HTTP/1.1", upstream: "{upstream}", host: "shop.lan""#
        ))
    }

    /// A line of nginx's error log.
    pub(crate) fn nginx_line(self, secs: i64, body: &str) -> Self {
        let line = LogLine {
            program: Program::Nginx,
            origin: Origin::File(ERROR_LOG.into()),
            gateway: Some(gateway_id()),
            at: Some(ago(secs)),
            text: Text::new(format!("2026/11/20 13:59:00 [error] 11#11: *7 {body}")),
        };
        self.sees(SourceId::Logs, Seen::Log(line))
    }

    /// A line of Apache's error log, without its stamp.
    pub(crate) fn apache_said(self, secs: i64, rest: &str) -> Self {
        let line = LogLine {
            program: Program::Apache,
            origin: Origin::File("/var/log/apache2/error.log".into()),
            gateway: Some(self.gateway.id.clone()),
            at: Some(ago(secs)),
            text: Text::new(format!("[Fri Nov 20 13:59:00.000000 2026] {rest}")),
        };
        self.sees(SourceId::Logs, Seen::Log(line))
    }

    pub(crate) fn refused(self, secs: i64, at: &str) -> Self {
        let message = match at.strip_prefix("unix:") {
            Some(_) => format!(
                "connect() to {at} failed (111: Connection refused) while connecting to upstream"
            ),
            None => {
                "connect() failed (111: Connection refused) while connecting to upstream".to_owned()
            }
        };
        self.nginx(secs, &message, at)
    }

    pub(crate) fn no_such_socket(self, secs: i64, at: &str) -> Self {
        self.nginx(secs, &format!("connect() to {at} failed (2: No such file or directory) while connecting to upstream"), at)
    }

    pub(crate) fn closed(self, secs: i64, at: &str) -> Self {
        self.nginx(
            secs,
            "upstream prematurely closed connection while reading response header from upstream",
            at,
        )
    }

    pub(crate) fn reset(self, secs: i64, at: &str) -> Self {
        self.nginx(secs, "recv() failed (104: Connection reset by peer) while reading response header from upstream", at)
    }

    /// systemd about a unit.
    pub(crate) fn systemd(self, of: &str, secs: i64, text: &str) -> Self {
        self.line(Program::Systemd, Origin::Journal(name(of)), secs, &format!("{of}: {text}"))
    }

    /// A unit's own words, in the journal.
    pub(crate) fn said(self, of: &str, secs: i64, text: &str) -> Self {
        self.line(Program::Application, Origin::Journal(name(of)), secs, text)
    }

    /// php-fpm's own log.
    pub(crate) fn fpm(self, secs: i64, text: &str) -> Self {
        self.line(Program::PhpFpm, Origin::File("/var/log/php8.2-fpm.log".into()), secs, text)
    }

    pub(crate) fn line(self, program: Program, origin: Origin, secs: i64, text: &str) -> Self {
        let line =
            LogLine { program, origin, gateway: None, at: Some(ago(secs)), text: text.into() };
        self.sees(SourceId::Logs, Seen::Log(line))
    }

    /// A memory kill in a control group; by the limit of that group, or of the whole host.
    pub(crate) fn kill(self, cgroup: &str, secs: i64, by_limit: bool) -> Self {
        let scope = if by_limit { KillScope::Cgroup(cgroup.into()) } else { KillScope::Host };
        let kill = KernelKill {
            at: ago(secs),
            sequence: u64::try_from(self.more.len()).unwrap_or_default(),
            scope,
            pid: 4242,
            name: "app".into(),
            cgroup: Some(cgroup.into()),
            owner: Owner::from_cgroup(cgroup),
            rss: 64 << 20,
            limit: None,
            text: "Killed process 4242 (app) total-vm:100kB, anon-rss:65536kB".into(),
        };
        self.sees(SourceId::Kernel, Seen::Kill(kill))
    }

    /// A failed request in the access log.
    pub(crate) fn answered(self, secs: i64, status: u16, upstream: Option<&str>) -> Self {
        let entry = AccessEntry {
            gateway: self.gateway.id.clone(),
            log: ACCESS_LOG.into(),
            at: ago(secs),
            status,
            upstream_status: upstream.map(Text::new),
            upstream_addr: None,
            request: "GET /cart".into(),
            host: None,
            request_ms: None,
            upstream_ms: None,
            flags: None,
            backend: None,
            retries: None,
        };
        self.traffic(secs, status, 1).sees(SourceId::Logs, Seen::Access(entry))
    }

    pub(crate) fn traffic(self, secs: i64, status: u16, n: u32) -> Self {
        let traffic = Traffic {
            gateway: self.gateway.id.clone(),
            log: ACCESS_LOG.into(),
            at: ago(secs),
            by_status: [(status, n)].into(),
        };
        self.sees(SourceId::Logs, Seen::Traffic(traffic))
    }
}
