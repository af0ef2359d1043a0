//! Supervisor's configuration: where it listens, and what its programs are.

use std::path::{Path, PathBuf};

use super::ini::{Section, expand, sections, variables, words};
use crate::host::{
    files::{FileError, Root},
    on_behalf,
    permission::Identity,
};

/// Bytes of one file.
const FILE: u64 = 1 << 20;
/// Files read by `[include]`.
const FILES: usize = 512;
/// Programs kept.
const PROGRAMS: usize = 1_000;
/// Processes of one program.
const PROCESSES: u32 = 64;

/// One process of a program section.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Declared {
    pub(super) group: String,
    pub(super) name: String,
    pub(super) command: Vec<String>,
    pub(super) environment: Vec<String>,
    pub(super) folder: String,
    pub(super) autostart: bool,
    pub(super) autorestart: Option<bool>,
    /// Socket that Supervisor binds for it (`fcgi-program`).
    pub(super) socket: Option<String>,
    pub(super) file: PathBuf,
    pub(super) line: u32,
}

/// A whole configuration.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Config {
    pub(super) socket: Option<PathBuf>,
    pub(super) log: Option<PathBuf>,
    pub(super) programs: Vec<Declared>,
    /// Files that could not be read, with the reason.
    pub(super) unread: Vec<(PathBuf, String)>,
}

/// Reads a configuration and what it includes, as far as `who` may, whose it is; `None` for root.
/// Supervisor does not include from included files.
pub(super) fn read(root: &Root, main: &Path, who: Option<&Identity>) -> Config {
    let mut config = Config::default();
    let text_of = |path: &Path| -> Result<String, FileError> {
        let bytes = on_behalf::read(root, path, FILE, who)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = match text_of(main) {
        Ok(text) => text,
        Err(error) => {
            config.unread.push((main.to_owned(), error.to_string()));
            return config;
        }
    };
    let here = main.parent().unwrap_or(Path::new("/")).to_owned();
    let mut all: Vec<(PathBuf, Section)> =
        sections(&text).into_iter().map(|section| (main.to_owned(), section)).collect();
    let patterns: Vec<String> = all
        .iter()
        .filter(|(_, section)| section.name == "include")
        .filter_map(|(_, section)| section.get("files"))
        .map(|files| expand(files, place(&here)))
        .collect();
    for pattern in patterns.iter().flat_map(|files| files.split_whitespace()) {
        for file in matching(root, &here.join(pattern)) {
            match text_of(&file) {
                Ok(text) => all.extend(sections(&text).into_iter().map(|s| (file.clone(), s))),
                Err(error) => config.unread.push((file, error.to_string())),
            }
        }
    }
    config.unread.truncate(8);
    fill(&mut config, &all);
    config
}

/// What may stand in any value.
fn place(here: &Path) -> impl Fn(&str) -> Option<String> + '_ {
    move |name| (name == "here").then(|| here.display().to_string())
}

/// Files that a pattern with wildcards names, sorted.
fn matching(root: &Root, pattern: &Path) -> Vec<PathBuf> {
    let seen = root.seen_at(pattern);
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..Default::default() };
    let Ok(found) = glob::glob_with(&seen.to_string_lossy(), options) else { return Vec::new() };
    let own = |path: PathBuf| match path.strip_prefix(root.prefix()) {
        Ok(rest) if !root.prefix().as_os_str().is_empty() => Path::new("/").join(rest),
        _ => path,
    };
    found.filter_map(Result::ok).take(FILES).map(own).collect()
}

fn fill(config: &mut Config, all: &[(PathBuf, Section)]) {
    let groups: Vec<(&str, Vec<&str>)> = all
        .iter()
        .filter_map(|(_, section)| {
            let name = section.name.strip_prefix("group:")?;
            let members = section.get("programs")?.split(',').map(str::trim).collect();
            Some((name, members))
        })
        .collect();
    for (file, section) in all {
        let here = file.parent().unwrap_or(Path::new("/"));
        let value = |key: &str| section.get(key).map(|text| expand(text, place(here)));
        let path = |key: &str| {
            let text = value(key)?;
            let text = text.strip_prefix("unix://").unwrap_or(&text);
            (!text.is_empty()).then(|| here.join(text))
        };
        match section.name.as_str() {
            "unix_http_server" => config.socket = path("file").or_else(|| config.socket.take()),
            "supervisord" => config.log = path("logfile").or_else(|| config.log.take()),
            name => {
                let fcgi = name.strip_prefix("fcgi-program:");
                let Some(program) = name.strip_prefix("program:").or(fcgi) else { continue };
                let group = groups.iter().find(|(_, members)| members.contains(&program));
                let group = group.map_or(program, |(group, _)| *group);
                declare(config, file, section, program, group);
            }
        }
    }
}

