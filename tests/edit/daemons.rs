//! Candidates, tested by the real daemons.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use gatemedic::{
    action::{
        edit::{Trial, rehearse_all, try_candidates},
        guards::{Ground, look},
    },
    diagnosis::diagnose,
    evidence::{CaseFile, Signatures},
    observation::{Gateway, GatewayId, GatewayKind, Text, UnitName},
    remedy::{Action, Blast, Change, ConfigTest, FileEdit, Guard, Plan, Regard},
    verification::Expectation,
};

use super::bench::{is_root, skip};

const NGINX: &str = "/usr/sbin/nginx";
const LONG: Duration = Duration::from_secs(15);

/// A running nginx with a configuration of its own.
struct Nginx {
    folder: tempfile::TempDir,
    master: Child,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let pid = i32::try_from(self.master.id()).ok().and_then(rustix::process::Pid::from_raw);
        let _ = rustix::process::kill_process(pid.unwrap(), rustix::process::Signal::QUIT);
        let _ = self.master.wait();
    }
}

impl Nginx {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
        for name in ["conf.d", "logs", "body"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let at = folder.path().display();
        let main = format!(
            "pid {at}/n.pid; error_log {at}/logs/e.log; daemon off; worker_processes 1;\n\
             events {{}}\nhttp {{ client_body_temp_path {at}/body; access_log {at}/logs/a.log;\n\
             include {at}/conf.d/*; }}\n"
        );
        fs::write(folder.path().join("nginx.conf"), main).unwrap();
        let site = format!(
            "server {{ listen unix:{at}/http.sock;\nlocation / {{\n\
             proxy_pass http://127.0.0.1:8080;\n}} }}\n"
        );
        fs::write(folder.path().join("conf.d/shop"), site).unwrap();
        let master = Command::new(NGINX)
            .args(["-c"])
            .arg(folder.path().join("nginx.conf"))
            .args(["-g", "master_process on;"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let socket = folder.path().join("http.sock");
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            std::thread::yield_now();
        }
        Self { folder, master }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn id() -> GatewayId {
        GatewayId(Text::new("nginx:test"))
    }

    fn case(&self) -> CaseFile {
        let mut case = CaseFile::new();
        case.gateways.insert(Self::id(), gateway(&self.path("nginx.conf"), Some(self.master.id())));
        case
    }

    /// Everything that a test could disturb: content, owner, times.
    fn live(&self) -> BTreeMap<PathBuf, String> {
        let mut all = BTreeMap::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                let m = fs::symlink_metadata(&path).unwrap();
                if m.is_dir() {
                    folders.push(path.clone());
                }
                let mut content = Vec::new();
                if m.is_file() {
                    fs::File::open(&path).unwrap().read_to_end(&mut content).unwrap();
                }
                let stamp = (m.ino(), m.mode(), m.uid(), m.gid(), m.mtime(), m.mtime_nsec());
                let changed = (m.ctime(), m.ctime_nsec());
                all.insert(path, format!("{stamp:?} {changed:?} {content:?}"));
            }
        }
        all
    }
}

fn gateway(config: &Path, master: Option<u32>) -> Gateway {
    Gateway {
        id: Nginx::id(),
        kind: GatewayKind::Nginx,
        version: None,
        config: Text::new(config.to_str().unwrap()),
        running: master.is_some(),
        master,
        workers: Vec::new(),
        worker_uid: None,
        worker_gids: Vec::new(),
        netns: None,
        root: Text::default(),
        unit: None,
        container: None,
        started: None,
        loaded: None,
    }
}

fn change(file: &Path, line: u32, find: &str, put: &str) -> FileEdit {
    FileEdit {
        file: Text::new(file.to_str().unwrap()),
        root: Text::default(),
        change: Change::Replace { line, find: find.to_owned(), put: put.to_owned() },
        test: Some(ConfigTest::Nginx { gateway: Nginx::id() }),
    }
}

