//! Files by their times: configurations, units, certificates, and what applications run from.
//! Only the tops of folders are looked at.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use rustix::fs::{FileType, Stat};

use super::{
    certificate::{self, Validity},
    named::{Named, named},
    stamp,
    unit_files::UnitFiles,
};
use crate::{
    host::{clock, files::Root},
    observation::{Boot, Change, ChangeKind, GatewayId, Origin, Text, Touched, Wall},
    session::ConfigFile,
    source::sweep::Blindness,
};

/// Longest configuration file that is looked through, in bytes.
const TEXT: u64 = 256 * 1024;
/// Names listed of one folder.
const LISTED: usize = 256;
/// Certificates and folders looked at for one gateway.
const NAMED: usize = 64;
/// Time for one look, in microseconds.
const BUDGET: u64 = 900_000;

/// Endings of files that hold settings.
const ENDINGS: [&str; 9] =
    [".conf", ".ini", ".cfg", ".yml", ".yaml", ".toml", ".json", ".env", ".xml"];

/// Device, inode, size and times: what tells that a file is still the same.
type Version = (u64, u64, i64, i64, i64);

/// Looks at files, and remembers what it read in those that stay the same.
#[derive(Debug)]
pub(super) struct Files {
    root: Root,
    now: Wall,
    since: Wall,
    until: Boot,
    texts: BTreeMap<(Text, Text), (Version, Named)>,
    validities: BTreeMap<PathBuf, (Version, Option<Validity>)>,
}

impl Files {
    pub(super) fn new(root: Root) -> Self {
        Self {
            root,
            now: Wall::default(),
            since: Wall::default(),
            until: Boot(0),
            texts: BTreeMap::new(),
            validities: BTreeMap::new(),
        }
    }

    pub(super) const fn root(&self) -> &Root {
        &self.root
    }

    /// Starts a look at what changed since a time.
    pub(super) fn begin(&mut self, now: Wall, since: Wall) {
        (self.now, self.since) = (now, since);
        self.until = Boot(clock::now().boot.0.saturating_add(BUDGET));
    }

    fn exhausted(&self) -> bool {
        clock::now().boot > self.until
    }

    /// Changes of the gateways' configurations, of the certificates and of the folders that they
    /// name.
    pub(super) fn of_gateways(
        &mut self,
        files: &[ConfigFile],
        blind: &mut Blindness,
        all: &mut Vec<Change>,
    ) {
        let mut by_gateway: BTreeMap<(&GatewayId, &Text), Named> = BTreeMap::new();
        let mut folder: BTreeMap<&GatewayId, String> = BTreeMap::new();
        let named: BTreeSet<(&Text, &Text)> = files.iter().map(|f| (&f.root, &f.path)).collect();
        self.texts.retain(|(root, path), _| named.contains(&(root, path)));
        for file in files {
            if self.exhausted() {
                let why = "looking at the files took longer than 0.9 s";
                blind.add("files of configurations", why, "which of the others changed", "");
                break;
            }
            let root = self.tree(&file.root);
            let Ok(stat) = root.stat(file.path.raw(), true) else { continue };
            let (at, how) = stamp::of_file(&stat, self.now);
            if at >= self.since {
                let what = format!("{} {how}", file.path);
                let touches =
                    vec![Touched::Gateway(file.gateway.clone()), Touched::Path(file.path.clone())];
                all.push(change(at, ChangeKind::Config, &what, file.path.raw(), touches));
            }
            // The main file comes first: paths without a leading slash begin in its folder.
            let folder = folder.entry(&file.gateway).or_insert_with(|| parent(file.path.raw()));
            let found = self.named_in(&root, file, &stat, folder);
            let known = by_gateway.entry((&file.gateway, &file.root)).or_default();
            known.certificates.extend(found.certificates);
            known.roots.extend(found.roots);
        }
        for ((gateway, prefix), named) in by_gateway {
            let root = self.tree(prefix);
            let touches = vec![Touched::Gateway(gateway.clone())];
            for path in named.certificates.iter().take(NAMED) {
                for path in certificate_files(&root, path) {
                    self.certificate(&root, &path, &touches, all);
                }
            }
            for path in named.roots.iter().take(NAMED) {
                self.deploy(&root, path, &touches, all);
            }
        }
    }

