//! What is told of databases as dnf makes them, and of others.

use proptest::prelude::*;
use rusqlite::MAIN_DB;

use super::{super::testing::host, *};

/// The tables that are read, as dnf 4 makes them (version 1.2 of its schema).
const FOUR: &str = "
    CREATE TABLE trans (id INTEGER PRIMARY KEY AUTOINCREMENT, dt_begin INTEGER NOT NULL, dt_end INTEGER,
        rpmdb_version_begin TEXT, rpmdb_version_end TEXT, releasever TEXT NOT NULL,
        user_id INTEGER NOT NULL, cmdline TEXT, state INTEGER NOT NULL, comment TEXT);
    CREATE TABLE item (id INTEGER PRIMARY KEY, item_type INTEGER NOT NULL);
    CREATE TABLE trans_item (id INTEGER PRIMARY KEY AUTOINCREMENT, trans_id INTEGER, item_id INTEGER,
        repo_id INTEGER, action INTEGER NOT NULL, reason INTEGER NOT NULL, state INTEGER NOT NULL);
    CREATE TABLE rpm (item_id INTEGER UNIQUE NOT NULL, name TEXT NOT NULL, epoch INTEGER NOT NULL,
        version TEXT NOT NULL, release TEXT NOT NULL, arch TEXT NOT NULL);
    INSERT INTO rpm VALUES (1,'nginx',1,'1.20.1','14.el9','x86_64'), (2,'nginx',1,'1.20.1','16.el9','x86_64'),
        (3,'php-fpm',0,'8.0.30','1.el9','x86_64'), (4,'old-app',0,'1','1','noarch'), (5,'failed',0,'2','1','noarch');
    INSERT INTO trans VALUES (1, 1000, 1010, '', '', '9', 4294967295, 'install old-app', 1, ''),
        (2, 1795000000, 1795000030, '', '', '9', 1000, 'upgrade -y', 1, '');
    INSERT INTO trans_item VALUES (1,1,4,1,1,1,1), (2,2,2,1,6,2,1), (3,2,1,1,7,2,1), (4,2,3,1,1,1,1),
        (5,2,4,1,8,2,1), (6,2,5,1,1,1,2), (7,2,3,1,11,2,1);
";

