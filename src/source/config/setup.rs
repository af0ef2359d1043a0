//! What it takes to read a configuration, and what comes of it: the same for every gateway.

use std::path::{Path, PathBuf};

use crate::{
    host::{files::Root, gateways::Start, permission::Identity},
    observation::{GatewayConfig, GatewayId, GatewayKind, Text},
};

use super::include::{Watched, path_text};

/// Whose configuration to read, and what its binary and command line say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Identity of the gateway.
    pub gateway: GatewayId,
    /// Which program reads it.
    pub kind: GatewayKind,
    /// What stands before `:FILE:LINE` in upstream ids; `nginx`, or more when two gateways see
    /// the same path.
    pub label: String,
    /// The file tree that the gateway sees.
    pub root: Root,
    /// Main file.
    pub config: PathBuf,
    /// Directory that relative log paths start from.
    pub prefix: PathBuf,
    /// Compiled-in error log, relative to `prefix` or absolute.
    pub error_log: PathBuf,
    /// Compiled-in access log, relative to `prefix` or absolute.
    pub access_log: PathBuf,
    /// Text of `-g`, which stands before the main file.
    pub globals: Option<Vec<u8>>,
    /// Version as `major.minor.patch`, when known: defaults changed over time.
    pub version: Option<Text>,
    /// How it was started.
    pub start: Start,
    /// With whose rights files are read, when the gateway runs as an ordinary user.
    pub reader: Option<Identity>,
}

impl Setup {
    /// The setup of a configuration of nginx about which nothing else is known: the defaults that
    /// it is built with.
    pub fn plain(root: Root, config: impl Into<PathBuf>) -> Self {
        Self {
            prefix: PathBuf::from("/usr/local/nginx"),
            error_log: PathBuf::from("logs/error.log"),
            access_log: PathBuf::from("logs/access.log"),
            ..Self::of(GatewayKind::Nginx, root, config)
        }
    }

    /// The setup of a configuration of any gateway about which nothing else is known.
    pub fn of(kind: GatewayKind, root: Root, config: impl Into<PathBuf>) -> Self {
        let config = config.into();
        let name = kind.as_str();
        Self {
            gateway: GatewayId(Text::new(format!("{name}:{}", path_text(&config).raw()))),
            kind,
            label: name.to_owned(),
            root,
            prefix: config.parent().map(Path::to_owned).unwrap_or_default(),
            config,
            error_log: PathBuf::new(),
            access_log: PathBuf::new(),
            globals: None,
            version: None,
            start: Start::default(),
            reader: None,
        }
    }
}

/// A configuration as parsed, with what to watch for changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// What it says.
    pub config: GatewayConfig,
    /// Files and directories that it was read from.
    pub watched: Vec<Watched>,
    /// Whether the main file could be read at all.
    pub readable: bool,
}

/// Reads and understands the configuration of a gateway. Blocks on the file system; never fails:
/// what could not be read or understood is among the problems.
pub fn parse(setup: &Setup) -> Parsed {
    match setup.kind {
        GatewayKind::Nginx => super::nginx::parse(setup),
        GatewayKind::Haproxy => super::haproxy::parse(setup),
        GatewayKind::Caddy => super::caddy::parse(setup),
        GatewayKind::Traefik => super::traefik::parse(setup),
        GatewayKind::Envoy => super::envoy::parse(setup),
        GatewayKind::Apache => super::apache::parse(setup),
    }
}
