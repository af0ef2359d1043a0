//! The logs of package managers, the newest and as many rotated ones as reach back far enough,
//! each read from its end.

use std::{
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use flate2::read::MultiGzDecoder;
use jiff::tz::TimeZone;

use super::{
    dnf_history,
    package::{Manager, PackageEvent},
    stamp,
};
use crate::{
    host::files::{FileError, Root},
    observation::Wall,
    source::sweep::Blindness,
};

/// Bytes read of one log, its last ones.
const TAIL: usize = 1024 * 1024;
/// Packed bytes read of a rotated log.
const PACKED: u64 = 4 * 1024 * 1024;
/// Bytes that such a log may unfold to.
const UNFOLDED: usize = 64 * 1024 * 1024;
/// Rotated logs looked at.
const ROTATED: [&str; 5] = ["", ".1", ".1.gz", ".2", ".2.gz"];
const HIDES: &str = "which packages changed before the incident";

/// Events of all package managers since a time, each list with the log it came from.
pub(super) fn read(
    root: &Root,
    zone: &TimeZone,
    since: Wall,
    blind: &mut Blindness,
) -> Vec<(Manager, String, Vec<PackageEvent>)> {
    let history = dnf_history::read(root, since, blind);
    let mut any = history.is_some();
    let mut found = history.unwrap_or_default();
    // dnf's log says no more than its database.
    let told = any;
    for (manager, path) in Manager::LOGS {
        if told && manager == Manager::Dnf {
            continue;
        }
        for end in ROTATED {
            let path = format!("{path}{end}");
            let text = match tail_since(root, Path::new(&path), since) {
                Ok(text) => text,
                Err(FileError::Missing) => continue,
                Err(error) => {
                    any = true;
                    blind.add(&path, &error.to_string(), HIDES, "read access to this log");
                    continue;
                }
            };
            any = true;
            let Some(text) = text else { continue };
            let mut events = manager.read(&text, zone);
            events.retain(|event| event.at >= since);
            if !events.is_empty() {
                found.push((manager, path, events));
            }
        }
    }
    if !any {
        let why = "no log of dpkg, apt, dnf, zypper, pacman or apk was found";
        blind.add("package history", why, HIDES, "");
    }
    found
}

/// The end of a log as text, without the line that its beginning cuts; `None` when nothing was
/// written to it since.
fn tail_since(root: &Root, path: &Path, since: Wall) -> Result<Option<String>, FileError> {
    let mut file = root.open(path)?;
    if stamp::modified(&root.stat(path, true)?) < since {
        return Ok(None);
    }
    let (bytes, cut) = if path.extension().is_some_and(|end| end == "gz") {
        unfolded_tail(MultiGzDecoder::new(file.take(PACKED)))
    } else {
        let length = file.metadata()?.len();
        let from = length.saturating_sub(TAIL as u64);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(TAIL as u64).read_to_end(&mut bytes)?;
        (bytes, from > 0)
    };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let whole =
        if cut { text.split_once('\n').map_or("", |(_, rest)| rest).to_owned() } else { text };
    Ok(Some(whole))
}

/// The last bytes that a reader gives, and whether there were more. What breaks off early gives
/// what it has.
fn unfolded_tail(mut reader: impl Read) -> (Vec<u8>, bool) {
    let mut kept = Vec::new();
    let (mut total, mut cut) = (0, false);
    let mut chunk = vec![0; 64 * 1024];
    while total < UNFOLDED {
        let n = match reader.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        total += n;
        kept.extend_from_slice(chunk.get(..n).unwrap_or_default());
        if kept.len() > 2 * TAIL {
            kept.drain(..kept.len() - TAIL);
            cut = true;
        }
    }
    if kept.len() > TAIL {
        kept.drain(..kept.len() - TAIL);
        cut = true;
    }
    (kept, cut)
}

#[cfg(test)]
mod tests {
    use std::{fmt::Write as _, io::Write as _};

    use flate2::{Compression, write::GzEncoder};

    use super::{super::testing::host, *};

    fn names(root: &Root, since: Wall) -> (Vec<String>, Blindness) {
        let mut blind = Blindness::default();
        let found = read(root, &TimeZone::UTC, since, &mut blind);
        let events = found.into_iter().flat_map(|(_, _, events)| events);
        (events.map(|event| event.name).collect(), blind)
    }

    fn packed(text: &str) -> Vec<u8> {
        let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
        gz.write_all(text.as_bytes()).unwrap();
        gz.finish().unwrap()
    }

    #[test]
    fn rotated_and_packed_logs_are_read_and_what_is_older_is_left_out() {
        let line = |day: u8, name: &str| format!("2026-11-{day} 10:00:00 upgrade {name}:all 1 2\n");
        let mut early = packed(&line(18, "rotated"));
        let torn = early.split_off(early.len() - 4);
        assert_eq!(torn.len(), 4);
        let (_dir, root) = host(&[
            ("/var/log/dpkg.log", line(20, "newest").into_bytes()),
            ("/var/log/dpkg.log.1", (line(1, "old") + &line(19, "older")).into_bytes()),
            ("/var/log/dpkg.log.2.gz", early),
        ]);
        let since: jiff::Timestamp = "2026-11-14T00:00:00Z".parse().unwrap();
        let (found, blind) = names(&root, Wall(since.as_microsecond()));
        assert_eq!(found, ["newest", "older", "rotated"]);
        assert_eq!(blind, Blindness::default());
    }

    #[test]
    fn a_huge_log_is_read_from_its_end_only() {
        let mut text = String::new();
        for n in 0..40_000 {
            writeln!(text, "2026-11-20 10:00:00 upgrade p{n}:all 1 2").unwrap();
        }
        let (_dir, root) = host(&[("/var/log/dpkg.log", text.into_bytes())]);
        let (found, _) = names(&root, Wall::default());
        assert!(found.len() <= 5_000 && found.last().unwrap() == "p39999");
        let bomb = packed(&"0".repeat(UNFOLDED * 2));
        let (kept, cut) = unfolded_tail(MultiGzDecoder::new(bomb.as_slice()));
        assert!(kept.len() <= TAIL && cut);
    }

    #[test]
    fn a_host_without_any_package_log_says_so() {
        let (_dir, root) = host::<&[u8]>(&[]);
        let (found, blind) = names(&root, Wall::default());
        assert!(found.is_empty() && blind != Blindness::default());
    }
}
