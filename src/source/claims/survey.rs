//! Asks every unit for its claims within one budget of time.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::{
    Declaration, Found, Reader, Terms, Wanted, address, command, command::Environment, config,
    mention, php_fpm,
};
use crate::observation::{Address, Claim, ClaimKind, Origin, Place, Text, UnitName};

/// Time for the files of all units, in milliseconds.
const BUDGET_MS: u64 = 300;

/// Units whose files are read.
const UNITS: usize = 200;

/// Files read of one unit, php-fpm's own excepted.
const FILES: usize = 8;

/// Claims kept of one unit.
const CLAIMS: usize = 32;

/// Gateways name the addresses that they pass requests to: their files are no claims.
const GATEWAYS: [&str; 10] = [
    "nginx",
    "openresty",
    "angie",
    "haproxy",
    "apache2",
    "httpd",
    "caddy",
    "traefik",
    "envoy",
    "varnishd",
];

/// What was found about all units.
#[derive(Debug, Default)]
pub struct Survey {
    /// By unit.
    pub found: BTreeMap<UnitName, Found>,
    /// Units whose files were not read, because the budget was used up.
    pub skipped: usize,
}

/// Asks every unit; blocking, for at most 300 ms plus one file.
pub fn survey(declarations: &[Declaration], wanted: &Wanted, reader: &mut Reader) -> Survey {
    reader.begin(BUDGET_MS);
    let mut survey = Survey::default();
    let mut read = 0;
    for declaration in declarations {
        let names_files = !declaration.commands.is_empty();
        let with_files = names_files && read < UNITS && !reader.exhausted();
        read += usize::from(with_files);
        let found = one(&Terms::from(declaration), wanted, with_files, reader);
        survey.skipped += usize::from(names_files && (!with_files || reader.exhausted()));
        survey.found.insert(declaration.unit.clone(), found);
    }
    survey
}

/// Asks programs that are kept by another manager than systemd; within the same bounds.
pub fn survey_programs(all: &[Terms], wanted: &Wanted, reader: &mut Reader) -> Vec<Found> {
    reader.begin(BUDGET_MS);
    let mut read = 0;
    let mut ask = |terms: &Terms| {
        let files = read < UNITS && !reader.exhausted();
        read += usize::from(files);
        one(terms, wanted, files, reader)
    };
    all.iter().map(&mut ask).collect()
}

/// Collects the claims of one unit.
struct Collector<'a> {
    wanted: &'a Wanted,
    origin: &'a Origin,
    claims: BTreeMap<(ClaimKind, Address), Origin>,
    files: BTreeSet<PathBuf>,
}

impl Collector<'_> {
    fn add(&mut self, kind: ClaimKind, address: Address, origin: Origin) {
        self.claims.entry((kind, address)).or_insert(origin);
    }

    fn add_own(&mut self, kind: ClaimKind, addresses: impl IntoIterator<Item = Address>) {
        for address in addresses {
            self.add(kind, address, self.origin.clone());
        }
    }
}

fn one(declaration: &Terms, wanted: &Wanted, files: bool, reader: &mut Reader) -> Found {
    let mut found = Found::default();
    let origin = &declaration.origin;
    let mut all = Collector { wanted, origin, claims: BTreeMap::new(), files: BTreeSet::new() };
    for (kind, listen) in &declaration.listen {
        if matches!(kind.as_str(), "Stream" | "SequentialPacket") {
            all.add_own(ClaimKind::Binding, address::listen(listen));
        }
    }
    let environment = environment(declaration, files, &mut all, reader);
    for command in &declaration.commands {
        let argv = command::argv(command, &environment);
        if let Some(main) = php_fpm::main_file(&argv) {
            if files {
                let pools = php_fpm::read(&main, reader);
                found.logs.extend(pools.logs);
                found.pools.extend(pools.found);
                for claim in pools.claims {
                    all.add(claim.kind, claim.address, claim.origin);
                }
            }
            continue;
        }
        of_argv(&argv, declaration, files, &mut all, reader, 0);
    }
    found.unreadable = reader.take_denied();
    let claim = |((kind, address), origin)| Claim { address, kind, origin };
    found.claims = all.claims.into_iter().map(claim).take(CLAIMS).collect();
    found
}