    fn named_in(&mut self, root: &Root, file: &ConfigFile, stat: &Stat, folder: &str) -> Named {
        let key = (file.root.clone(), file.path.clone());
        let version = version(stat);
        if let Some((known, named)) = self.texts.get(&key)
            && *known == version
        {
            return named.clone();
        }
        let text = root.read_text(file.path.raw(), TEXT).unwrap_or_default();
        let found = named(&text, folder);
        self.texts.insert(key, (version, found.clone()));
        found
    }

    fn certificate(&mut self, root: &Root, path: &str, touches: &[Touched], all: &mut Vec<Change>) {
        const KNOWN: usize = 1024;
        let Ok(stat) = root.stat(path, true) else { return };
        let (version, key) = (version(&stat), root.seen_at(Path::new(path)));
        if self.validities.len() > KNOWN {
            self.validities.clear();
        }
        let known = self.validities.get(&key).filter(|(known, _)| *known == version);
        let validity = match known {
            Some((_, validity)) => *validity,
            None => root
                .read(path, certificate::LIMIT)
                .ok()
                .and_then(|bytes| certificate::validity(&bytes)),
        };
        self.validities.insert(key, (version, validity));
        let mut tell = |at: Wall, what: &str| {
            if at >= self.since && at <= self.now {
                let what = format!("certificate {path} {what}");
                let mut touches = touches.to_vec();
                touches.push(Touched::Path(Text::new(path)));
                all.push(change(at, ChangeKind::Certificate, &what, path, touches));
            }
        };
        let (at, how) = stamp::of_file(&stat, self.now);
        match validity {
            Some(Validity { from, until }) => {
                let spell = format!("{how}; it holds from {from} until {until}");
                tell(at, &spell);
                tell(from, "began to hold");
                tell(until, "ended to hold: it has expired");
            }
            None => tell(at, &how),
        }
    }

    /// Changes of the files of units and of what they run.
    pub(super) fn of_units(&mut self, units: &[UnitFiles], all: &mut Vec<Change>) {
        let root = self.root.clone();
        for unit in units {
            let touches = vec![Touched::Unit(unit.unit.clone())];
            let mut newest = Wall::default();
            for path in &unit.files {
                if let Some((at, how)) = self.time_of(&root, path) {
                    newest = newest.max(at);
                    self.tell(at, ChangeKind::UnitFile, path, &how, &touches, all);
                }
            }
            if unit.needs_reload {
                let at = if newest == Wall::default() { self.now } else { newest };
                let what = format!(
                    "{}: its file is newer than what systemd goes by; systemctl daemon-reload \
                     was not run",
                    unit.unit
                );
                let mut told = change(at, ChangeKind::UnitFile, &what, "", touches.clone());
                told.origin = Origin::Systemd(unit.unit.clone());
                all.push(told);
            }
            for path in unit.environment.iter().chain(&configurations(&root, unit)) {
                if let Some((at, how)) = self.time_of(&root, path) {
                    self.tell(at, ChangeKind::Config, path, &how, &touches, all);
                }
            }
            for path in programs(&root, unit) {
                self.program(&root, &path, &touches, all);
            }
            if may_be_a_project(&unit.working) {
                self.deploy(&root, &unit.working, &touches, all);
            }
            if self.exhausted() {
                return;
            }
        }
    }

    fn time_of(&self, root: &Root, path: &str) -> Option<(Wall, String)> {
        let stat = root.stat(path, true).ok()?;
        (kind(&stat) == FileType::RegularFile).then(|| stamp::of_file(&stat, self.now))
    }

