//! Reads the files of a configuration within bounds, and gathers what all readers of
//! configurations have to tell.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use crate::{
    host::{
        files::{FileError, Root},
        fingerprint::Fingerprint,
        on_behalf,
        permission::Identity,
    },
    observation::{
        Address, ConfiguredUpstream, ControlPoint, GatewayConfig, LabelProvider, LogKind,
        LogTarget, OwnAnswer, Place, ProblemKind, Protocol, ServerParams, Setting, Site, Text,
        Timeouts, UpstreamId, UpstreamTls, Wall,
    },
};

use super::{
    collect::{Naming, Upstreams},
    include::{Problems, Watched, path_text},
    setup::{Parsed, Setup},
};

/// Files that one configuration may consist of.
const FILES: usize = 2_000;
/// Bytes of all of them.
const BYTES: usize = 64 << 20;
/// Names looked at in one folder.
const NAMES: usize = 20_000;
/// Answers of its own that are kept of one configuration.
const ANSWERS: usize = 200;
/// Sites kept.
const SITES: usize = 50_000;
/// Logs kept.
const LOGS: usize = 5_000;

/// What is known of a configuration while it is read.
#[derive(Debug)]
pub(super) struct Reading<'s> {
    setup: &'s Setup,
    pub(super) problems: Problems,
    pub(super) upstreams: Upstreams,
    pub(super) sites: Vec<Site>,
    pub(super) logs: Vec<LogTarget>,
    answers: Vec<OwnAnswer>,
    pub(super) controls: Vec<ControlPoint>,
    pub(super) labels: Option<Box<LabelProvider>>,
    watched: Vec<Watched>,
    files: Vec<Text>,
    modified: Option<Wall>,
    bytes: usize,
    readable: bool,
    /// Position in reading order of the next thing that names an address.
    index: usize,
}

impl<'s> Reading<'s> {
    pub(super) fn new(setup: &'s Setup) -> Self {
        Self {
            setup,
            problems: Problems::default(),
            upstreams: Upstreams::default(),
            sites: Vec::new(),
            logs: Vec::new(),
            answers: Vec::new(),
            controls: Vec::new(),
            labels: None,
            watched: Vec::new(),
            files: Vec::new(),
            modified: None,
            bytes: 0,
            readable: false,
            index: 0,
        }
    }