/// The variables of a unit; those that name an address are claims.
fn environment(
    declaration: &Terms,
    files: bool,
    all: &mut Collector<'_>,
    reader: &mut Reader,
) -> Environment {
    let mut environment = Environment::new();
    for (key, value) in declaration.environment.iter().filter_map(|line| command::variable(line)) {
        all.add_own(ClaimKind::Command, command::of_variable(&key, &value));
        environment.insert(key, value);
    }
    for path in declaration.environment_files.iter().take(if files { FILES } else { 0 }) {
        let Some(text) = reader.text(Path::new(path)) else { continue };
        for (line, (key, value)) in (1_u32..)
            .zip(text.lines())
            .filter_map(|(number, line)| Some((number, command::variable(line)?)))
        {
            for address in command::of_variable(&key, &value) {
                let place = Place { file: Text::new(path), line };
                all.add(ClaimKind::Command, address, Origin::Config(place));
            }
            environment.insert(key, value);
        }
    }
    environment
}

fn of_argv(
    argv: &[String],
    declaration: &Terms,
    files: bool,
    all: &mut Collector<'_>,
    reader: &mut Reader,
    depth: u8,
) {
    let program = command::program(argv);
    let before = all.claims.len();
    all.add_own(ClaimKind::Command, command::of_command(argv, all.wanted));
    if files && !GATEWAYS.contains(&program) {
        let folder = Path::new(&declaration.working_directory);
        for path in named_files(argv, folder) {
            of_file(&path, argv, all, reader);
        }
        if let Some(script) = package_script(argv, folder, reader).filter(|_| depth == 0) {
            of_argv(&script, declaration, files, all, reader, depth + 1);
        }
    }
    if all.claims.len() == before {
        all.add_own(ClaimKind::Command, command::default_of(argv));
    }
}

/// Files that a command names, and those that its program reads without being told.
fn named_files(argv: &[String], folder: &Path) -> Vec<PathBuf> {
    let program = command::program(argv);
    let mut names: Vec<String> = Vec::new();
    for (at, arg) in argv.iter().enumerate() {
        let name = match arg.split_once('=') {
            Some((flag, value)) if flag.starts_with('-') => value,
            _ => arg.as_str(),
        };
        let name = name.strip_prefix("file:").or_else(|| name.strip_prefix('@')).unwrap_or(name);
        let module = at > 0 && argv.get(at - 1).is_some_and(|flag| flag == "-m");
        if module {
            names.push(format!("{}.py", name.replace('.', "/")));
        } else if !name.starts_with('-') && (name.contains(['/', '.']) || at == 0) {
            names.push(name.to_owned());
        }
    }
    if program.starts_with("gunicorn") {
        names.push("gunicorn.conf.py".to_owned());
    } else if program.starts_with("puma") {
        names.push("config/puma.rb".to_owned());
    }
    let absolute = |name: String| {
        let path = folder.join(name);
        let device = ["/dev", "/proc", "/sys"].iter().any(|root| path.starts_with(root));
        (path.is_absolute() && !device).then_some(path)
    };
    names.into_iter().filter_map(absolute).collect()
}

fn of_file(path: &Path, argv: &[String], all: &mut Collector<'_>, reader: &mut Reader) {
    if all.files.len() >= FILES || all.files.contains(path) {
        return;
    }
    let Some(text) = reader.text(path) else { return };
    all.files.insert(path.to_owned());
    let name = path.to_string_lossy();
    let program = argv.iter().map(|a| a.rsplit('/').next().unwrap_or(a));
    let server =
        program.clone().find(|p| ["gunicorn", "uwsgi", "puma"].iter().any(|s| p.starts_with(s)));
    let (kind, lines) = match config::dialect(server.unwrap_or_default(), &name) {
        Some(dialect) => (ClaimKind::Config, config::read(dialect, &text, all.wanted)),
        None => (ClaimKind::Mention, mention::read(&text, all.wanted)),
    };
    for (line, address) in lines {
        let origin = Origin::Config(Place { file: Text::new(&name), line });
        all.add(kind, address, origin);
    }
}

