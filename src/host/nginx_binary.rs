//! What an nginx binary was built with, read from the text inside it: nothing is run.

use std::{collections::HashMap, fs::File, io::Read, path::PathBuf, sync::LazyLock};

use regex::bytes::Regex;

use super::{
    files::{FileError, Root},
    fingerprint::Fingerprint,
};
use crate::observation::Text;

/// Bytes of a binary that are looked at.
const LIMIT: u64 = 96 << 20;
const CHUNK: usize = 1 << 20;
/// The longest text that is looked for; chunks overlap by as much.
const OVERLAP: usize = 16 << 10;

/// What `nginx -V` would say, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
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
    /// Whether these were found; else they are nginx's own defaults.
    pub known: bool,
}

impl Default for Build {
    fn default() -> Self {
        Self {
            version: None,
            prefix: PathBuf::from("/usr/local/nginx"),
            config: PathBuf::from("conf/nginx.conf"),
            error_log: PathBuf::from("logs/error.log"),
            access_log: PathBuf::from("logs/access.log"),
            known: false,
        }
    }
}

/// Builds by the file that they were read from.
#[derive(Debug, Default)]
pub struct Builds {
    known: HashMap<(u64, u64), (Fingerprint, Build)>,
}

impl Builds {
    /// Reads a binary, or remembers it.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn read(&mut self, root: &Root, path: &str) -> Result<Build, FileError> {
        let print = Fingerprint::take(root, path.as_ref(), true)?;
        if let Some((old, build)) = self.known.get(&print.identity())
            && *old == print
        {
            return Ok(build.clone());
        }
        let build = scan(root.open(path)?)?;
        if self.known.len() > 256 {
            self.known.clear();
        }
        self.known.insert(print.identity(), (print, build.clone()));
        Ok(build)
    }
}

static VERSION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?-u) version: [A-Za-z][A-Za-z-]{0,30}/([0-9][0-9A-Za-z.+-]{0,60})").ok()
});
static ARGUMENTS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?-u)configure arguments:([^\x00\n]{0,12000})").ok());

fn scan(file: File) -> Result<Build, FileError> {
    let mut build = Build::default();
    let mut input = file.take(LIMIT);
    let mut window: Vec<u8> = Vec::with_capacity(CHUNK + OVERLAP);
    loop {
        let read = input.by_ref().take(CHUNK as u64).read_to_end(&mut window)?;
        search(&window, &mut build);
        if read == 0 || build.known && build.version.is_some() {
            return Ok(build);
        }
        let keep = window.len().saturating_sub(OVERLAP);
        window.drain(..keep);
    }
}

fn search(window: &[u8], build: &mut Build) {
    let first =
        |regex: &Option<Regex>| Some(regex.as_ref()?.captures(window)?.get(1)?.as_bytes().to_vec());
    if build.version.is_none() {
        build.version = first(&VERSION).map(|version| Text::from_bytes(&version));
    }
    // A match at the end of the window may be cut; the next window holds it whole.
    if let Some(arguments) = first(&ARGUMENTS) {
        build.known = true;
        let text = String::from_utf8_lossy(&arguments);
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
        let build = builds.read(&Root::default(), path.to_str().unwrap()).unwrap();
        assert_eq!(build.version, Some(Text::new("1.22.1")));
        assert_eq!(build.prefix, PathBuf::from("/usr/share/nginx"));
        assert_eq!(build.config, PathBuf::from("/etc/nginx/nginx.conf"));
        assert_eq!(build.error_log, PathBuf::from("/var/log/nginx/error.log"));
        assert_eq!(build.access_log, PathBuf::from("/var/log/nginx/access.log"));
        assert_eq!(builds.read(&Root::default(), path.to_str().unwrap()).unwrap(), build);
    }

    #[test]
    fn a_binary_without_such_text_has_the_defaults() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        std::fs::write(&path, b"nothing").unwrap();
        let build = Builds::default().read(&Root::default(), path.to_str().unwrap()).unwrap();
        assert_eq!(build, Build::default());
    }
}
