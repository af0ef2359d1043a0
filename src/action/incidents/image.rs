//! The history as the bytes of an `SQLite` database, and back.

use std::time::Duration;

use rusqlite::{Connection, MAIN_DB, Row, Statement, named_params, types::ValueRef};

use crate::{
    diagnosis::Confidence,
    host::sqlite,
    observation::{Text, Wall},
    remedy::Ending,
    session::history::{Book, Incident, MOST, MOST_REPAIRS, Repair, State, Ties, Trouble},
    verification::Verdict,
};

/// Version of the schema, in `PRAGMA user_version`.
pub const VERSION: u32 = 1;
/// `PRAGMA application_id`: "gmih".
const APPLICATION: u32 = 0x676d_6968;
/// Longest time that reading a file may take.
const LIMIT: Duration = Duration::from_secs(20);
/// Bytes kept of one text.
const TEXT: usize = 512;

const SCHEMA: &str = "
CREATE TABLE incidents (
    id INTEGER PRIMARY KEY,
    cause TEXT NOT NULL,
    subject TEXT NOT NULL,
    summary TEXT NOT NULL,
    confidence TEXT NOT NULL,
    gateway TEXT NOT NULL,
    upstreams TEXT NOT NULL,
    touches TEXT NOT NULL,
    first_us INTEGER NOT NULL,
    last_us INTEGER NOT NULL,
    ended_us INTEGER,
    state TEXT NOT NULL,
    failures INTEGER NOT NULL,
    returns INTEGER NOT NULL,
    changed TEXT,
    recording TEXT,
    updated_us INTEGER NOT NULL
) STRICT;
CREATE TABLE repairs (
    incident INTEGER NOT NULL REFERENCES incidents (id),
    number INTEGER NOT NULL,
    action TEXT NOT NULL,
    actor TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    secs INTEGER,
    verdict TEXT,
    ending TEXT NOT NULL,
    record INTEGER,
    PRIMARY KEY (incident, number)
) STRICT, WITHOUT ROWID;
";

/// Why bytes are no history.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// They are something else, or broken.
    #[error("{0}")]
    Broken(String),
    /// A newer gatemedic wrote them.
    #[error("it has version {0}, and this gatemedic knows up to {VERSION}")]
    Newer(u32),
}

impl From<rusqlite::Error> for Damage {
    fn from(error: rusqlite::Error) -> Self {
        // What SQLite says may hold words of the file.
        Self::Broken(Text::new(error.to_string()).to_string())
    }
}

fn broken(why: &str) -> Damage {
    Damage::Broken(why.to_owned())
}

/// Reads a database.
///
/// # Errors
/// [`Damage`]; whatever the bytes are, nothing else happens.
pub(super) fn read(bytes: Vec<u8>) -> Result<Book, Damage> {
    if !bytes.starts_with(b"SQLite format 3\0") {
        return Err(broken("it is no SQLite database"));
    }
    let version = bytes.get(60..64).and_then(|b| b.try_into().ok()).map(u32::from_be_bytes);
    match version {
        Some(VERSION) => {}
        Some(newer) if newer > VERSION => return Err(Damage::Newer(newer)),
        _ => return Err(broken("it is not a history of gatemedic")),
    }
    if !sqlite::is_whole(&bytes) {
        return Err(broken("its end is missing"));
    }
    let db = sqlite::in_memory(bytes, LIMIT)?;
    let said: String = db.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if said != "ok" {
        return Err(Damage::Broken(Text::new(said).to_string()));
    }
    // A view or a virtual table computes what it likes; only a table has pages.
    let tables: i64 = db.query_row(
        "SELECT count(*) FROM sqlite_schema
         WHERE type = 'table' AND rootpage > 0 AND name IN ('incidents', 'repairs')",
        [],
        |row| row.get(0),
    )?;
    if tables != 2 {
        return Err(broken("its tables are missing"));
    }
    rows(&db)
}

