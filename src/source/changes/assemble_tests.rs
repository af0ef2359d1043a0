use super::*;

fn wall(secs: i64) -> Wall {
    Wall::from_secs(1_795_183_200 + secs)
}

fn unit(name: &str) -> UnitName {
    UnitName::new(name).unwrap()
}

fn field() -> Field {
    Field {
        units: ["php8.2-fpm.service", "shop.service"].map(unit).into(),
        gateways: vec![(GatewayId(Text::new("nginx:/etc/nginx/nginx.conf")), GatewayKind::Nginx)],
        ..Field::default()
    }
}

fn package(at: i64, name: &str, by: &str) -> PackageEvent {
    let (from, to) = ("1".to_owned(), "2".to_owned());
    let (name, by) = (name.to_owned(), by.to_owned());
    PackageEvent { at: wall(at), deed: Deed::Upgraded, name, from, to, by }
}

fn entry(at: i64, told: Told) -> Entry {
    Entry { at: wall(at), told }
}

fn command(at: i64, command: &str) -> Entry {
    entry(at, Told::Command { user: "alice".to_owned(), command: command.to_owned() })
}

fn told(read: &Read) -> Vec<Change> {
    assemble(read, Vec::new(), &field(), &mut Blindness::default())
}

fn words(changes: &[Change]) -> Vec<String> {
    changes.iter().map(|c| format!("{} [{}] {}", c.what, c.by, c.touches.len())).collect()
}

#[test]
fn a_large_upgrade_is_one_line_and_what_touches_the_chain_stands_out_of_it() {
    let mut dpkg: Vec<PackageEvent> = (0..40).map(|n| package(n, &format!("lib{n}"), "")).collect();
    dpkg.push(package(41, "php8.2-fpm", ""));
    let apt: Vec<PackageEvent> =
        dpkg.iter().map(|e| package(0, &e.name, "alice: apt-get dist-upgrade")).collect();
    let read = Read {
        packages: vec![
            (Manager::Dpkg, "/var/log/dpkg.log".to_owned(), dpkg),
            (Manager::Apt, "/var/log/apt/history.log".to_owned(), apt),
        ],
        ..Read::default()
    };
    assert_eq!(
        words(&told(&read)),
        [
            "40 packages: lib0 upgraded 1 → 2, lib1 upgraded 1 → 2, lib2 upgraded 1 → 2, \
             lib3 upgraded 1 → 2, and 36 more [alice: apt-get dist-upgrade] 0",
            "php8.2-fpm upgraded 1 → 2 [alice: apt-get dist-upgrade] 1",
        ]
    );
}

#[test]
fn a_package_touches_the_unit_whose_file_it_owns_or_whose_name_it_bears() {
    for (package, unit, bears) in [
        ("php8.2-fpm", "php8.2-fpm", true),
        ("php8.2-mysql", "php8.2-fpm", true),
        ("php8.3-mysql", "php8.2-fpm", false),
        ("nginx-common", "nginx", true),
        ("shop-docs", "shop-api", false),
        ("python3-flask", "python3-worker", false),
        ("libc6", "libvirtd", false),
    ] {
        assert_eq!(is_of_family(package, unit), bears, "{package} {unit}");
    }
    let read = Read {
        packages: vec![(Manager::Dpkg, "x".to_owned(), vec![package(0, "acme-store", "")])],
        owners: BTreeMap::from([("acme-store".to_owned(), [unit("shop.service")].into())]),
        ..Read::default()
    };
    assert_eq!(told(&read)[0].touches, [Touched::Unit(unit("shop.service"))]);
}

#[test]
fn a_restart_is_one_event_with_the_name_of_who_did_it() {
    let shop = |what| Told::Unit { unit: unit("shop.service"), what };
    let read = Read {
        journal: vec![
            command(10, "/usr/bin/systemctl restart shop"),
            entry(11, shop("stopped")),
            entry(12, shop("started")),
            entry(100, shop("stopped")),
        ],
        ..Read::default()
    };
    assert_eq!(
        words(&told(&read)),
        [
            "/usr/bin/systemctl restart shop [alice] 1",
            "shop.service restarted [alice: /usr/bin/systemctl restart shop] 1",
            "shop.service stopped [] 1",
        ]
    );
}

#[test]
fn a_restart_loop_does_not_fill_the_list() {
    let journal = (0..200)
        .map(|n| entry(n * 20, Told::Unit { unit: unit("shop.service"), what: "started" }))
        .collect();
    assert_eq!(told(&Read { journal, ..Read::default() }).len(), SERVICES);
}

#[test]
fn a_job_of_cron_that_runs_each_minute_is_told_once() {
    let told_cron = |n: i64| {
        let (user, command) = ("root".to_owned(), "/srv/shop/tick".to_owned());
        entry(n * 60, Told::Cron { user, command })
    };
    let found = told(&Read { journal: (0..90).map(told_cron).collect(), ..Read::default() });
    assert_eq!(words(&found), ["cron ran /srv/shop/tick [root] 1"]);
    assert_eq!(found[0].at, wall(89 * 60));
}

#[test]
fn a_start_of_the_host_is_told_once_though_two_places_know_it() {
    let read = Read {
        journal: vec![entry(-9_000, Told::Booted), entry(30, Told::Booted)],
        booted: Some((wall(0), true)),
        ..Read::default()
    };
    let found = told(&read);
    assert_eq!(found.iter().map(|c| c.at).collect::<Vec<_>>(), [wall(-9_000), wall(0)]);
    assert!(found.iter().all(|c| c.touches == [Touched::Host]));
}

#[test]
fn of_too_many_changes_those_that_touch_something_stay() {
    let mut journal: Vec<Entry> =
        (0..CHANGES as i64).map(|n| command(n + 10, &format!("/opt/tool {n}"))).collect();
    journal.push(command(0, "/usr/bin/systemctl stop shop"));
    let mut blind = Blindness::default();
    let read = Read { journal, ..Read::default() };
    let found = assemble(&read, Vec::new(), &field(), &mut blind);
    assert_eq!((found.len(), found[0].at), (CHANGES, wall(0)));
    assert_ne!(blind, Blindness::default());
}

#[test]
fn files_that_an_installation_put_in_place_are_one_line_and_a_single_edit_is_not() {
    let file = |at: i64, path: &str| Change {
        at: wall(at),
        kind: ChangeKind::Config,
        what: Text::new(format!("{path} changed")),
        by: Text::default(),
        origin: Origin::Path(Text::new(path)),
        touches: vec![Touched::Unit(unit("shop.service")), Touched::Path(Text::new(path))],
    };
    let mut files: Vec<Change> = (0..9).map(|n| file(n % 3, &format!("/etc/shop/{n}"))).collect();
    files.push(file(500, "/etc/shop/8"));
    let found = assemble(&Read::default(), files, &field(), &mut Blindness::default());
    let told: Vec<String> = found.iter().map(|c| c.what.to_string()).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("9 files changed together: /etc/shop/"), "{told:?}");
    assert_eq!(told[1], "/etc/shop/8 changed");
    assert_eq!(found[0].touches.len(), 10, "a finding about one of the paths still finds it");
}
