//! The groups of a user, by the files of a tree (`passwd(5)`, `group(5)`). Users that only a
//! directory service knows have no groups here: what is not known grants nothing.

use super::{files::Root, permission::Identity};

/// Bytes read of each file.
const LIMIT: u64 = 1 << 20;
/// The user that owns nothing.
const NOBODY: &str = "nobody";
/// Groups kept of one user.
const MOST: usize = 256;

/// A user with its groups and no capabilities.
pub(super) fn identity(root: &Root, uid: u32) -> Identity {
    let users = root.read_text("/etc/passwd", LIMIT).unwrap_or_default();
    let groups = root.read_text("/etc/group", LIMIT).unwrap_or_default();
    Identity { uid, gids: gids(&users, &groups, uid), capabilities: 0 }
}

/// The name of the user that owns nothing and of its group, which some call `nogroup`; `None` where
/// this host has no such user.
pub fn nobody() -> Option<(&'static str, String)> {
    let root = Root::default();
    let users = root.read_text("/etc/passwd", LIMIT).ok()?;
    let groups = root.read_text("/etc/group", LIMIT).ok()?;
    Some((NOBODY, group_of(&users, &groups, NOBODY)?))
}

/// The name of a user's own group, as one word.
fn group_of(users: &str, groups: &str, user: &str) -> Option<String> {
    let field = |line: &str, at: usize| line.split(':').nth(at).map(str::to_owned);
    let line = users.lines().find(|line| line.split(':').next() == Some(user))?;
    let number = field(line, 3)?;
    let line = groups.lines().find(|line| field(line, 2).as_ref() == Some(&number))?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    field(line, 0).filter(|name| !name.is_empty() && name.chars().all(plain))
}

fn gids(users: &str, groups: &str, uid: u32) -> Vec<u32> {
    let user = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number, group) = (fields.next()?, fields.nth(1)?, fields.next()?);
        (number.parse() == Ok(uid)).then_some((name, group.parse().ok()))
    });
    let Some((name, own)) = user else { return Vec::new() };
    let more = groups.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let (number, members) = (fields.nth(2)?, fields.next()?);
        members.split(',').any(|member| member == name).then(|| number.parse().ok())?
    });
    own.into_iter().chain(more).take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_user_has_its_own_group_and_those_that_list_it() {
        let users = "root:x:0:0:root:/root:/bin/sh\nann:x:1000:100::/home/ann:/bin/sh\n";
        let groups = "adm:x:4:ann,bob\nusers:x:100:\nwww:x:33:bob\nweb:x:34:bob,ann\n";
        assert_eq!(gids(users, groups, 1000), [100, 4, 34]);
        assert!(gids(users, groups, 1001).is_empty());
    }

    #[test]
    fn nobodys_group_is_found_under_whatever_name_it_has() {
        let users = "root:x:0:0::/:\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n";
        for (groups, name) in [
            ("root:x:0:\nnogroup:x:65534:\n", Some("nogroup")),
            ("nobody:x:65534:\n", Some("nobody")),
            ("a; b:x:65534:\n", None),
            ("root:x:0:\n", None),
        ] {
            assert_eq!(group_of(users, groups, "nobody").as_deref(), name);
        }
        assert_eq!(group_of("root:x:0:0::/:\n", "nogroup:x:65534:\n", "nobody"), None);
    }

    proptest! {
        #[test]
        fn no_file_makes_it_fail(users in "[a:0\n,]{0,60}", groups in "[a:0\n,]{0,60}") {
            let _ = gids(&users, &groups, 0);
            let _ = group_of(&users, &groups, "a");
        }
    }
}