fn rows(db: &Connection) -> Result<Book, Damage> {
    let most = i64::try_from(MOST).unwrap_or(i64::MAX);
    let mut incidents = Vec::new();
    let mut query = db.prepare("SELECT * FROM incidents ORDER BY id DESC LIMIT ?1")?;
    let mut found = query.query([most])?;
    while let Some(row) = found.next()? {
        incidents.push(incident(row)?);
    }
    incidents.reverse();
    let mut query = db.prepare("SELECT * FROM repairs ORDER BY incident, number LIMIT ?1")?;
    let all = most.saturating_mul(i64::try_from(MOST_REPAIRS).unwrap_or(1));
    let mut found = query.query([all])?;
    while let Some(row) = found.next()? {
        let id = number(row, "incident")?;
        let own = incidents.binary_search_by_key(&id, |incident: &Incident| incident.id);
        let own = own.ok().and_then(|at| incidents.get_mut(at));
        if let Some(own) = own.filter(|own| own.repairs.len() < MOST_REPAIRS) {
            own.repairs.push(repair(row)?);
        }
    }
    Ok(Book::new(incidents))
}

fn incident(row: &Row<'_>) -> Result<Incident, Damage> {
    let word = |name| text(row, name).map(Option::unwrap_or_default);
    let list = |name| -> Result<Vec<Text>, Damage> {
        serde_json::from_str(word(name)?.raw()).map_err(|_| broken("a list in it is none"))
    };
    let (state, confidence) = (word("state")?, word("confidence")?);
    let all = [Confidence::Possible, Confidence::Likely, Confidence::Confirmed];
    let confidence = all.into_iter().find(|known| known.as_str() == confidence.raw());
    let mut upstreams = list("upstreams")?;
    upstreams.truncate(8);
    Ok(Incident {
        id: number(row, "id")?,
        trouble: Trouble {
            cause: word("cause")?,
            subject: word("subject")?,
            summary: word("summary")?,
            confidence: confidence.ok_or_else(|| broken("a confidence in it is none"))?,
            ties: Ties::kept(list("touches")?),
            gateway: word("gateway")?,
            upstreams,
        },
        first: time(row, "first_us")?.unwrap_or_default(),
        last: time(row, "last_us")?.unwrap_or_default(),
        ended: time(row, "ended_us")?,
        state: State::named(state.raw()).ok_or_else(|| broken("a state in it is none"))?,
        failures: number(row, "failures")?,
        returns: u32::try_from(number(row, "returns")?).unwrap_or(u32::MAX),
        repairs: Vec::new(),
        changed: text(row, "changed")?,
        recording: text(row, "recording")?,
        updated: time(row, "updated_us")?.unwrap_or_default(),
    })
}

fn repair(row: &Row<'_>) -> Result<Repair, Damage> {
    let word = |name| text(row, name).map(Option::unwrap_or_default);
    let verdict = text(row, "verdict")?.map(|name| {
        let known = VERDICTS.into_iter().find(|(known, _)| *known == name.raw());
        known.map(|(_, verdict)| verdict).ok_or_else(|| broken("a verdict in it is none"))
    });
    let ending = serde_json::Value::String(word("ending")?.raw().to_owned());
    let ending: Ending =
        serde_json::from_value(ending).map_err(|_| broken("an ending in it is none"))?;
    let count = |name| integer(row, name).map(|n| n.and_then(|n| u64::try_from(n).ok()));
    Ok(Repair {
        action: word("action")?,
        by: word("actor")?,
        at: time(row, "at_us")?.unwrap_or_default(),
        secs: count("secs")?,
        verdict: verdict.transpose()?,
        ending,
        record: count("record")?,
    })
}

/// Verdicts by the names that they have here.
const VERDICTS: [(&str, Verdict); 5] = [
    ("fixed", Verdict::Fixed),
    ("improved", Verdict::Improved),
    ("not-fixed", Verdict::NotFixed),
    ("worse", Verdict::Worse),
    ("cannot-tell", Verdict::CannotTell),
];

/// A text, through the same door as every text from outside, and no longer than it may be.
fn text(row: &Row<'_>, name: &str) -> Result<Option<Text>, Damage> {
    match row.get_ref(name)? {
        ValueRef::Null => Ok(None),
        ValueRef::Text(bytes) => {
            // Lists are cut entry by entry.
            let limit = if matches!(name, "upstreams" | "touches") { 64 * 1_024 } else { TEXT };
            Ok(Some(Text::from_bytes(bytes.get(..limit).unwrap_or(bytes))))
        }
        _ => Err(broken("a text in it is none")),
    }
}

