//! How the files of a recording are called: a session, and which part of it.

/// How a file of a recording ends.
pub const SUFFIX: &str = ".gmr";
/// Longest name that is looked at, in bytes.
const LONGEST: usize = 128;

/// The session and the number of a part, by its file's name.
pub fn part_of(name: &str) -> Option<(&str, u32)> {
    let stem = name.strip_suffix(SUFFIX).filter(|_| name.len() <= LONGEST)?;
    let (session, number) = stem.rsplit_once('-')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let is_one = !session.is_empty() && session.chars().all(plain);
    Some((session, number.parse().ok()?)).filter(|_| is_one)
}

/// The name by which a person asks for a recording, of the path of any of its parts; other paths and
/// names stay as they are.
pub fn session_of(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    part_of(name).map_or(path, |(session, _)| session)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_known_by_its_name_and_a_session_by_any_of_its_parts() {
        assert_eq!(part_of("20261121T033016Z-9-012.gmr"), Some(("20261121T033016Z-9", 12)));
        for none in ["", ".gmr", "-1.gmr", "a-b.gmr", "a/b-1.gmr", "a-1.txt", "a-99999999999.gmr"] {
            assert_eq!(part_of(none), None, "{none}");
        }
        let path = "/var/lib/gatemedic/recordings/20261121T033016Z-9-012.gmr";
        assert_eq!(session_of(path), "20261121T033016Z-9");
        for own in ["20261121T033016Z-9", "/root/here.gmr", ""] {
            assert_eq!(session_of(own), own);
        }
    }
}
