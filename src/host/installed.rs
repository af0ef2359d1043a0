//! What a gateway is made of for those who read its configuration, and where installed ones keep
//! theirs.

use std::path::{Path, PathBuf};

use super::{
    files::Root, fingerprint::Fingerprint, gateway_binary::Build, gateway_options::Options,
    permission::Identity, proc::Environment,
};
use crate::observation::{Gateway, GatewayId, GatewayKind, Text};

/// What stands for the configuration of a gateway that takes it from its arguments alone.
pub const COMMAND_LINE: &str = "command line";

/// Binaries of packages and of builds by hand, and where their configuration stands when they
/// cannot be asked.
pub(super) const INSTALLED: [(GatewayKind, &str, &str); 19] = [
    (GatewayKind::Nginx, "/usr/sbin/nginx", "/etc/nginx/nginx.conf"),
    (GatewayKind::Nginx, "/usr/local/nginx/sbin/nginx", "/usr/local/nginx/conf/nginx.conf"),
    (
        GatewayKind::Nginx,
        "/usr/local/openresty/nginx/sbin/nginx",
        "/usr/local/openresty/nginx/conf/nginx.conf",
    ),
    (GatewayKind::Nginx, "/usr/local/sbin/nginx", "/usr/local/etc/nginx/nginx.conf"),
    (GatewayKind::Nginx, "/usr/sbin/angie", "/etc/angie/angie.conf"),
    (GatewayKind::Nginx, "/opt/nginx/sbin/nginx", "/opt/nginx/conf/nginx.conf"),
    (GatewayKind::Apache, "/usr/sbin/apache2", "/etc/apache2/apache2.conf"),
    (GatewayKind::Apache, "/usr/sbin/httpd", "/etc/httpd/conf/httpd.conf"),
    (GatewayKind::Apache, "/usr/local/apache2/bin/httpd", "/usr/local/apache2/conf/httpd.conf"),
    (GatewayKind::Apache, "/usr/bin/httpd", "/etc/httpd/conf/httpd.conf"),
    (GatewayKind::Haproxy, "/usr/sbin/haproxy", "/etc/haproxy/haproxy.cfg"),
    (GatewayKind::Haproxy, "/usr/local/sbin/haproxy", "/etc/haproxy/haproxy.cfg"),
    (GatewayKind::Haproxy, "/usr/local/sbin/haproxy", "/usr/local/etc/haproxy/haproxy.cfg"),
    (GatewayKind::Caddy, "/usr/bin/caddy", "/etc/caddy/Caddyfile"),
    (GatewayKind::Caddy, "/usr/local/bin/caddy", "/etc/caddy/Caddyfile"),
    (GatewayKind::Traefik, "/usr/local/bin/traefik", "/etc/traefik/traefik.yml"),
    (GatewayKind::Traefik, "/usr/bin/traefik", "/etc/traefik/traefik.yml"),
    (GatewayKind::Envoy, "/usr/bin/envoy", "/etc/envoy/envoy.yaml"),
    (GatewayKind::Envoy, "/usr/local/bin/envoy", "/etc/envoy/envoy.yaml"),
];

/// Where systemd links what is started at boot.
const WANTED: [&str; 2] = [
    "/etc/systemd/system/multi-user.target.wants",
    "/etc/systemd/system/network-online.target.wants",
];

/// How a gateway was started, for those who read its configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// The words behind the program; empty when it does not run, and for nginx.
    pub arguments: Vec<String>,
    /// Its variables, as far as they may be read.
    pub environment: Environment,
    /// Where it was started: relative paths begin there.
    pub directory: PathBuf,
    /// Further configuration files and folders, read after the first (`HAProxy`).
    pub more: Vec<PathBuf>,
}

/// A gateway with what it takes to read its configuration as it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What is published.
    pub gateway: Gateway,
    /// What stands before its name in ids: its kind, its kind with `@` and the container's short
    /// id, or the pid where two see different files at one path.
    pub label: String,
    /// Its file tree.
    pub root: Root,
    /// Its main configuration file, or [`COMMAND_LINE`].
    pub config: PathBuf,
    /// Where relative log paths start.
    pub prefix: PathBuf,
    /// Default error log.
    pub error_log: PathBuf,
    /// Default access log.
    pub access_log: PathBuf,
    /// Text of nginx's `-g`.
    pub globals: Option<Vec<u8>>,
    /// How it was started.
    pub start: Start,
    /// Whether its namespaces and its program may not be looked at.
    pub hidden: bool,
    /// With whose rights its files are read, when that is an ordinary user of this host.
    pub reader: Option<Identity>,
    /// The master that ran last, for the workers that outlive it.
    pub(super) last_master: Option<u32>,
}

