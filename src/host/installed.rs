//! What a gateway is made of for those who read its configuration, and where installed ones keep
//! theirs.

use std::path::{Path, PathBuf};

use super::{
    files::Root, fingerprint::Fingerprint, nginx_binary::Build, permission::Identity,
    proc_scan::Options,
};
use crate::observation::{Gateway, GatewayId, GatewayKind, Text};

/// Binaries of packages and of builds by hand, and where their configuration stands when they
/// cannot be asked.
pub(super) const INSTALLED: [(&str, &str); 6] = [
    ("/usr/sbin/nginx", "/etc/nginx/nginx.conf"),
    ("/usr/local/nginx/sbin/nginx", "/usr/local/nginx/conf/nginx.conf"),
    ("/usr/local/openresty/nginx/sbin/nginx", "/usr/local/openresty/nginx/conf/nginx.conf"),
    ("/usr/local/sbin/nginx", "/usr/local/etc/nginx/nginx.conf"),
    ("/usr/sbin/angie", "/etc/angie/angie.conf"),
    ("/opt/nginx/sbin/nginx", "/opt/nginx/conf/nginx.conf"),
];

/// A gateway with what it takes to read its configuration as it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What is published.
    pub gateway: Gateway,
    /// What stands before its name in ids: `nginx`, `nginx@` and the container's short id, or
    /// the pid where two see different files at one path.
    pub label: String,
    /// Its file tree.
    pub root: Root,
    /// Its main configuration file.
    pub config: PathBuf,
    /// Where relative log paths start.
    pub prefix: PathBuf,
    /// Default error log.
    pub error_log: PathBuf,
    /// Default access log.
    pub access_log: PathBuf,
    /// Text of `-g`.
    pub globals: Option<Vec<u8>>,
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

/// What packages use, for a master whose binary may not be read.
pub(super) fn packaged(options: &Options) -> Build {
    let program = options.program.to_string_lossy();
    let config = INSTALLED.iter().find(|(binary, _)| *binary == program).map(|(_, config)| config);
    if program == "/usr/sbin/nginx" || !program.starts_with('/') {
        return Build {
            prefix: PathBuf::from("/etc/nginx"),
            config: PathBuf::from("/etc/nginx/nginx.conf"),
            error_log: PathBuf::from("/var/log/nginx/error.log"),
            access_log: PathBuf::from("/var/log/nginx/access.log"),
            ..Build::default()
        };
    }
    Build {
        config: config.map_or_else(|| Build::default().config, PathBuf::from),
        ..Build::default()
    }
}

/// A gateway that is installed, or named, and does not run.
pub(super) fn resting(build: &Build, config: &Path) -> Found {
    let text = Text::from_bytes(config.as_os_str().as_encoded_bytes());
    Found {
        gateway: Gateway {
            id: GatewayId(Text::new(format!("nginx:{}", text.raw()))),
            kind: GatewayKind::Nginx,
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
        label: "nginx".to_owned(),
        root: Root::default(),
        config: config.to_owned(),
        prefix: build.prefix.clone(),
        error_log: build.error_log.clone(),
        access_log: build.access_log.clone(),
        globals: None,
        hidden: false,
        reader: None,
        last_master: None,
    }
}