/// `npm start` and `npm run NAME` stand for a command in package.json.
fn package_script(argv: &[String], folder: &Path, reader: &mut Reader) -> Option<Vec<String>> {
    let at = argv
        .iter()
        .position(|arg| ["npm", "yarn", "pnpm"].contains(&arg.rsplit('/').next().unwrap_or(arg)))?;
    let mut rest = argv.iter().skip(at + 1).filter(|arg| !arg.starts_with('-'));
    let first = rest.next()?;
    let name = if first == "run" { rest.next()? } else { first };
    if !folder.is_absolute() {
        return None;
    }
    let text = reader.text(&folder.join("package.json"))?;
    let package: serde_json::Value = serde_json::from_str(&text).ok()?;
    let script = package.get("scripts")?.get(name)?.as_str()?;
    Some(script.split_whitespace().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::files::Root;

    fn declared(command: &str, folder: &str) -> Declaration {
        Declaration {
            unit: UnitName::new("app.service").unwrap(),
            commands: vec![command.split(' ').map(str::to_owned).collect()],
            environment: Vec::new(),
            environment_files: Vec::new(),
            working_directory: folder.to_owned(),
            listen: Vec::new(),
        }
    }

    fn shown(files: &[(&str, &str)], declaration: Declaration) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name.trim_start_matches('/'));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let wanted = Wanted { ports: [3000].into(), paths: ["/run/x.sock".to_owned()].into() };
        let mut reader = Reader::new(Root::new(dir.path()));
        let unit = declaration.unit.clone();
        let survey = survey(&[declaration], &wanted, &mut reader);
        let shown = |c: &Claim| format!("{:?} {} {}", c.kind, c.address, c.origin);
        survey.found[&unit].claims.iter().map(shown).collect()
    }

    #[test]
    fn a_script_named_relative_to_its_folder_is_a_mention() {
        let files = [("/srv/app/server.js", "const x = 1\napp.listen(3000)\n")];
        let found = shown(&files, declared("/usr/bin/node server.js", "/srv/app"));
        assert_eq!(found, ["Mention 0.0.0.0:3000 /srv/app/server.js:2"]);
    }

    #[test]
    fn npm_start_leads_to_the_script_behind_it() {
        let files = [
            ("/srv/package.json", r#"{"scripts": {"start": "node lib/a.js"}}"#),
            ("/srv/lib/a.js", "http.createServer().listen(3000)"),
        ];
        let found = shown(&files, declared("/usr/bin/npm start", "/srv"));
        assert_eq!(found, ["Mention 0.0.0.0:3000 /srv/lib/a.js:1"]);
    }

    #[test]
    fn a_configured_bind_replaces_the_default_of_the_server() {
        let files = [("/srv/gunicorn.conf.py", "bind = 'unix:/run/x.sock'\n")];
        let found = shown(&files, declared("/usr/bin/gunicorn app:app", "/srv"));
        assert_eq!(found, ["Config unix:/run/x.sock /srv/gunicorn.conf.py:1"]);
        let found = shown(&[], declared("/usr/bin/gunicorn app:app", "/srv"));
        assert_eq!(found, ["Command 127.0.0.1:8000 systemd, app.service"]);
    }

    #[test]
    fn an_environment_file_names_the_port_and_its_secrets_stay_inside() {
        let files = [("/etc/default/app", "# x\nSECRET=CANARY\nexport PORT=\"3000\"\n")];
        let mut unit = declared("/opt/app --port ${PORT}", "");
        unit.environment_files = vec!["/etc/default/app".to_owned()];
        let found = shown(&files, unit);
        assert_eq!(found, ["Command 0.0.0.0:3000 /etc/default/app:3"]);
    }

    #[test]
    fn the_upstreams_of_a_gateway_are_not_its_own_addresses() {
        let files = [("/etc/nginx/nginx.conf", "server 127.0.0.1:3000;\nlisten 3000;\n")];
        let unit = declared("/usr/sbin/nginx -c /etc/nginx/nginx.conf", "");
        assert_eq!(shown(&files, unit), [""; 0]);
    }

    #[test]
    fn a_socket_unit_binds_what_it_listens_on() {
        let mut unit = declared("x", "");
        unit.commands.clear();
        unit.listen = vec![
            ("Stream".to_owned(), "/run/x.sock".to_owned()),
            ("Stream".to_owned(), "[::]:3000".to_owned()),
            ("Datagram".to_owned(), "[::]:53".to_owned()),
        ];
        let found = shown(&[], unit);
        assert_eq!(
            found,
            [
                "Binding [::]:3000 systemd, app.service",
                "Binding unix:/run/x.sock systemd, app.service"
            ]
        );
    }
}