/// Whether a regular file stands there.
pub(super) fn exists(path: &Path) -> bool {
    Fingerprint::take(&Root::default(), path, true).is_ok_and(|print| print.is_file())
}

/// Whether systemd starts a gateway of this kind at boot, by the links that `systemctl enable`
/// makes.
pub(super) fn is_enabled(kind: GatewayKind) -> bool {
    let linked = |folder: &str, unit: &str| {
        Fingerprint::take(&Root::default(), &Path::new(folder).join(unit), false).is_ok()
    };
    kind.units().iter().any(|unit| WANTED.iter().any(|folder| linked(folder, unit)))
}

/// What packages use, for a master whose binary may not be read.
pub(super) fn packaged(kind: GatewayKind, options: &Options) -> Build {
    let program = options.program.to_string_lossy();
    let plain = Build::of(kind);
    let named = INSTALLED
        .iter()
        .filter(|(own, ..)| *own == kind)
        .find(|(_, binary, _)| *binary == program || !program.starts_with('/'))
        .map(|(_, _, config)| PathBuf::from(config));
    let Some(config) = named else { return plain };
    match kind {
        GatewayKind::Nginx if program == "/usr/sbin/nginx" || !program.starts_with('/') => Build {
            prefix: PathBuf::from("/etc/nginx"),
            config: PathBuf::from("/etc/nginx/nginx.conf"),
            error_log: PathBuf::from("/var/log/nginx/error.log"),
            access_log: PathBuf::from("/var/log/nginx/access.log"),
            ..plain
        },
        GatewayKind::Apache => Build {
            // The folder of the file, without the `conf` that builds by hand put between.
            prefix: config
                .parent()
                .map(|folder| if folder.ends_with("conf") { folder.parent() } else { Some(folder) })
                .and_then(|folder| folder.map(Path::to_owned))
                .unwrap_or(plain.prefix),
            config,
            ..Build::of(kind)
        },
        _ => Build { config, ..plain },
    }
}

/// A gateway that is installed, or named, and does not run.
pub(super) fn resting(kind: GatewayKind, build: &Build, config: &Path) -> Found {
    let text = Text::from_bytes(config.as_os_str().as_encoded_bytes());
    Found {
        gateway: Gateway {
            id: GatewayId(Text::new(format!("{}:{}", kind.as_str(), text.raw()))),
            kind,
            version: build.version.clone(),
            config: text,
            running: false,
            master: None,
            workers: Vec::new(),
            worker_uid: None,
            worker_gids: Vec::new(),
            netns: None,
            root: Text::default(),
            unit: None,
            container: None,
            started: None,
            loaded: None,
        },
        label: kind.as_str().to_owned(),
        root: Root::default(),
        config: config.to_owned(),
        prefix: build.prefix.clone(),
        error_log: build.error_log.clone(),
        access_log: build.access_log.clone(),
        globals: None,
        start: Start { directory: PathBuf::from("/"), ..Start::default() },
        hidden: false,
        reader: None,
        last_master: None,
    }
}

/// The kind of a configuration file that a person named, by its name: nginx when nothing tells.
pub(super) fn kind_of_config(config: &Path) -> GatewayKind {
    let name = config.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase());
    let name = name.unwrap_or_default();
    let has = |part: &str| name.contains(part);
    let under = |folder: &str| config.components().any(|part| part.as_os_str() == folder);
    match () {
        () if has("apache") || has("httpd") || under("apache2") || under("httpd") => {
            GatewayKind::Apache
        }
        () if has("haproxy") || name.ends_with(".cfg") => GatewayKind::Haproxy,
        () if has("caddy") => GatewayKind::Caddy,
        () if has("traefik") => GatewayKind::Traefik,
        () if has("envoy") => GatewayKind::Envoy,
        () => GatewayKind::Nginx,
    }
}
