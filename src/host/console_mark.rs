//! A mark that a console runs, in the folder for what does not outlive a start of the host. One that
//! is killed (SIGKILL, out of memory) cannot give its terminal back: the next start finds its mark
//! and can say how that is done.

use std::{fmt::Write as _, path::Path};

use super::{own_folder::OwnFolder, proc};
use crate::observation::Text;

const PREFIX: &str = "console-";
/// Marks that are looked at; there is one for each console that runs.
const MOST: usize = 64;
/// Longest mark in bytes: a number and the name of a terminal.
const LONGEST: u64 = 256;

/// The mark of this process. Dropping it takes it away.
#[derive(Debug)]
pub struct Mark {
    folder: OwnFolder,
    name: String,
}

/// Leaves a mark in a folder that only we can write to; `None` where there is none and none can be
/// made, which harms nobody.
pub fn leave(folder: &Path, terminal: &str) -> Option<Mark> {
    let pid = std::process::id();
    let mut content = String::new();
    let _ = write!(content, "{} {terminal}", proc::stat(pid).ok()?.start_ticks);
    let folder = OwnFolder::make(folder, 0o755).ok()?;
    let name = format!("{PREFIX}{pid}");
    // From an earlier process with our number.
    drop(folder.remove(&name));
    folder.jot(&name, content.as_bytes()).ok()?;
    Some(Mark { folder, name })
}

impl Drop for Mark {
    fn drop(&mut self) {
        drop(self.folder.remove(&self.name));
    }
}

/// Terminals of consoles that are gone and left their mark. It is told once.
pub fn unfinished(folder: &Path) -> Vec<Text> {
    let Ok(folder) = OwnFolder::open(folder) else { return Vec::new() };
    let names = folder.names().unwrap_or_default();
    let marks = names.into_iter().filter(|name| name.starts_with(PREFIX)).take(MOST);
    let left = marks.filter_map(|name| {
        let content = folder.read(&name, LONGEST).ok()?;
        let pid = name.strip_prefix(PREFIX)?.parse().ok()?;
        let content = String::from_utf8_lossy(&content);
        let (start, terminal) = content.split_once(' ').unwrap_or_default();
        let runs = proc::stat(pid).is_ok_and(|stat| Ok(stat.start_ticks) == start.parse());
        if runs {
            return None;
        }
        drop(folder.remove(&name));
        Some(Text::new(terminal))
    });
    left.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_of_a_process_that_is_gone_is_told_once_and_that_of_one_that_runs_is_not() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("run");
        let mark = leave(&folder, "/dev/pts/3").unwrap();
        assert_eq!(unfinished(&folder), []);
        // As after a kill: the number is another's by now.
        let file = folder.join(format!("{PREFIX}{}", std::process::id()));
        std::fs::write(&file, "1 /dev/pts/\x1b[2J").unwrap();
        std::fs::write(folder.join("console-x"), "no number").unwrap();
        std::fs::write(folder.join("act.lock"), "not ours").unwrap();
        assert_eq!(unfinished(&folder), [Text::new("/dev/pts/\x1b[2J")]);
        assert_eq!(unfinished(&folder), []);
        assert!(folder.join("act.lock").exists());
        drop(mark);
    }

    #[test]
    fn leaving_takes_the_mark_away_and_a_folder_of_others_gets_none() {
        use std::os::unix::fs::PermissionsExt;
        let place = tempfile::tempdir().unwrap();
        drop(leave(place.path(), "/dev/pts/3").unwrap());
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
        let open = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(place.path(), open).unwrap();
        assert!(leave(place.path(), "/dev/pts/3").is_none());
    }
}
