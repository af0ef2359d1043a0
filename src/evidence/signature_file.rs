//! The signature files of `assets/signatures/`: what one block holds.

use serde::Deserialize;

/// The files that are part of the program. Within a file the first match wins; between files the
/// order is that of this list.
pub(super) const FILES: [&str; 23] = [
    include_str!("../../assets/signatures/nginx.toml"),
    include_str!("../../assets/signatures/php-fpm.toml"),
    include_str!("../../assets/signatures/systemd.toml"),
    include_str!("../../assets/signatures/systemd-oomd.toml"),
    include_str!("../../assets/signatures/kernel.toml"),
    include_str!("../../assets/signatures/audit.toml"),
    include_str!("../../assets/signatures/docker.toml"),
    include_str!("../../assets/signatures/docker-events.toml"),
    include_str!("../../assets/signatures/node.toml"),
    include_str!("../../assets/signatures/python.toml"),
    include_str!("../../assets/signatures/gunicorn.toml"),
    include_str!("../../assets/signatures/uvicorn.toml"),
    include_str!("../../assets/signatures/uwsgi.toml"),
    include_str!("../../assets/signatures/puma.toml"),
    include_str!("../../assets/signatures/pm2.toml"),
    include_str!("../../assets/signatures/supervisord.toml"),
    include_str!("../../assets/signatures/go.toml"),
    include_str!("../../assets/signatures/java.toml"),
    include_str!("../../assets/signatures/apache.toml"),
    include_str!("../../assets/signatures/haproxy.toml"),
    include_str!("../../assets/signatures/caddy.toml"),
    include_str!("../../assets/signatures/traefik.toml"),
    include_str!("../../assets/signatures/envoy.toml"),
];

/// One file: the log lines of one program.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignatureFile {
    /// Whose lines these are.
    pub(super) program: String,
    /// What stands before each pattern. It is anchored, so that text which the program merely
    /// repeats (a request, a script's output) cannot pose as the program's own words.
    pub(super) prefix: String,
    /// The blocks, special before general.
    pub(super) signature: Vec<SignatureInfo>,
}

/// One signature: a log line that is known, what it means and what to do with it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignatureInfo {
    /// Cause or symptom that the line speaks for; several blocks may share it.
    pub id: String,
    /// Whose line it is, for example `nginx`.
    #[serde(skip)]
    pub program: String,
    /// The level at which the program writes it, as the program names it.
    pub level: String,
    /// The regular expression, matched after the file's prefix.
    pub pattern: String,
    /// A real line.
    pub sample: String,
    /// What the line means.
    pub meaning: String,
    /// What usually causes it.
    pub usually: String,
    /// What to look at next.
    pub look: String,
    /// What the client gets when this happens, when the line decides that.
    #[serde(default)]
    pub client_sees: Option<String>,
    /// The line counts only at this level.
    #[serde(default)]
    pub only_level: Option<String>,
    /// Ids of more general signatures that match the same line and lose.
    #[serde(default)]
    pub more_general: Vec<String>,
    /// The line proves where it failed, not why.
    #[serde(default)]
    pub symptom: bool,
    /// One such line is one request that the gateway itself could not fulfil on this try.
    #[serde(default)]
    pub failure: bool,
}
