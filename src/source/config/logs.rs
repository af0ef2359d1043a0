//! The logs that a configuration names, with the format of each access log.

use std::{
    collections::{BTreeSet, HashMap},
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use crate::host::{files::Root, on_behalf, permission::Identity};
use crate::observation::{
    AccessFormat, AccessSyntax, GatewayId, LogKind, LogTarget, Place, ProblemKind, Text,
};

use super::{
    include::{Problems, path_text},
    tree::{Directive, Directives, Tree},
};

/// The format that nginx knows without being told.
const COMBINED: &str = "$remote_addr - $remote_user [$time_local] \"$request\" $status \
                        $body_bytes_sent \"$http_referer\" \"$http_user_agent\"";

/// Collects log targets, each once.
#[derive(Debug)]
pub(super) struct Logs {
    gateway: GatewayId,
    root: Text,
    prefix: PathBuf,
    formats: HashMap<Vec<u8>, Text>,
    seen: BTreeSet<(Text, LogKind)>,
    pub(super) targets: Vec<LogTarget>,
    /// Whether some requests are written nowhere (`access_log off`).
    pub(super) off: bool,
}

impl Logs {
    pub(super) fn new(gateway: GatewayId, root: &Path, prefix: &Path) -> Self {
        Self {
            gateway,
            root: path_text(root),
            prefix: prefix.to_owned(),
            formats: HashMap::new(),
            seen: BTreeSet::new(),
            targets: Vec::new(),
            off: false,
        }
    }

    /// Takes in a log. One that is no file is a target as well: who reads the logs says that it
    /// cannot be read.
    pub(super) fn add(&mut self, path: &[u8], kind: LogKind, place: Place) {
        let (root, path) = if is_elsewhere(path) {
            (Text::default(), Text::from_bytes(path))
        } else {
            let path = self.prefix.join(Path::new(OsStr::from_bytes(path)));
            (self.root.clone(), path_text(&path))
        };
        if self.seen.insert((path.clone(), kind.clone())) {
            let gateway = Some(self.gateway.clone());
            self.targets.push(LogTarget { gateway, path, root, kind, place });
        }
    }

    /// Leaves out what the gateway's own user could not write: that is none of its logs.
    pub(super) fn drop_foreign(&mut self, root: &Root, who: &Identity, problems: &mut Problems) {
        self.targets.retain(|log| {
            let elsewhere = is_elsewhere(log.path.raw().as_bytes());
            let its = elsewhere || on_behalf::may_write(root, Path::new(log.path.raw()), who);
            if !its {
                let what = format!("{}: the user of this gateway may not write it", log.path.raw());
                problems.add(ProblemKind::Unreadable, log.place.clone(), what);
            }
            its
        });
    }

    /// Every `error_log`; the compiled-in one when the main context names none.
    pub(super) fn errors(
        &mut self,
        tree: &Tree,
        default: &Path,
        place: Place,
        problems: &mut Problems,
    ) {
        let named = tree.top().any(|d| *d.name() == *b"error_log");
        if !named {
            self.add(default.as_os_str().as_bytes(), LogKind::Error, place);
        }
        for directive in (0..tree.nodes.len()).filter_map(|i| tree.get(i)) {
            if directive.has_block() || *directive.name() != *b"error_log" {
                continue;
            }
            let Some(path) = directive.arg(0) else {
                let what = "error_log takes a file name";
                problems.add(ProblemKind::Syntax, directive.place(), what);
                continue;
            };
            self.add(&path, LogKind::Error, directive.place());
        }
    }

    /// Learns the `log_format`s of an `http` or `stream` block and forgets those before.
    pub(super) fn formats(&mut self, block: Directives<'_>, stream: bool) {
        self.formats.clear();
        if !stream {
            self.formats.insert(b"combined".to_vec(), Text::new(COMBINED));
        }
        for directive in block.filter(|d| *d.name() == *b"log_format") {
            let Some(name) = directive.arg(0) else { continue };
            let parts: Vec<_> =
                directive.args().skip(1).filter(|arg| !arg.starts_with(b"escape=")).collect();
            self.formats.insert(name.into_owned(), Text::from_bytes(&parts.concat()));
        }
    }

    /// The access log that nginx writes when none is named.
    pub(super) fn default_access(&mut self, path: &Path, place: Place) {
        let format = AccessFormat {
            name: Text::new("combined"),
            pattern: Text::new(COMBINED),
            syntax: AccessSyntax::Nginx,
        };
        self.add(path.as_os_str().as_bytes(), LogKind::Access(format), place);
    }

    /// One `access_log` line.
    pub(super) fn access(&mut self, directive: Directive<'_>, problems: &mut Problems) {
        let place = directive.place();
        let Some(path) = directive.arg(0) else {
            problems.add(ProblemKind::Syntax, place, "access_log takes a file name");
            return;
        };
        if *path == *b"off" {
            self.off = true;
            return;
        }
        if path.contains(&b'$') {
            let what = "a variable decides the path of this access log";
            problems.add(ProblemKind::Unknown, place.clone(), what);
        }
        let options: Vec<_> = directive.args().skip(1).collect();
        if options.iter().any(|o| **o == *b"gzip" || o.starts_with(b"gzip=")) {
            problems.add(ProblemKind::Unknown, place, "a compressed log cannot be followed");
            return;
        }
        let name = options.first().filter(|o| !o.contains(&b'=')).map_or(&b"combined"[..], |o| o);
        let Some(pattern) = self.formats.get(name) else {
            let what = format!("unknown log format \"{}\"", Text::from_bytes(name).raw());
            problems.add(ProblemKind::Syntax, place, what);
            return;
        };
        let format = AccessFormat {
            name: Text::from_bytes(name),
            pattern: pattern.clone(),
            syntax: AccessSyntax::Nginx,
        };
        self.add(&path, LogKind::Access(format), place);
    }
}

/// Whether a log is no file.
fn is_elsewhere(path: &[u8]) -> bool {
    matches!(path, b"stderr" | b"syslog")
        || [&b"syslog:"[..], b"memory:", b"|"].iter().any(|head| path.starts_with(head))
}
