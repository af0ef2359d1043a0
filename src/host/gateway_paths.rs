//! Where a running gateway reads its configuration, resolved as its program resolves it.

use std::path::{Path, PathBuf};

use super::{
    files::Root, fingerprint::Fingerprint, gateway_binary::Build, gateway_options::Options,
    installed::COMMAND_LINE, proc::Environment,
};
use crate::observation::GatewayKind;

/// Absolute paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Paths {
    pub(super) prefix: PathBuf,
    /// The main file, or [`COMMAND_LINE`].
    pub(super) config: PathBuf,
    /// Files and folders that are read after it.
    pub(super) more: Vec<PathBuf>,
    /// Absolute, or relative to the prefix.
    pub(super) error_log: PathBuf,
}

impl Paths {
    /// Resolves them; `root` is the tree that the process sees.
    pub(super) fn of(
        kind: GatewayKind,
        options: &Options,
        build: &Build,
        cwd: Option<&Path>,
        environment: &Environment,
        root: &Root,
    ) -> Self {
        let cwd = cwd.unwrap_or(Path::new("/"));
        let prefix = cwd.join(options.prefix.as_ref().unwrap_or(&build.prefix));
        let config = match kind {
            // `ngx_process_options`, and `ap_server_root_relative`.
            GatewayKind::Nginx | GatewayKind::Apache => {
                prefix.join(options.config.as_ref().unwrap_or(&build.config))
            }
            GatewayKind::Haproxy => {
                let base = options.prefix.as_ref().map_or(cwd.to_owned(), |own| cwd.join(own));
                base.join(options.config.as_ref().unwrap_or(&build.config))
            }
            GatewayKind::Caddy => caddy(options, cwd, environment, root),
            GatewayKind::Traefik => traefik(options, cwd, environment, root),
            GatewayKind::Envoy => {
                options.config.as_ref().map_or(PathBuf::from(COMMAND_LINE), |file| cwd.join(file))
            }
        };
        let more = options.more.iter().map(|file| tidy(&cwd.join(file))).collect();
        let error_log = options.error_log.as_ref().unwrap_or(&build.error_log).clone();
        Self { prefix: tidy(&prefix), config: tidy(&config), more, error_log }
    }
}

/// What Caddy keeps of its last configuration when it is told to go on with it.
fn caddy(options: &Options, cwd: &Path, environment: &Environment, root: &Root) -> PathBuf {
    let says = |word: &str| options.arguments.iter().any(|argument| argument == word);
    if says("reverse-proxy") {
        return PathBuf::from(COMMAND_LINE);
    }
    let saved = home(environment, ".config").map(|home| home.join("caddy/autosave.json"));
    let saved = saved.filter(|file| is_file(root, file));
    if let Some(saved) = saved.clone().filter(|_| says("--resume")) {
        return saved;
    }
    if let Some(config) = &options.config {
        return cwd.join(config);
    }
    let own = cwd.join("Caddyfile");
    if is_file(root, &own) { own } else { saved.unwrap_or(own) }
}

/// Without a file named, Traefik looks in these places, in this order.
fn traefik(options: &Options, cwd: &Path, environment: &Environment, root: &Root) -> PathBuf {
    let named = options.config.clone();
    let named = named.or_else(|| environment.get("TRAEFIK_CONFIGFILE").map(PathBuf::from));
    if let Some(named) = named {
        return cwd.join(named);
    }
    let folders =
        [Some(PathBuf::from("/etc/traefik")), home(environment, ".config"), Some(cwd.to_owned())];
    let files = ["traefik.toml", "traefik.yaml", "traefik.yml"];
    let places = folders.iter().flatten().flat_map(|folder| files.map(|name| folder.join(name)));
    places.into_iter().find(|file| is_file(root, file)).unwrap_or_else(|| COMMAND_LINE.into())
}

/// `$XDG_CONFIG_HOME`, or a folder of `$HOME`.
fn home(environment: &Environment, folder: &str) -> Option<PathBuf> {
    let set = |name: &str| environment.get(name).filter(|value| value.starts_with('/'));
    let own = set("XDG_CONFIG_HOME").map(PathBuf::from);
    own.or_else(|| set("HOME").map(|home| Path::new(home).join(folder)))
}

fn is_file(root: &Root, path: &Path) -> bool {
    Fingerprint::take(root, path, true).is_ok_and(|print| print.is_file())
}

/// Drops `.` and doubled slashes; `..` stays, for a link may stand before it.
fn tidy(path: &Path) -> PathBuf {
    path.components().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_without_a_named_file_has_its_own_places() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::new(dir.path());
        let put = |path: &str| {
            let at = dir.path().join(path.trim_start_matches('/'));
            std::fs::create_dir_all(at.parent().unwrap()).unwrap();
            std::fs::write(at, "x").unwrap();
        };
        let environment: Environment =
            [("HOME".to_owned(), "/root".to_owned())].into_iter().collect();
        let of = |kind, options: &Options| {
            let build = Build::of(kind);
            let cwd = Some(Path::new("/srv"));
            Paths::of(kind, options, &build, cwd, &environment, &root).config
        };
        let plain = Options::default();
        assert_eq!(of(GatewayKind::Traefik, &plain), Path::new(COMMAND_LINE));
        put("/etc/traefik/traefik.yml");
        assert_eq!(of(GatewayKind::Traefik, &plain), Path::new("/etc/traefik/traefik.yml"));
        assert_eq!(of(GatewayKind::Caddy, &plain), Path::new("/srv/Caddyfile"));
        put("/root/.config/caddy/autosave.json");
        let saved = Path::new("/root/.config/caddy/autosave.json");
        assert_eq!(of(GatewayKind::Caddy, &plain), saved);
        put("/srv/Caddyfile");
        assert_eq!(of(GatewayKind::Caddy, &plain), Path::new("/srv/Caddyfile"));
        let resumed =
            Options { arguments: vec!["run".into(), "--resume".into()], ..Options::default() };
        assert_eq!(of(GatewayKind::Caddy, &resumed), saved);
        let relative = Options { config: Some("x.cfg".into()), ..Options::default() };
        assert_eq!(of(GatewayKind::Haproxy, &relative), Path::new("/srv/x.cfg"));
        assert_eq!(of(GatewayKind::Envoy, &relative), Path::new("/srv/x.cfg"));
        let built = Path::new("/usr/local/apache2/conf/httpd.conf");
        assert_eq!(of(GatewayKind::Apache, &plain), built);
    }
}
