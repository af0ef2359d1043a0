//! What the binary of a gateway was built with, read from the text inside it: nothing is run.

use std::{
    collections::HashMap,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use memchr::memmem;
use regex::bytes::Regex;

use super::{
    files::{FileError, Root},
    fingerprint::Fingerprint,
};
use crate::observation::{GatewayKind, Text};

/// Bytes of a binary that are looked at.
const LIMIT: u64 = 96 << 20;
const CHUNK: usize = 1 << 20;
/// The longest text that is looked for; chunks overlap by as much.
const OVERLAP: usize = 16 << 10;

/// What `nginx -V` or `httpd -V` would say, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Build {
    /// Version such as `1.22.1`.
    pub version: Option<Text>,
    /// `--prefix`.
    pub prefix: PathBuf,
    /// `--conf-path`; relative to the prefix unless absolute.
    pub config: PathBuf,
    /// `--error-log-path`, the same.
    pub error_log: PathBuf,
    /// `--http-log-path`, the same.
    pub access_log: PathBuf,
    /// Whether these were found; else they are the program's own defaults.
    pub known: bool,
}

impl Build {
    /// What a program of this kind does when nothing says otherwise.
    pub(super) fn of(kind: GatewayKind) -> Self {
        let (prefix, config, error_log, access_log) = match kind {
            GatewayKind::Nginx => {
                ("/usr/local/nginx", "conf/nginx.conf", "logs/error.log", "logs/access.log")
            }
            GatewayKind::Apache => ("/usr/local/apache2", "conf/httpd.conf", "logs/error_log", ""),
            GatewayKind::Haproxy => ("/", "/etc/haproxy/haproxy.cfg", "", ""),
            GatewayKind::Caddy | GatewayKind::Traefik | GatewayKind::Envoy => ("/", "", "", ""),
        };
        Self {
            version: None,
            prefix: PathBuf::from(prefix),
            config: PathBuf::from(config),
            error_log: PathBuf::from(error_log),
            access_log: PathBuf::from(access_log),
            known: false,
        }
    }
}

/// Whether an nginx takes `-e`, the log for what it says before it has read its configuration. It does
/// since 1.19.5; without it that goes to the log of the host's own nginx.
pub fn takes_error_log(program: &Path) -> bool {
    let file = Root::default().open(program);
    let build = file.and_then(|file| scan(GatewayKind::Nginx, file)).ok();
    build.and_then(|build| build.version).is_some_and(|version| is_since(version.raw(), [1, 19, 5]))
}

fn is_since(version: &str, first: [u32; 3]) -> bool {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let version: [u32; 3] = std::array::from_fn(|_| parts.next().unwrap_or(0));
    version >= first
}

/// Builds by the file that they were read from.
#[derive(Debug, Default)]
pub(super) struct Builds {
    known: HashMap<(u64, u64), (Fingerprint, Build)>,
}

impl Builds {
    /// Reads a binary, or remembers it.
    ///
    /// # Errors
    /// [`FileError`].
    pub(super) fn read(
        &mut self,
        kind: GatewayKind,
        root: &Root,
        path: &str,
    ) -> Result<Build, FileError> {
        let print = Fingerprint::take(root, path.as_ref(), true)?;
        if let Some((old, build)) = self.known.get(&print.identity())
            && *old == print
        {
            return Ok(build.clone());
        }
        let build = scan(kind, root.open(path)?)?;
        if self.known.len() > 256 {
            self.known.clear();
        }
        self.known.insert(print.identity(), (print, build.clone()));
        Ok(build)
    }
}

/// Where the version stands. What it was built with is found by its first words and read up to its
/// end: a pattern that counts thousands of bytes costs megabytes for as long as it is kept.
static VERSIONS: LazyLock<HashMap<GatewayKind, Regex>> = LazyLock::new(|| {
    let of = |kind, pattern: &str| Some((kind, Regex::new(pattern).ok()?));
    [
        of(
            GatewayKind::Nginx,
            r"(?-u) version: [A-Za-z][A-Za-z-]{0,30}/([0-9][0-9A-Za-z.+-]{0,60})",
        ),
        of(GatewayKind::Apache, r"(?-u)Apache/([0-9]+\.[0-9]+\.[0-9]+)"),
        // `stats_version_string` of src/version.c.
        of(GatewayKind::Haproxy, r"(?-u)version ([0-9][0-9A-Za-z.+~-]{0,60}), released"),
        // The list of modules that every Go binary carries.
        of(GatewayKind::Caddy, r"(?-u)caddyserver/caddy/v2\tv([0-9][0-9A-Za-z.+-]{0,60})"),
    ]
    .into_iter()
    .flatten()
    .collect()
});