async fn attempt(edit: &FileEdit, case: &CaseFile, deadline: Duration) -> Trial {
    let files = rehearse_all(&[edit]).unwrap();
    let files: Vec<_> = files.iter().collect();
    try_candidates(edit.test.as_ref().unwrap(), &files, case, deadline).await
}

#[tokio::test]
async fn nginx_tests_a_candidate_and_the_live_tree_is_untouched() {
    if !is_root() || !Path::new(NGINX).exists() {
        skip!("nginx is not here, or we are not root");
    }
    let nginx = Nginx::start();
    let (case, site) = (nginx.case(), nginx.path("conf.d/shop"));
    let before = nginx.live();
    let good = change(&site, 3, "8080", "8000");
    match attempt(&good, &case, LONG).await {
        Trial::Accepted { .. } => {}
        Trial::Untested { why } => skip!("{why}"),
        other => panic!("{other:?}"),
    }
    let bad = change(&site, 3, "proxy_pass", "proxi_pass");
    let Trial::Rejected { words, place } = attempt(&bad, &case, LONG).await else { panic!() };
    assert!(words.contains("unknown directive \"proxi_pass\""), "{words}");
    assert_eq!(place.unwrap().to_string(), format!("{}:3", site.display()));
    // Logs, folders and sockets that only the candidate names are made and given away by the test.
    let at = nginx.folder.path().display();
    let put = format!("access_log {at}/logs/new.log; listen unix:{at}/new.sock; listen");
    let more = change(&site, 1, "listen", &put);
    assert!(matches!(attempt(&more, &case, LONG).await, Trial::Accepted { .. }));
    let lost = change(&site, 3, "127.0.0.1:8080", "no-such-name.invalid");
    let Trial::Rejected { words, .. } = attempt(&lost, &case, LONG).await else { panic!() };
    assert!(words.starts_with("a name in the configuration does not resolve"), "{words}");
    assert_eq!(before, nginx.live());
    // What stands on disk is tested without any candidate.
    fs::write(&site, "garbage;").unwrap();
    let test = ConfigTest::Nginx { gateway: Nginx::id() };
    assert!(matches!(try_candidates(&test, &[], &case, LONG).await, Trial::Rejected { .. }));
}

#[tokio::test]
async fn a_gateway_that_does_not_run_or_is_gone_is_tested_or_said_not_to_be() {
    if !is_root() || !Path::new(NGINX).exists() {
        skip!("nginx is not here, or we are not root");
    }
    let nginx = Nginx::start();
    let mut case = nginx.case();
    let site = nginx.path("conf.d/shop");
    case.gateways.insert(Nginx::id(), gateway(&nginx.path("nginx.conf"), None));
    match attempt(&change(&site, 3, "8080", "8000"), &case, LONG).await {
        Trial::Accepted { .. } => {}
        Trial::Untested { why } => skip!("{why}"),
        other => panic!("{other:?}"),
    }
    case.gateways.insert(Nginx::id(), gateway(&nginx.path("nginx.conf"), Some(u32::MAX - 1)));
    let gone = attempt(&change(&site, 3, "8080", "8000"), &case, LONG).await;
    assert!(matches!(gone, Trial::Untested { .. }), "{gone:?}");
}

/// php-fpm is told by its unit: the command line is systemd's.
#[tokio::test]
async fn php_fpm_tests_a_candidate_by_the_command_line_of_its_unit() {
    let Some((folder, case, unit)) = broken_pool() else {
        skip!("php-fpm is not here, or we are not root");
    };
    let (pool, test) = (folder.path().join("www.pool"), ConfigTest::PhpFpm { unit });
    let Trial::Rejected { words, place } = try_candidates(&test, &[], &case, LONG).await else {
        skip!("it is not tested here");
    };
    assert!(words.contains("unknown entry 'garbage'"), "{words}");
    assert_eq!(place.unwrap().to_string(), format!("{}:6", pool.display()));
    let change = Change::Comment { line: 6, holds: "garbage".into(), mark: ';' };
    let file = Text::new(pool.to_str().unwrap());
    let edit = FileEdit { file, root: Text::default(), change, test: Some(test) };
    let accepted = attempt(&edit, &case, LONG).await;
    assert!(matches!(accepted, Trial::Accepted { .. }), "{accepted:?}");
    assert!(!folder.path().join("fpm.log").exists(), "the test wrote");
}

