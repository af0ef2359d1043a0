//! Users of this host, by `/etc/passwd`.

use std::path::PathBuf;

use crate::host::files::Root;

/// Bytes read.
const LIMIT: u64 = 1 << 20;
/// Users considered.
const MOST: usize = 2_000;

/// One user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) home: PathBuf,
}

/// Every user with a home of its own.
pub(super) fn users(root: &Root) -> Vec<User> {
    let text = root.read_text("/etc/passwd", LIMIT).unwrap_or_default();
    let user = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?.to_owned();
        let uid = fields.nth(1)?.parse().ok()?;
        let home = PathBuf::from(fields.nth(2)?);
        let own = home.is_absolute() && home.parent().is_some();
        own.then_some(User { name, uid, home })
    };
    text.lines().filter_map(user).take(MOST).collect()
}

/// The name of a user, or its number.
pub(super) fn name_of(users: &[User], uid: u32) -> String {
    let found = users.iter().find(|user| user.uid == uid);
    found.map_or_else(|| uid.to_string(), |user| user.name.clone())
}