/// What stands before nginx's configure arguments.
const ARGUMENTS: &[u8] = b"configure arguments:";
/// Most bytes of them.
const ARGUMENTS_LIMIT: usize = 12_000;
/// Most bytes of a path of Apache's.
const PATH_LIMIT: usize = 4_000;

fn scan(kind: GatewayKind, file: File) -> Result<Build, FileError> {
    let mut build = Build::of(kind);
    let Some(version) = VERSIONS.get(&kind) else { return Ok(build) };
    let built = matches!(kind, GatewayKind::Nginx | GatewayKind::Apache);
    let mut input = file.take(LIMIT);
    let mut window: Vec<u8> = Vec::with_capacity(CHUNK + OVERLAP);
    loop {
        let read = input.by_ref().take(CHUNK as u64).read_to_end(&mut window)?;
        if build.version.is_none() {
            let found = version.captures(&window).and_then(|found| found.get(1));
            build.version = found.map(|version| Text::from_bytes(version.as_bytes()));
        }
        match kind {
            GatewayKind::Nginx => nginx(&window, read == 0, &mut build),
            GatewayKind::Apache => apache(&window, &mut build),
            _ => {}
        }
        if read == 0 || build.version.is_some() && (build.known || !built) {
            return Ok(build);
        }
        let keep = window.len().saturating_sub(OVERLAP);
        window.drain(..keep);
    }
}

/// The line of `nginx -V`. Where it goes on beyond the window the next one holds it whole, unless
/// this is the `last`.
fn nginx(window: &[u8], last: bool, build: &mut Build) {
    let Some(line) = after(window, ARGUMENTS) else { return };
    let end = line.iter().take(ARGUMENTS_LIMIT).position(|byte| matches!(byte, 0 | b'\n'));
    if end.is_none() && line.len() < ARGUMENTS_LIMIT && !last {
        return;
    }
    build.known = true;
    let text = line.get(..end.unwrap_or_else(|| line.len().min(ARGUMENTS_LIMIT)));
    let text = String::from_utf8_lossy(text.unwrap_or_default());
    for word in words(&text) {
        let Some((key, value)) = word.split_once('=') else { continue };
        let slot = match key {
            "--prefix" => &mut build.prefix,
            "--conf-path" => &mut build.config,
            "--error-log-path" => &mut build.error_log,
            "--http-log-path" => &mut build.access_log,
            _ => continue,
        };
        *slot = PathBuf::from(value);
    }
}

/// The lines of `httpd -V`, which stand in the binary as it prints them.
fn apache(window: &[u8], build: &mut Build) {
    let path = |key: &[u8]| {
        let value = after(window, key)?;
        let end = value.iter().take(PATH_LIMIT + 1).position(|b| matches!(b, 0 | b'\n' | b'"'))?;
        let whole = end > 0 && value.get(end) == Some(&b'"');
        let text = value.get(..end).filter(|_| whole)?;
        Some(PathBuf::from(String::from_utf8_lossy(text).into_owned()))
    };
    if let Some(root) = path(b"-D HTTPD_ROOT=\"") {
        build.prefix = root;
    }
    if let Some(log) = path(b"-D DEFAULT_ERRORLOG=\"") {
        build.error_log = log;
    }
    if let Some(config) = path(b"-D SERVER_CONFIG_FILE=\"") {
        build.config = config;
        build.known = true;
    }
}

/// What follows the first place of some words.
fn after<'a>(window: &'a [u8], words: &[u8]) -> Option<&'a [u8]> {
    window.get(memmem::find(window, words)? + words.len()..)
}