/// The same as dnf 5 makes them (version 1.1 of its schema).
const FIVE: &str = "
    CREATE TABLE \"trans\" (\"id\" INTEGER, \"dt_begin\" INTEGER NOT NULL, \"dt_end\" INTEGER,
        \"rpmdb_version_begin\" TEXT, \"rpmdb_version_end\" TEXT, \"releasever\" TEXT NOT NULL,
        \"user_id\" INTEGER NOT NULL, \"description\" TEXT, \"comment\" TEXT, \"state_id\" INTEGER,
        PRIMARY KEY(\"id\" AUTOINCREMENT));
    CREATE TABLE \"pkg_names\" (\"id\" INTEGER, \"name\" TEXT NOT NULL UNIQUE, PRIMARY KEY(\"id\"));
    CREATE TABLE \"trans_item\" (\"id\" INTEGER, \"trans_id\" INTEGER, \"item_id\" INTEGER, \"repo_id\" INTEGER,
        \"action_id\" INTEGER NOT NULL, \"reason_id\" INTEGER NOT NULL, \"state_id\" INTEGER NOT NULL,
        PRIMARY KEY(\"id\" AUTOINCREMENT));
    CREATE TABLE \"rpm\" (\"item_id\" INTEGER NOT NULL UNIQUE, \"name_id\" INTEGER NOT NULL,
        \"epoch\" INTEGER NOT NULL, \"version\" TEXT NOT NULL, \"release\" TEXT NOT NULL, \"arch_id\" INTEGER NOT NULL);
    INSERT INTO pkg_names VALUES (1,'nginx'), (2,'php-fpm'), (3,'old-app'), (4,'failed');
    INSERT INTO rpm VALUES (1,1,1,'1.20.1','14.el9',1), (2,1,1,'1.20.1','16.el9',1), (3,2,0,'8.0.30','1.el9',1),
        (4,3,0,'1','1',1), (5,4,0,'2','1',1);
    INSERT INTO trans VALUES (1, 1000, 1010, '', '', '41', 0, 'dnf5 install old-app', '', 2),
        (2, 1795000000, 1795000030, '', '', '41', 1000, 'dnf5 upgrade -y', '', 2);
    INSERT INTO trans_item VALUES (1,1,4,1,1,2,2), (2,2,2,1,2,2,2), (3,2,1,1,6,2,2), (4,2,3,1,1,1,2),
        (5,2,4,1,5,3,2), (6,2,5,1,1,2,3), (7,2,3,1,7,2,2);
";

fn bytes(schema: &str) -> Vec<u8> {
    let mut db = Connection::open_in_memory().unwrap();
    db.execute_batch(schema).unwrap();
    db.serialize(MAIN_DB).unwrap().to_vec()
}

/// Everything told since a day before the newest transaction.
fn told(path: &str, bytes: &[u8]) -> (Vec<String>, Blindness) {
    let (_dir, root) = host(&[(path, bytes)]);
    let mut blind = Blindness::default();
    let found = read(&root, Wall::from_secs(1_794_900_000), &mut blind).unwrap_or_default();
    let events = found.into_iter().flat_map(|(_, _, events)| events);
    (events.map(|e| format!("{} {} [{}]", e.at.0 / 1_000_000, e.words(), e.by)).collect(), blind)
}

fn expected(by: &str) -> Vec<String> {
    [
        "nginx upgraded 1:1.20.1-14.el9 → 1:1.20.1-16.el9",
        "php-fpm 8.0.30-1.el9 installed",
        "old-app 1-1 removed",
    ]
    .map(|words| format!("1795000000 {words} [{by}]"))
    .to_vec()
}

#[test]
fn both_databases_tell_what_was_done_and_who_asked() {
    let (four, blind) = told(PLACES[1].0, &bytes(FOUR));
    assert_eq!((four, blind), (expected("user 1000: dnf upgrade -y"), Blindness::default()));
    let (five, blind) = told(PLACES[0].0, &bytes(FIVE));
    assert_eq!((five, blind), (expected("user 1000: dnf5 upgrade -y"), Blindness::default()));
}

#[test]
fn the_older_shapes_of_the_tables_are_read_too() {
    let older = FOUR.replace("state INTEGER NOT NULL);", "done INTEGER NOT NULL);");
    let older = older.replace("(6,2,5,1,1,1,2)", "(6,2,5,1,1,1,0)");
    assert_eq!(told(PLACES[1].0, &bytes(&older)).0, expected("user 1000: dnf upgrade -y"));
    let older = FIVE.replace("\"description\"", "\"cmdline\"").replace("pkg_names", "pkg_name");
    assert_eq!(told(PLACES[0].0, &bytes(&older)).0, expected("user 1000: dnf5 upgrade -y"));
}

#[test]
fn what_is_no_database_of_dnf_is_a_blind_spot_and_the_log_has_to_do() {
    let whole = bytes(FOUR);
    let view = FOUR.replace("CREATE TABLE rpm (", "CREATE TABLE rpm_of (").replace(
        "INSERT INTO rpm VALUES",
        "CREATE VIEW rpm AS SELECT * FROM rpm_of; INSERT INTO rpm_of VALUES",
    );
    let strange = [
        b"hello".to_vec(),
        whole[..whole.len() - 512].to_vec(),
        bytes("CREATE TABLE other (a)"),
        // A view computes what it likes.
        bytes(&view),
    ];
    for bytes in strange {
        let (_dir, root) = host(&[(PLACES[1].0, &bytes)]);
        let mut blind = Blindness::default();
        assert_eq!(read(&root, Wall::default(), &mut blind), None);
        assert_ne!(blind, Blindness::default());
    }
    let (_dir, root) = host::<&[u8]>(&[]);
    let mut blind = Blindness::default();
    assert_eq!(read(&root, Wall::default(), &mut blind), None);
    assert_eq!(blind, Blindness::default(), "a host without dnf misses nothing");
}

#[test]
fn a_huge_history_is_cut_to_its_newest() {
    let mut text = FOUR.to_owned();
    text.push_str(
        "WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 9000)
         INSERT INTO rpm SELECT i, 'p' || i, 0, '1', '1', 'noarch' FROM n;
         INSERT INTO trans_item SELECT item_id, 2, item_id, 1, 1, 1, 1 FROM rpm WHERE item_id >= 10;",
    );
    let (all, _) = told(PLACES[1].0, &bytes(&text));
    assert_eq!(all.len(), ROWS);
    assert!(all.last().unwrap().contains(" p9000 "), "{:?}", all.last());
}

#[test]
fn a_query_without_end_is_broken_off() {
    let db = sqlite::in_memory(bytes(FOUR), Duration::ZERO).unwrap();
    let endless =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    assert!(db.query_row(endless, [], |row| row.get::<_, i64>(0)).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_flipped_byte_breaks_the_reader(at in 0_usize..40_000, to: u8, five: bool) {
        let (path, _) = PLACES[usize::from(!five)];
        let mut bytes = bytes(if five { FIVE } else { FOUR });
        let at = at % bytes.len();
        bytes[at] = to;
        let (all, _) = told(path, &bytes);
        prop_assert!(all.len() <= ROWS);
    }
}