fn declare(config: &mut Config, file: &Path, section: &Section, program: &str, group: &str) {
    let here = file.parent().unwrap_or(Path::new("/")).display().to_string();
    let number = |key: &str| section.get(key).and_then(|text| text.parse::<u32>().ok());
    let first = number("numprocs_start").unwrap_or(0);
    for process in 0..number("numprocs").unwrap_or(1).min(PROCESSES) {
        if config.programs.len() >= PROGRAMS {
            return;
        }
        let known = |name: &str| match name {
            "here" => Some(here.clone()),
            "program_name" => Some(program.to_owned()),
            "group_name" => Some(group.to_owned()),
            "process_num" => Some((first + process).to_string()),
            "numprocs" => number("numprocs").map(|n| n.to_string()),
            _ => None,
        };
        let value = |key: &str| section.get(key).map(|text| expand(text, known));
        let off =
            |key: &str| section.get(key).is_some_and(|v| matches!(v, "false" | "off" | "0" | "no"));
        let on =
            |key: &str| section.get(key).is_some_and(|v| matches!(v, "true" | "on" | "1" | "yes"));
        let name = value("process_name").unwrap_or_else(|| program.to_owned());
        config.programs.push(Declared {
            group: group.to_owned(),
            name,
            command: words(&value("command").unwrap_or_default()),
            environment: value("environment").map(|v| variables(&v)).unwrap_or_default(),
            folder: value("directory").unwrap_or_default(),
            autostart: !off("autostart"),
            autorestart: if off("autorestart") {
                Some(false)
            } else {
                on("autorestart").then_some(true)
            },
            socket: value("socket"),
            file: file.to_owned(),
            line: section.line,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(files: &[(&str, &str)]) -> Config {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name.trim_start_matches('/'));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        read(&Root::new(dir.path()), Path::new("/etc/supervisor/supervisord.conf"), None)
    }

    const MAIN: &str = "[unix_http_server]\nfile=/run/s.sock ; x\n[supervisord]\nlogfile=/var/log/s.log\n\
                        [include]\nfiles = conf.d/*.conf\n";

    #[test]
    fn socket_log_and_included_programs_are_found() {
        let shop = "[program:shop]\ncommand=node app.js --port %(ENV_P)s\ndirectory=%(here)s/x\n\
                    environment=PORT=\"3000\",SECRET=\"CANARY\"\nautostart=false\n";
        let all = config(&[
            ("/etc/supervisor/supervisord.conf", MAIN),
            ("/etc/supervisor/conf.d/shop.conf", shop),
            ("/etc/supervisor/conf.d/shop.conf.bak", "[program:old]\ncommand=x\n"),
        ]);
        assert_eq!(all.socket.as_deref(), Some(Path::new("/run/s.sock")));
        assert_eq!(all.log.as_deref(), Some(Path::new("/var/log/s.log")));
        assert_eq!(all.programs.len(), 1);
        let shop = &all.programs[0];
        assert_eq!((shop.group.as_str(), shop.name.as_str()), ("shop", "shop"));
        assert_eq!(shop.folder, "/etc/supervisor/conf.d/x");
        assert_eq!(shop.environment[0], "PORT=3000");
        assert!(!shop.autostart && shop.file.ends_with("shop.conf"));
    }

    #[test]
    fn several_processes_and_groups_have_the_names_that_supervisor_gives_them() {
        let text = "[program:w]\ncommand=/w --port=80%(process_num)02d\nnumprocs=2\n\
                    process_name=%(program_name)s_%(process_num)02d\n[group:web]\nprograms=w, x\n\
                    [fcgi-program:f]\ncommand=/f\nsocket=unix:///run/f.sock\n";
        let all = config(&[("/etc/supervisor/supervisord.conf", text)]);
        let names: Vec<String> = all
            .programs
            .iter()
            .map(|p| format!("{}:{} {}", p.group, p.name, p.command.join(" ")))
            .collect();
        assert_eq!(names, ["web:w_00 /w --port=8000", "web:w_01 /w --port=8001", "f:f /f"]);
        assert_eq!(all.programs[2].socket.as_deref(), Some("unix:///run/f.sock"));
    }

    #[test]
    fn a_configuration_that_is_not_there_is_said_to_be_unread() {
        let all = config(&[]);
        assert!(all.programs.is_empty() && all.unread.len() == 1);
    }

    #[test]
    fn a_users_supervisor_has_nothing_read_that_the_user_could_not() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str, mode: u32| {
            std::fs::write(dir.path().join(name), text).unwrap();
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(dir.path().join(name), mode).unwrap();
        };
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        put("mine.conf", "[include]\nfiles = theirs.conf\n", 0o644);
        put("theirs.conf", "[program:x]\ncommand=/bin/x CANARY\n", 0o600);
        let user = Identity::of(65_533, vec![65_533]);
        let of = |name: &str, who| read(&Root::new(dir.path()), Path::new(name), who);
        let mine = of("/mine.conf", Some(&user));
        assert!(mine.programs.is_empty());
        assert_eq!(mine.unread.len(), 1);
        assert_eq!(of("/theirs.conf", Some(&user)).unread.len(), 1);
        assert_eq!(of("/mine.conf", None).programs.len(), 1);
    }
}
