//! Screens and post-mortems that a person kept, two files each, in the program's own folder.

use crate::{host::own_folder::OwnFolder, observation::Wall};

use super::Tools;

/// Folders below the state folder.
const SCREENS: &str = "screens";
const REPORTS: &str = "reports";
/// Files in each at most: nothing is removed for a new one.
const MOST: usize = 1_000;
/// Of one second so many at most.
const SAME: u8 = 9;

/// Keeps a screen of this host, and gives the path of its text; the picture stands beside it.
///
/// # Errors
/// Why it is not kept, in words.
pub fn save(tools: &Tools, host: &str, at: Wall, text: &str, svg: &str) -> Result<String, String> {
    keep(tools, SCREENS, (host, at), [("txt", text), ("svg", svg)])
}

/// Keeps a post-mortem of this host as Markdown and as HTML, and gives the path of both.
///
/// # Errors
/// Why it is not kept, in words.
pub fn save_report(
    tools: &Tools,
    host: &str,
    at: Wall,
    markdown: &str,
    html: &str,
) -> Result<String, String> {
    keep(tools, REPORTS, (host, at), [("md", markdown), ("html", html)])
}

/// Keeps two files of one name that differ in their ending.
fn keep(
    tools: &Tools,
    folder: &str,
    (host, at): (&str, Wall),
    [(one, first), (two, second)]: [(&str, &str); 2],
) -> Result<String, String> {
    let state = OwnFolder::make(&tools.state, 0o700).map_err(|error| error.to_string())?;
    let folder = state.sub(folder).map_err(|error| error.to_string())?;
    let place = folder.path().display().to_string();
    let held = folder.names().map_err(|error| format!("{place}: {error}"))?.len();
    if held + 2 > MOST {
        return Err(format!("{place} holds {held} files: move some away"));
    }
    let stem = stem(host, at);
    for n in 1..=SAME {
        let stem = if n == 1 { stem.clone() } else { format!("{stem}-{n}") };
        match folder.jot(&format!("{stem}.{one}"), first.as_bytes()) {
            Ok(()) => {
                return match folder.jot(&format!("{stem}.{two}"), second.as_bytes()) {
                    Ok(()) => Ok(format!("{place}/{stem}.{one}, .{two}")),
                    Err(error) => Err(format!("{place}/{stem}.{two}: {error}")),
                };
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(format!("{place}/{stem}.{one}: {error}")),
        }
    }
    Err(format!("{place}: {SAME} of this second are kept already"))
}

/// `gatemedic-web1-20261120T140203Z`, of characters that no tool stumbles over.
fn stem(host: &str, at: Wall) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let host: String = host.chars().take(40).map(plain).collect();
    let at = jiff::Timestamp::from_microsecond(at.0).unwrap_or_default();
    format!("gatemedic-{host}-{}", at.strftime("%Y%m%dT%H%M%SZ"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    fn tools(state: &std::path::Path) -> Tools {
        let runtime = state.join("run");
        Tools { bus: String::new(), docker: None, state: state.to_owned(), runtime }
    }

    #[test]
    fn a_screen_is_kept_for_its_owner_only_and_never_over_another() {
        let dir = tempfile::tempdir().unwrap();
        let tools = tools(&dir.path().join("state"));
        let at = Wall(1_795_183_323_000_000);
        let path = save(&tools, "web1/../x", at, "text", "<svg/>").unwrap();
        assert!(path.contains("/screens/gatemedic-web1____x-2026"), "{path}");
        let file = path.trim_end_matches(", .svg");
        let meta = std::fs::metadata(file).unwrap();
        assert_eq!((meta.mode() & 0o777, meta.len()), (0o600, 4));
        assert!(
            file.ends_with("Z.txt") && std::path::Path::new(&file.replace(".txt", ".svg")).exists()
        );
        let second = save(&tools, "web1/../x", at, "other", "<svg/>").unwrap();
        assert!(second.contains("Z-2.txt"), "{second}");
        assert_eq!(std::fs::read_to_string(file).unwrap(), "text");
    }

    #[test]
    fn a_report_is_kept_beside_the_screens_in_both_forms() {
        let dir = tempfile::tempdir().unwrap();
        let tools = tools(&dir.path().join("state"));
        let path = save_report(&tools, "web1", Wall(0), "# a", "<html>").unwrap();
        assert!(path.ends_with("/reports/gatemedic-web1-19700101T000000Z.md, .html"), "{path}");
        let html = path.replace(".md, .html", ".html");
        assert_eq!(std::fs::read_to_string(html).unwrap(), "<html>");
    }

    #[test]
    fn a_folder_that_is_a_link_or_that_others_write_to_is_not_used() {
        let dir = tempfile::tempdir().unwrap();
        let tools = tools(&dir.path().join("state"));
        std::fs::create_dir_all(&tools.state).unwrap();
        std::os::unix::fs::symlink("/tmp", tools.state.join("screens")).unwrap();
        assert!(save(&tools, "web1", Wall(0), "", "").unwrap_err().contains("only we can write"));
    }
}