/// By hand, in the lab or beside a container: `GATEMEDIC_TEST_CONTAINER` chooses the gateway of one
/// container, by the beginning of its id.
#[tokio::test]
#[ignore = "tests the gateways that run on this machine"]
async fn the_gateways_of_this_machine_are_tested_and_what_they_wrote_is_untouched() {
    let wanted = std::env::var("GATEMEDIC_TEST_CONTAINER").ok();
    let mut finder = gatemedic::host::gateways::Finder::new(Vec::new());
    let round = finder.round(gatemedic::host::clock::now());
    let chosen = round.found.into_iter().map(|found| found.gateway).filter(|gateway| {
        let id = gateway.container.as_ref().map(|id| id.as_str().to_owned());
        match &wanted {
            Some(wanted) => id.is_some_and(|id| id.starts_with(wanted.as_str())),
            None => id.is_none(),
        }
    });
    for gateway in chosen {
        let mut case = CaseFile::new();
        let test = ConfigTest::Nginx { gateway: gateway.id.clone() };
        let root = gateway.root.raw().to_owned();
        case.gateways.insert(gateway.id.clone(), gateway.clone());
        let stamps = || {
            let names =
                ["/run/nginx.pid", "/var/log/nginx", "/var/log/nginx/error.log", "/var/lib/nginx"];
            names.map(|name| {
                let m = fs::metadata(format!("{root}{name}")).ok()?;
                Some((m.ino(), m.uid(), m.size(), m.mtime(), m.mtime_nsec(), m.ctime_nsec()))
            })
        };
        let before = stamps();
        let trial = try_candidates(&test, &[], &case, LONG).await;
        assert_eq!(before, stamps());
        eprintln!("{}: {trial:?}", gateway.id);
        assert!(matches!(trial, Trial::Accepted { .. }), "{trial:?}");
        let main = FileEdit {
            file: gateway.config.clone(),
            root: gateway.root.clone(),
            change: Change::Comment { line: 1, holds: "user".into(), mark: ';' },
            test: Some(test),
        };
        let Ok(files) = rehearse_all(&[&main]) else { continue };
        let files: Vec<_> = files.iter().collect();
        let trial = try_candidates(main.test.as_ref().unwrap(), &files, &case, LONG).await;
        eprintln!("{}: {trial:?}", gateway.id);
        assert!(matches!(trial, Trial::Rejected { .. }), "{trial:?}");
        assert_eq!(before, stamps());
    }
}

/// A php-fpm unit that is stopped, with a pool that holds garbage on line 6.
fn broken_pool() -> Option<(tempfile::TempDir, CaseFile, UnitName)> {
    let mut programs = fs::read_dir("/usr/sbin").unwrap().filter_map(|entry| {
        let path = entry.ok()?.path();
        path.file_name()?.to_str()?.starts_with("php-fpm").then_some(path)
    });
    let program = programs.next().filter(|_| is_root())?;
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().display();
    let main = folder.path().join("fpm.conf");
    fs::write(&main, format!("[global]\nerror_log = {at}/fpm.log\ninclude={at}/*.pool\n")).unwrap();
    let pool = format!(
        "[www]\nuser = www-data\nlisten = {at}/www.sock\npm = static\npm.max_children = 1\n\
         garbage = 1\n"
    );
    fs::write(folder.path().join("www.pool"), pool).unwrap();
    let command = format!("{} --nodaemonize --fpm-config {}", program.display(), main.display());
    let fpm = super::bench::unit("php8.2-fpm.service", &command);
    let name = fpm.name.clone();
    let mut case = CaseFile::new();
    case.units.insert(name.clone(), fpm);
    Some((folder, case, name))
}