/// Splits at spaces outside single quotes, and takes the quotes off.
fn words(text: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => out.push(String::new()),
            _ => out.last_mut().into_iter().for_each(|word| word.push(c)),
        }
    }
    out.retain(|word| !word.is_empty());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_nginx_that_is_old_takes_no_log_for_its_start() {
        for (version, takes) in
            [("1.18.0", false), ("1.19.4", false), ("1.19.5", true), ("1.27", true), ("x", false)]
        {
            assert_eq!(is_since(version, [1, 19, 5]), takes, "{version}");
        }
    }

    #[test]
    fn the_build_is_read_from_the_binary_even_across_a_chunk_border() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("nginx");
        let mut bytes = vec![0_u8; CHUNK - 40];
        bytes.extend_from_slice(b"\0nginx version: nginx/1.22.1\n\0configure arguments: ");
        bytes.extend_from_slice(b"--with-cc-opt='-O2 --prefix=/no' --prefix=/usr/share/nginx ");
        bytes.extend_from_slice(b"--conf-path=/etc/nginx/nginx.conf ");
        bytes.extend_from_slice(b"--http-log-path=/var/log/nginx/access.log ");
        bytes.extend_from_slice(b"--error-log-path=/var/log/nginx/error.log\n\0");
        bytes.extend(vec![1_u8; CHUNK]);
        std::fs::write(&path, bytes).unwrap();
        let mut builds = Builds::default();
        let build =
            builds.read(GatewayKind::Nginx, &Root::default(), path.to_str().unwrap()).unwrap();
        assert_eq!(build.version, Some(Text::new("1.22.1")));
        assert_eq!(build.prefix, PathBuf::from("/usr/share/nginx"));
        assert_eq!(build.config, PathBuf::from("/etc/nginx/nginx.conf"));
        assert_eq!(build.error_log, PathBuf::from("/var/log/nginx/error.log"));
        assert_eq!(build.access_log, PathBuf::from("/var/log/nginx/access.log"));
        assert_eq!(
            builds.read(GatewayKind::Nginx, &Root::default(), path.to_str().unwrap()).unwrap(),
            build
        );
    }

    #[test]
    fn arguments_that_a_chunk_cuts_are_read_whole_although_the_version_is_known_already() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("nginx");
        let read = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            let root = Root::default();
            Builds::default().read(GatewayKind::Nginx, &root, path.to_str().unwrap()).unwrap()
        };
        let mut bytes = b"nginx version: openresty/1.27.1.2\n\0".to_vec();
        bytes.resize(CHUNK - 30, 0);
        bytes.extend_from_slice(
            b"configure arguments: --prefix=/opt/gate --conf-path=/opt/g.conf\0",
        );
        let build = read(&bytes);
        assert_eq!(build.version, Some(Text::new("1.27.1.2")));
        assert_eq!(build.prefix, PathBuf::from("/opt/gate"));
        assert_eq!(build.config, PathBuf::from("/opt/g.conf"));
        // A file that ends in the middle has what stands there, and one without end is not read on.
        let cut = read(b"configure arguments: --prefix=/opt/ga");
        assert_eq!((cut.known, cut.prefix), (true, PathBuf::from("/opt/ga")));
        let mut endless = b"configure arguments: --prefix=/".to_vec();
        endless.resize(2 * CHUNK, b'a');
        assert!(read(&endless).prefix.as_os_str().len() < ARGUMENTS_LIMIT);
    }

    #[test]
    fn a_path_of_apache_without_its_end_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("httpd");
        std::fs::write(&path, b"-D HTTPD_ROOT=\"/a\n-D SERVER_CONFIG_FILE=\"\"\0").unwrap();
        let root = Root::default();
        let build =
            Builds::default().read(GatewayKind::Apache, &root, path.to_str().unwrap()).unwrap();
        assert_eq!(build, Build::of(GatewayKind::Apache));
    }

    #[test]
    fn a_binary_without_such_text_has_the_defaults() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        std::fs::write(&path, b"nothing").unwrap();
        let build = Builds::default()
            .read(GatewayKind::Nginx, &Root::default(), path.to_str().unwrap())
            .unwrap();
        assert_eq!(build, Build::of(GatewayKind::Nginx));
    }

    #[test]
    fn the_paths_and_versions_of_the_others_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let build = |kind, bytes: &[u8]| {
            let path = dir.path().join("x");
            std::fs::write(&path, bytes).unwrap();
            Builds::default().read(kind, &Root::default(), path.to_str().unwrap()).unwrap()
        };
        let apache = build(
            GatewayKind::Apache,
            b"\0Apache/2.4.62 (Debian)\0 -D HTTPD_ROOT=\"/etc/apache2\"\n\0 -D \
              DEFAULT_ERRORLOG=\"logs/error_log\"\n\0 -D SERVER_CONFIG_FILE=\"apache2.conf\"\n\0",
        );
        assert_eq!(apache.version, Some(Text::new("2.4.62")));
        assert_eq!(apache.prefix.join(&apache.config), PathBuf::from("/etc/apache2/apache2.conf"));
        assert!(apache.known);
        let haproxy =
            build(GatewayKind::Haproxy, b"\0, version 2.6.12-1+deb12u1, released 2023/12/16\0");
        assert_eq!(haproxy.version, Some(Text::new("2.6.12-1+deb12u1")));
        let caddy =
            build(GatewayKind::Caddy, b"dep\tgithub.com/caddyserver/caddy/v2\tv2.6.2\th1:x");
        assert_eq!(caddy.version, Some(Text::new("2.6.2")));
    }
}
