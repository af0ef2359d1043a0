use super::*;
use crate::observation::UnitName;

const DAY: i64 = 86_400;

struct Host {
    dir: tempfile::TempDir,
}

impl Host {
    fn new(files: &[(&str, &str)]) -> Self {
        let host = Self { dir: tempfile::tempdir().unwrap() };
        for (path, text) in files {
            let path = host.path(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        host
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path.trim_start_matches('/'))
    }

    /// Dates a content; when it came to its place cannot be forged.
    fn dated(&self, path: &str, at: Wall) {
        let file = std::fs::File::options().write(true).open(self.path(path)).unwrap();
        let at = u64::try_from(at.0).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_micros(at)).unwrap();
    }

    fn files(&self) -> Files {
        let mut files = Files::new(Root::new(self.dir.path()));
        let now = clock::now().wall;
        files.begin(now, now.minus_secs(7 * DAY));
        files
    }
}

fn unit(working: &str, command: &[&str]) -> UnitFiles {
    UnitFiles {
        unit: UnitName::new("shop.service").unwrap(),
        files: vec!["/etc/systemd/system/shop.service".to_owned()],
        needs_reload: false,
        working: working.to_owned(),
        commands: vec![command.iter().map(|word| (*word).to_owned()).collect()],
        environment: Vec::new(),
    }
}

fn told(all: &[Change]) -> Vec<String> {
    all.iter().map(|c| format!("{} {}", c.kind.as_str(), c.what)).collect()
}

#[test]
fn a_units_file_its_script_and_its_project_tell_when_they_changed() {
    let host = Host::new(&[
        ("/etc/systemd/system/shop.service", "[Service]"),
        ("/srv/shop/server.js", "1"),
        ("/srv/shop/package.json", "{}"),
        ("/srv/shop/app.log", "noise"),
    ]);
    host.dated("/srv/shop/package.json", Wall::from_secs(1_000));
    let mut all = Vec::new();
    host.files().of_units(&[unit("/srv/shop", &["/usr/bin/node", "server.js"])], &mut all);
    assert_eq!(
        told(&all),
        [
            "unit-file /etc/systemd/system/shop.service changed",
            "deploy /srv/shop/server.js changed",
            "deploy /srv/shop changed: server.js",
        ]
    );
    assert!(
        all.iter()
            .all(|c| c.touches.contains(&Touched::Unit(UnitName::new("shop.service").unwrap())))
    );
}

#[test]
fn a_link_that_was_turned_to_another_release_is_told() {
    let host = Host::new(&[("/srv/shop/releases/2/server.js", "1")]);
    std::os::unix::fs::symlink("releases/2", host.path("/srv/shop/current")).unwrap();
    let mut all = Vec::new();
    host.files().of_units(&[unit("/srv/shop/current", &["node", "server.js"])], &mut all);
    let links = told(&all).iter().filter(|t| t.contains("was made to lead to releases/2")).count();
    assert!(links >= 1, "{all:?}");
}

#[test]
fn a_copy_that_kept_its_old_time_and_one_from_the_future_are_told_as_such() {
    let host = Host::new(&[("/etc/a.conf", ""), ("/etc/b.conf", "")]);
    host.dated("/etc/a.conf", Wall::from_secs(1_000_000_000));
    host.dated("/etc/b.conf", clock::now().wall.plus_secs(30 * DAY));
    let file = |path: &str| ConfigFile {
        gateway: GatewayId(Text::new("nginx:/etc/nginx.conf")),
        root: Text::default(),
        path: Text::new(path),
    };
    let mut all = Vec::new();
    let config = [file("/etc/a.conf"), file("/etc/b.conf"), file("/etc/gone.conf")];
    host.files().of_gateways(&config, &mut Blindness::default(), &mut all);
    let told = told(&all);
    assert!(told[0].contains("put in place, or its rights changed; its content is of 2001"));
    assert!(told[1].contains("which is to come"), "{told:?}");
    let now = clock::now().wall;
    assert!(all.len() == 2 && all.iter().all(|c| c.at <= now.plus_secs(1)));
}

#[test]
fn a_certificate_that_a_configuration_names_tells_its_end() {
    let pem = include_str!("certificate_sample.pem");
    let host = Host::new(&[
        ("/etc/nginx/nginx.conf", "ssl_certificate certs/shop.pem; root /srv/www;"),
        ("/etc/nginx/certs/shop.pem", pem),
        ("/srv/www/index.html", ""),
    ]);
    let mut files = host.files();
    let until = certificate::validity(pem.as_bytes()).unwrap().until;
    files.begin(until.plus_secs(DAY), until.minus_secs(DAY));
    let file = ConfigFile {
        gateway: GatewayId(Text::new("nginx:/etc/nginx/nginx.conf")),
        root: Text::default(),
        path: Text::new("/etc/nginx/nginx.conf"),
    };
    let mut all = Vec::new();
    files.of_gateways(std::slice::from_ref(&file), &mut Blindness::default(), &mut all);
    let ended = all.iter().find(|c| c.what.raw().contains("it has expired")).unwrap();
    assert_eq!(ended.at, until);
    assert!(ended.touches.contains(&Touched::Gateway(file.gateway.clone())));
}

#[test]
fn a_unit_file_that_systemd_has_not_read_is_told() {
    let host = Host::new(&[("/etc/systemd/system/shop.service", "")]);
    let mut all = Vec::new();
    let shop = UnitFiles { needs_reload: true, ..unit("", &["/usr/bin/shop"]) };
    host.files().of_units(&[shop], &mut all);
    assert!(told(&all).iter().any(|t| t.contains("daemon-reload was not run")), "{all:?}");
}

#[test]
fn folders_of_the_system_and_homes_are_no_projects() {
    for path in ["", "/", "/root", "/usr/lib/x", "/home/alice", "/tmp/x", "/var", "/run/app"] {
        assert!(!may_be_a_project(path), "{path}");
    }
    for path in ["/srv/shop", "/opt/app", "/home/alice/shop", "/usr/local/app", "/var/www/x"] {
        assert!(may_be_a_project(path), "{path}");
    }
}