async fn look_at(case: &CaseFile, steps: Vec<Action>) -> Vec<(Regard, String)> {
    let diagnosis = diagnose(case, Signatures::embedded());
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan {
        remedy: "edit-config".to_owned(),
        cause: "app-config-invalid".to_owned(),
        whom: "php8.2-fpm.service".to_owned(),
        why: String::new(),
        steps,
        expect: Expectation::default(),
        blast: Blast::default(),
    };
    let tools = super::bench::tools(folder.path());
    let ground = Ground { plan: &plan, case, diagnosis: &diagnosis, tools: &tools };
    let mut all = Vec::new();
    for step in &plan.steps {
        for guard in [Guard::Writable, Guard::ConfigTest] {
            if step.guards().contains(&guard) {
                let checks = look(guard, step, ground).await;
                all.extend(checks.into_iter().map(|check| (check.regard, check.words)));
            }
        }
    }
    all
}

#[tokio::test]
async fn a_restart_with_a_broken_pool_is_refused_and_with_its_repair_it_is_not() {
    let Some((folder, case, unit)) = broken_pool() else {
        skip!("php-fpm is not here, or we are not root");
    };
    let restart = Action::RestartUnit { unit: unit.clone() };
    let refused = look_at(&case, vec![restart.clone()]).await;
    let [(regard, words)] = refused.as_slice() else { panic!("{refused:?}") };
    if *regard == Regard::Note {
        skip!("{words}");
    }
    assert_eq!(*regard, Regard::Refused);
    assert!(words.contains("www.pool:6") && words.contains("unknown entry 'garbage'"), "{words}");
    assert!(words.ends_with("a restart would not come back"), "{words}");
    let reload = look_at(&case, vec![Action::ReloadUnit { unit: unit.clone() }]).await;
    assert!(reload[0].1.ends_with("a reload would end it"), "{reload:?}");
    let repair = FileEdit {
        file: Text::new(folder.path().join("www.pool").to_str().unwrap()),
        root: Text::default(),
        change: Change::Comment { line: 6, holds: "garbage".into(), mark: ';' },
        test: Some(ConfigTest::PhpFpm { unit }),
    };
    let repaired = look_at(&case, vec![Action::EditFile(repair), restart]).await;
    assert!(repaired.iter().all(|(regard, _)| *regard == Regard::Clear), "{repaired:?}");
    assert_eq!(repaired.len(), 2, "one test speaks for both steps: {repaired:?}");
}

/// By hand, in the lab.
#[tokio::test]
#[ignore = "tests the php-fpm that runs on this machine"]
async fn the_php_fpm_of_this_machine_is_tested_in_its_own_world() {
    let master = gatemedic::host::proc::pids().unwrap().into_iter().find(|pid| {
        let command = gatemedic::host::proc::command(*pid).unwrap_or_default();
        command.raw().starts_with("php-fpm: master process (")
    });
    let Some(master) = master else { skip!("no php-fpm runs here") };
    let command = gatemedic::host::proc::command(master).unwrap();
    let config = command.raw().split(['(', ')']).nth(1).unwrap().to_owned();
    let program = gatemedic::host::proc::exe(master).unwrap();
    let start = format!("{} --nodaemonize --fpm-config {config}", program.raw());
    let mut fpm = super::bench::unit("php8.2-fpm.service", &start);
    fpm.main_pid = Some(master);
    let test = ConfigTest::PhpFpm { unit: fpm.name.clone() };
    let mut case = CaseFile::new();
    case.units.insert(fpm.name.clone(), fpm);
    let trial = try_candidates(&test, &[], &case, LONG).await;
    eprintln!("{trial:?}");
    assert!(matches!(trial, Trial::Accepted { .. }), "{trial:?}");
}