    fn tell(
        &self,
        at: Wall,
        kind: ChangeKind,
        path: &str,
        how: &str,
        touches: &[Touched],
        all: &mut Vec<Change>,
    ) {
        if at >= self.since {
            let mut touches = touches.to_vec();
            touches.push(Touched::Path(Text::new(path)));
            all.push(change(at, kind, &format!("{path} {how}"), path, touches));
        }
    }

    /// A program or script, and a link that leads to it.
    fn program(&self, root: &Root, path: &str, touches: &[Touched], all: &mut Vec<Change>) {
        if let Some((at, how)) = self.time_of(root, path) {
            self.tell(at, ChangeKind::Deploy, path, &how, touches, all);
        }
        self.links(root, path, touches, all);
    }

    /// Links on the way, as a deployment turns them: `current` leads to another release.
    fn links(&self, root: &Root, path: &str, touches: &[Touched], all: &mut Vec<Change>) {
        const DEEP: usize = 6;
        for part in Path::new(path).ancestors().take(DEEP) {
            let Some(part) = part.to_str().filter(|part| part.len() > 1) else { return };
            let Ok(stat) = root.stat(part, false) else { continue };
            let at = stamp::modified(&stat);
            if kind(&stat) == FileType::Symlink && at >= self.since && !is_system(part) {
                let to = root.read_link(part).unwrap_or_default();
                let how = format!("was made to lead to {}", to.display());
                self.tell(at, ChangeKind::Deploy, part, &how, touches, all);
            }
        }
    }

    /// The newest entries of a folder's top.
    fn deploy(&self, root: &Root, path: &str, touches: &[Touched], all: &mut Vec<Change>) {
        self.links(root, path, touches, all);
        if is_system(path) {
            return;
        }
        let Ok((names, _)) = root.list(path, LISTED) else { return };
        let mut newest: Option<(Wall, String)> = None;
        let mut count = 0_usize;
        for name in names.iter().filter(|name| !is_data(name)) {
            let Ok(stat) = root.stat(format!("{path}/{name}"), false) else { continue };
            // The time of a folder is also that of the last file made in it.
            let at = stamp::modified(&stat);
            if at >= self.since && at <= self.now.plus_secs(120) {
                count += 1;
                if newest.as_ref().is_none_or(|(known, _)| at > *known) {
                    newest = Some((at, name.clone()));
                }
            }
        }
        let Some((at, name)) = newest else { return };
        let how = match count {
            1 => format!("changed: {name}"),
            n => format!("changed in {n} places, last {name}"),
        };
        self.tell(at, ChangeKind::Deploy, path, &how, touches, all);
    }

    /// The tree below a prefix.
    fn tree(&self, prefix: &Text) -> Root {
        if prefix.raw().is_empty() { self.root.clone() } else { Root::new(prefix.raw()) }
    }
}

/// A change that was read off a file.
fn change(at: Wall, kind: ChangeKind, what: &str, path: &str, touches: Vec<Touched>) -> Change {
    let (what, origin) = (Text::new(what), Origin::Path(Text::new(path)));
    Change { at, kind, what, by: Text::default(), origin, touches }
}

