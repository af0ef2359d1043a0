//! The groups of a user, by the files of a tree (`passwd(5)`, `group(5)`). Users that only a
//! directory service knows have no groups here: what is not known grants nothing.

use super::{files::Root, permission::Identity};

/// Bytes read of each file.
const LIMIT: u64 = 1 << 20;
/// Groups kept of one user.
const MOST: usize = 256;

/// A user with its groups and no capabilities.
pub(super) fn identity(root: &Root, uid: u32) -> Identity {
    let users = root.read_text("/etc/passwd", LIMIT).unwrap_or_default();
    let groups = root.read_text("/etc/group", LIMIT).unwrap_or_default();
    Identity { uid, gids: gids(&users, &groups, uid), capabilities: 0 }
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

    proptest! {
        #[test]
        fn no_file_makes_it_fail(users in "[a:0\n,]{0,60}", groups in "[a:0\n,]{0,60}") {
            let _ = gids(&users, &groups, 0);
        }
    }
}
