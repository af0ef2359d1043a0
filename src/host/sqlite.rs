//! Databases of `SQLite`, read in memory from their bytes: no path that `SQLite` opens, no lock, no journal,
//! and nothing that a file of somebody else's may make it do.

use std::time::{Duration, Instant};

use rusqlite::{Connection, MAIN_DB, config::DbConfig, limits::Limit};

/// Longest value of a file that is read, in bytes.
const LONGEST: i32 = 1 << 20;
/// Steps of a query between two looks at the clock.
const STEPS: i32 = 10_000;

/// Opens a database for reading. A query that is still at work `limit` from now is broken off.
///
/// # Errors
/// What `SQLite` says of the bytes.
pub fn in_memory(mut bytes: Vec<u8>, limit: Duration) -> rusqlite::Result<Connection> {
    // What was written with the write-ahead log on says so; memory has none.
    for mode in bytes.get_mut(18..20).into_iter().flatten() {
        *mode = 1;
    }
    let mut db = Connection::open_in_memory()?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    db.set_limit(Limit::SQLITE_LIMIT_LENGTH, LONGEST)?;
    db.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, LONGEST)?;
    db.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    db.deserialize_read_exact(MAIN_DB, bytes.as_slice(), bytes.len(), true)?;
    drop(bytes);
    db.pragma_update(None, "cell_size_check", true)?;
    let until = Instant::now() + limit;
    db.progress_handler(STEPS, Some(move || Instant::now() > until))?;
    Ok(db)
}

/// Whether the bytes are a database that is as long as its head says.
pub fn is_whole(bytes: &[u8]) -> bool {
    let number = |from: usize, to: usize| {
        let digits = bytes.get(from..to).unwrap_or_default();
        digits.iter().fold(0_u64, |n, digit| n << 8 | u64::from(*digit))
    };
    let page = match number(16, 18) {
        1 => 65_536,
        page => page,
    };
    bytes.starts_with(b"SQLite format 3\0")
        && bytes.len() as u64 == page.saturating_mul(number(28, 32))
}