fn kind(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

fn version(stat: &Stat) -> Version {
    (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime, stat.st_ctime)
}

fn parent(path: &str) -> String {
    let folder = Path::new(path).parent().map(|folder| folder.display().to_string());
    folder.unwrap_or_default()
}

/// A certificate, or those in a folder of them.
fn certificate_files(root: &Root, path: &str) -> Vec<String> {
    match root.stat(path, true) {
        Ok(stat) if kind(&stat) == FileType::Directory => {
            let (names, _) = root.list(path, NAMED).unwrap_or_default();
            names.into_iter().map(|name| format!("{path}/{name}")).collect()
        }
        Ok(_) => vec![path.to_owned()],
        Err(_) => Vec::new(),
    }
}

/// Configuration files that a unit's command line names, and the pools of php-fpm.
fn configurations(root: &Root, unit: &UnitFiles) -> Vec<String> {
    let words = unit.commands.iter().flatten();
    let paths = words.filter_map(|word| {
        let path = word.split_once('=').map_or(word.as_str(), |(_, path)| path);
        ENDINGS.iter().any(|end| path.ends_with(end)).then(|| at(path, &unit.working)).flatten()
    });
    let mut found: Vec<String> = paths.take(16).collect();
    if unit.unit.as_str().contains("php") && unit.unit.as_str().contains("fpm") {
        let own: Vec<String> = found.iter().map(|path| parent(path)).collect();
        let folders = own.iter().flat_map(|f| [format!("{f}/pool.d"), format!("{f}/conf.d")]);
        let usual = ["/etc/php-fpm.d", "/etc/php.d"].map(str::to_owned);
        for folder in folders.chain(usual) {
            let (names, _) = root.list(&folder, NAMED).unwrap_or_default();
            let names = names.iter().filter(|n| n.ends_with(".conf") || n.ends_with(".ini"));
            found.extend(names.map(|name| format!("{folder}/{name}")));
        }
        found.extend(own.iter().map(|folder| format!("{folder}/php.ini")));
        found.extend(["/etc/php-fpm.conf", "/etc/php.ini"].map(str::to_owned));
    }
    found.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}

/// The program of a unit and the scripts it is given.
fn programs(root: &Root, unit: &UnitFiles) -> Vec<String> {
    let mut found = BTreeSet::new();
    for command in &unit.commands {
        for (place, word) in command.iter().enumerate().take(8) {
            let script = word.contains('.') || word.starts_with('/');
            let settings = ENDINGS.iter().any(|end| word.ends_with(end));
            if word.starts_with('-') || (place > 0 && (!script || settings)) {
                continue;
            }
            let path = at(word, &unit.working).filter(|path| !is_system(path));
            let is_file = |path: &String| {
                root.stat(path, true).is_ok_and(|stat| kind(&stat) == FileType::RegularFile)
            };
            found.extend(path.filter(is_file));
        }
    }
    found.into_iter().take(8).collect()
}

/// A path of the host, seen from a working directory.
fn at(word: &str, working: &str) -> Option<String> {
    if word.len() > 1024 || word.contains('\0') {
        return None;
    }
    if word.starts_with('/') {
        return Some(word.to_owned());
    }
    working.starts_with('/').then(|| format!("{}/{word}", working.trim_end_matches('/')))
}

/// Folders of the system and of packages: those are told by the package log.
fn is_system(path: &str) -> bool {
    const FOLDERS: [&str; 9] =
        ["/usr", "/bin", "/sbin", "/lib", "/lib64", "/proc", "/sys", "/dev", "/run"];
    let below = |folder: &&str| {
        path.strip_prefix(*folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    FOLDERS.iter().any(|folder| below(&folder)) && !path.starts_with("/usr/local/")
}

/// Whether a working directory can be where an application was put, and is not a home or a data
/// folder that changes all the time.
fn may_be_a_project(path: &str) -> bool {
    let deep = path.trim_end_matches('/').matches('/').count();
    let home = path.starts_with("/home/") && deep < 3;
    path.starts_with('/')
        && deep >= 1
        && !home
        && !["/root", "/tmp", "/var", "/etc", "/home", "/opt", "/srv", "/mnt"].contains(&path)
        && !["/tmp/", "/var/tmp/", "/var/log", "/var/spool", "/var/cache"]
            .iter()
            .any(|folder| path.starts_with(folder))
        && !is_system(path)
}

/// Names of what programs write while they run.
fn is_data(name: &str) -> bool {
    const NAMES: [&str; 13] = [
        "log",
        "logs",
        "tmp",
        "temp",
        "cache",
        "var",
        "storage",
        "uploads",
        "data",
        "run",
        "__pycache__",
        "sessions",
        "coverage",
    ];
    const PARTS: [&str; 10] =
        [".log", ".pid", ".sock", ".sqlite", ".db", ".lock", ".swp", ".tmp", ".cache", "~"];
    let lower = name.to_ascii_lowercase();
    NAMES.contains(&lower.as_str()) || PARTS.iter().any(|part| lower.contains(part))
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