    /// The file tree that the gateway sees.
    pub(super) const fn root(&self) -> &'s Root {
        &self.setup.root
    }

    /// The setup that is read.
    pub(super) const fn setup(&self) -> &'s Setup {
        self.setup
    }

    /// Says that something could be read: the configuration is not blind as a whole.
    pub(super) const fn found(&mut self) {
        self.readable = true;
    }

    /// A position in reading order.
    pub(super) const fn next(&mut self) -> usize {
        self.index += 1;
        self.index
    }

    /// The text of a file; what cannot be read is a problem at `place`.
    pub(super) fn file(&mut self, path: &Path, place: &Place) -> Option<Vec<u8>> {
        if self.files.len() >= FILES {
            let what = format!("more than {FILES} files belong to this configuration");
            self.problems.add(ProblemKind::TooMuch, place.clone(), what);
            return None;
        }
        match contents(&self.setup.root, path, self.setup.reader.as_ref(), &mut self.watched) {
            Ok((bytes, modified)) => {
                self.bytes = self.bytes.saturating_add(bytes.len());
                if self.bytes > BYTES {
                    let what = format!("more than {} MiB with all files", BYTES >> 20);
                    self.problems.add(ProblemKind::TooMuch, place.clone(), what);
                    return None;
                }
                self.modified = self.modified.max(Some(modified));
                self.files.push(path_text(path));
                self.readable = true;
                Some(bytes)
            }
            Err(error) => {
                let kind = match &error {
                    FileError::Missing => ProblemKind::Missing,
                    FileError::NotAFile => ProblemKind::NotAFile,
                    FileError::TooLong(_) => ProblemKind::TooMuch,
                    FileError::Denied | FileError::Link | FileError::Io(_) => {
                        ProblemKind::Unreadable
                    }
                };
                let what = format!("{}: {error}", path_text(path).raw());
                self.problems.add(kind, place.clone(), what);
                None
            }
        }
    }

    /// Whether a folder stands at a path; it is watched then.
    pub(super) fn is_folder(&mut self, path: &Path) -> bool {
        let folder = self.setup.root.list(path, 1).is_ok();
        if folder {
            self.watched.push(Watched::new(&self.setup.root, path));
        }
        folder
    }

    /// The files of a folder with one of these endings, in the order of their names.
    pub(super) fn folder(&mut self, path: &Path, endings: &[&str], place: &Place) -> Vec<PathBuf> {
        self.watched.push(Watched::new(&self.setup.root, path));
        let (names, more) = match self.setup.root.list(path, NAMES) {
            Ok(found) => found,
            Err(error) => {
                let what = format!("{}: {error}", path_text(path).raw());
                let kind = match error {
                    FileError::Missing => ProblemKind::Missing,
                    _ => ProblemKind::Unreadable,
                };
                self.problems.add(kind, place.clone(), what);
                return Vec::new();
            }
        };
        if more {
            let what = format!("{}: more than {NAMES} names", path_text(path).raw());
            self.problems.add(ProblemKind::TooMuch, place.clone(), what);
        }
        let fits = |name: &&String| {
            !name.starts_with('.') && endings.iter().any(|ending| name.ends_with(ending))
        };
        names.iter().filter(fits).map(|name| path.join(name)).collect()
    }

    /// Watches a path whose content is not read.
    pub(super) fn watch(&mut self, path: &Path) {
        self.watched.push(Watched::new(&self.setup.root, path));
    }

    /// Keeps an upstream with its routes.
    pub(super) fn upstream(&mut self, mut upstream: ConfiguredUpstream) {
        let routes = std::mem::take(&mut upstream.routes);
        let naming = Naming {
            index: self.next(),
            place: upstream.place.clone(),
            address: upstream.address.clone(),
            written: upstream.written.clone(),
            group: upstream.group.clone(),
            group_size: upstream.group_size,
            params: upstream.params.clone(),
            keepalive: upstream.keepalive,
            resolver: upstream.resolver.clone(),
            chosen: upstream.chosen,
        };
        let protocol = upstream.protocol;
        let rest = |_: Naming| upstream.clone();
        self.upstreams.add_all(naming, protocol, &routes, &mut self.problems, rest);
    }

    /// Keeps an answer of the gateway's own, if it is a server error.
    pub(super) fn answer(&mut self, answer: OwnAnswer) {
        if (500..=599).contains(&answer.status) && self.answers.len() < ANSWERS {
            self.answers.push(answer);
        }
    }

    /// Keeps a site.
    pub(super) fn site(&mut self, site: Site) {
        if self.sites.len() < SITES {
            self.sites.push(site);
        }
    }

    /// Keeps a log of the gateway, once for each kind.
    pub(super) fn log(&mut self, path: &str, kind: LogKind, place: &Place) {
        let known = |log: &LogTarget| log.path.raw() == path && same_kind(&log.kind, &kind);
        if self.logs.len() >= LOGS || self.logs.iter().any(known) {
            return;
        }
        self.logs.push(LogTarget {
            gateway: Some(self.setup.gateway.clone()),
            path: Text::new(path),
            root: Text::from_bytes(self.setup.root.prefix().as_os_str().as_encoded_bytes()),
            kind,
            place: place.clone(),
        });
    }

    /// What was read.
    pub(super) fn finish(mut self) -> Parsed {
        if let Some(who) = &self.setup.reader {
            let (root, problems) = (&self.setup.root, &mut self.problems);
            // A log that the gateway's own user could not write is none of its logs.
            self.logs.retain(|log| {
                let path = Path::new(log.path.raw());
                let its = !path.is_absolute() || on_behalf::may_write(root, path, who);
                if !its {
                    let what =
                        format!("{}: the user of this gateway may not write it", log.path.raw());
                    problems.add(ProblemKind::Unreadable, log.place.clone(), what);
                }
                its
            });
        }
        let mut seen = HashSet::new();
        self.watched.retain(|file| seen.insert(file.path.clone()));
        let config = GatewayConfig {
            gateway: self.setup.gateway.clone(),
            upstreams: self.upstreams.finish(&self.setup.label),
            sites: self.sites,
            logs: self.logs,
            answers: self.answers,
            controls: self.controls,
            labels: self.labels,
            loaded: None,
            problems: self.problems.finish(),
            files: self.files,
            modified: self.modified,
            unlogged: false,
        };
        Parsed { config, watched: self.watched, readable: self.readable }
    }
}

/// An upstream of which only this is known yet.
pub(super) fn blank(
    place: &Place,
    written: &str,
    address: Option<Address>,
    protocol: Protocol,
) -> ConfiguredUpstream {
    ConfiguredUpstream {
        id: UpstreamId(Text::default()),
        place: place.clone(),
        address,
        written: Text::new(written),
        group: None,
        group_size: 1,
        protocol,
        per_request: false,
        params: ServerParams { max_fails: 0, fail_timeout_secs: 0, ..ServerParams::default() },
        timeouts: Timeouts::default(),
        header_buffer: Setting::default(),
        resolver: None,
        tls_verify: protocol.is_tls(),
        tls: UpstreamTls::default(),
        fixed_by: None,
        container: None,
        chosen: false,
        timeouts_differ: false,
        keepalive: 0,
        routes: Vec::new(),
    }
}

const fn same_kind(a: &LogKind, b: &LogKind) -> bool {
    matches!((a, b), (LogKind::Error, LogKind::Error) | (LogKind::Access(_), LogKind::Access(_)))
}

/// Looks at what stands there before it opens it: opening a device may act on it.
fn contents(
    root: &Root,
    path: &Path,
    reader: Option<&Identity>,
    watched: &mut Vec<Watched>,
) -> Result<(Vec<u8>, Wall), FileError> {
    let print = Fingerprint::take(root, path, true);
    watched.push(Watched { path: path.to_owned(), fingerprint: print.as_ref().ok().copied() });
    let print = print?;
    if !print.is_file() {
        return Err(FileError::NotAFile);
    }
    Ok((on_behalf::read(root, path, BYTES as u64, reader)?, print.modified()))
}