fn integer(row: &Row<'_>, name: &str) -> Result<Option<i64>, Damage> {
    match row.get_ref(name)? {
        ValueRef::Null => Ok(None),
        ValueRef::Integer(n) => Ok(Some(n)),
        _ => Err(broken("a number in it is none")),
    }
}

fn number(row: &Row<'_>, name: &str) -> Result<u64, Damage> {
    let number = integer(row, name)?.and_then(|n| u64::try_from(n).ok());
    number.ok_or_else(|| broken("a number in it is none"))
}

/// A time that calendars know.
fn time(row: &Row<'_>, name: &str) -> Result<Option<Wall>, Damage> {
    let Some(us) = integer(row, name)? else { return Ok(None) };
    match jiff::Timestamp::from_microsecond(us) {
        Ok(_) => Ok(Some(Wall(us))),
        Err(_) => Err(broken("a time in it is none")),
    }
}

/// Writes a database.
///
/// # Errors
/// When there is no memory for it.
pub(super) fn write(book: &Book) -> rusqlite::Result<Vec<u8>> {
    let mut db = Connection::open_in_memory()?;
    db.pragma_update(None, "application_id", APPLICATION)?;
    let work = db.transaction()?;
    work.execute_batch(SCHEMA)?;
    work.pragma_update(None, "user_version", VERSION)?;
    let (mut incidents, mut repairs) = (work.prepare(INCIDENT)?, work.prepare(REPAIR)?);
    for incident in book.incidents() {
        insert(&mut incidents, &mut repairs, incident)?;
    }
    drop((incidents, repairs));
    work.commit()?;
    Ok(db.serialize(MAIN_DB)?.to_vec())
}

const INCIDENT: &str = "INSERT INTO incidents VALUES (:id, :cause, :subject, :summary, :confidence,
    :gateway, :upstreams, :touches, :first, :last, :ended, :state, :failures, :returns, :changed,
    :recording, :updated)";
const REPAIR: &str = "INSERT INTO repairs VALUES (:incident, :number, :action, :actor, :at, :secs,
    :verdict, :ending, :record)";

fn insert(
    incidents: &mut Statement<'_>,
    repairs: &mut Statement<'_>,
    incident: &Incident,
) -> rusqlite::Result<()> {
    let trouble = &incident.trouble;
    let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let list = |all: Vec<&str>| serde_json::to_string(&all).unwrap_or_default();
    incidents.execute(named_params! {
        ":id": whole(incident.id),
        ":cause": cut(&trouble.cause),
        ":subject": cut(&trouble.subject),
        ":summary": cut(&trouble.summary),
        ":confidence": trouble.confidence.as_str(),
        ":gateway": cut(&trouble.gateway),
        ":upstreams": list(trouble.upstreams.iter().map(cut).collect()),
        ":touches": list(trouble.ties.iter().map(cut).collect()),
        ":first": incident.first.0,
        ":last": incident.last.0,
        ":ended": incident.ended.map(|at| at.0),
        ":state": incident.state.as_str(),
        ":failures": whole(incident.failures),
        ":returns": incident.returns,
        ":changed": incident.changed.as_ref().map(cut),
        ":recording": incident.recording.as_ref().map(cut),
        ":updated": incident.updated.0,
    })?;
    for (at, repair) in (1_i64..).zip(&incident.repairs) {
        let verdict = VERDICTS.iter().find(|(_, verdict)| Some(*verdict) == repair.verdict);
        let ending = serde_json::to_value(repair.ending).unwrap_or_default();
        repairs.execute(named_params! {
            ":incident": whole(incident.id),
            ":number": at,
            ":action": cut(&repair.action),
            ":actor": cut(&repair.by),
            ":at": repair.at.0,
            ":secs": repair.secs.map(whole),
            ":verdict": verdict.map(|(name, _)| *name),
            ":ending": ending.as_str().unwrap_or_default(),
            ":record": repair.record.map(whole),
        })?;
    }
    Ok(())
}

/// A text within its bound.
fn cut(text: &Text) -> &str {
    let raw = text.raw();
    let end = (0..=TEXT.min(raw.len())).rev().find(|at| raw.is_char_boundary(*at)).unwrap_or(0);
    raw.get(..end).unwrap_or_default()
}
