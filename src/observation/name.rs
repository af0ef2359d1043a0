//! Names that are types: constructed only when valid, so that no later step has to ask again.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a name was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Empty, or longer than its kind allows.
    #[error("name is empty or too long")]
    Length,
    /// A character that its kind does not allow.
    #[error("name holds a character that is not allowed")]
    Character,
    /// No known suffix (units) or not 64 hex digits (containers).
    #[error("name does not have the form of its kind")]
    Form,
}

/// A systemd unit name, valid by the rules of systemd.unit(5): at most 255 bytes of
/// `[A-Za-z0-9:_.\\@-]`, not starting with a dash, with a known type suffix. No globs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UnitName(String);

const UNIT_SUFFIXES: [&str; 11] = [
    ".service",
    ".socket",
    ".target",
    ".timer",
    ".mount",
    ".automount",
    ".path",
    ".slice",
    ".scope",
    ".swap",
    ".device",
];

impl UnitName {
    /// Validates a unit name.
    ///
    /// # Errors
    /// [`NameError`] says which rule of systemd.unit(5) is broken.
    pub fn new(name: impl Into<String>) -> Result<Self, NameError> {
        let name = name.into();
        if name.is_empty() || name.len() > 255 {
            return Err(NameError::Length);
        }
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b":_.\\@-".contains(&b);
        if name.starts_with('-') || !name.bytes().all(allowed) {
            return Err(NameError::Character);
        }
        let known = |suffix: &&str| name.len() > suffix.len() && name.ends_with(*suffix);
        if UNIT_SUFFIXES.iter().any(known) { Ok(Self(name)) } else { Err(NameError::Form) }
    }

    /// The name as systemd knows it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is a `.service`.
    pub fn is_service(&self) -> bool {
        self.0.ends_with(".service")
    }

    /// The innermost unit of a cgroup path, on cgroup v1 and v2 and below any prefix:
    /// `/docker/<id>/system.slice/app.service/worker` gives `app.service`.
    pub fn from_cgroup(path: &str) -> Option<Self> {
        path.rsplit('/')
            .filter(|part| part.ends_with(".service") || part.ends_with(".scope"))
            .find_map(|part| Self::new(part).ok())
    }
}

impl TryFrom<String> for UnitName {
    type Error = NameError;
    fn try_from(name: String) -> Result<Self, NameError> {
        Self::new(name)
    }
}

impl From<UnitName> for String {
    fn from(name: UnitName) -> Self {
        name.0
    }
}

impl fmt::Display for UnitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A full container id: 64 lowercase hex digits. Prefixes are refused, because Docker resolves
/// a prefix to whichever container has it today.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContainerId(String);

impl ContainerId {
    /// Validates a full container id.
    ///
    /// # Errors
    /// [`NameError::Form`] unless it is exactly 64 lowercase hex digits.
    pub fn new(id: impl Into<String>) -> Result<Self, NameError> {
        let id = id.into();
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if id.len() == 64 && id.bytes().all(hex) { Ok(Self(id)) } else { Err(NameError::Form) }
    }

    /// All 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first twelve digits, for display only.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }

    /// The innermost container of a cgroup path: `/docker/<id>`, `/system.slice/docker-<id>.scope`,
    /// `/kubepods/…/cri-containerd-<id>.scope`. A unit *inside* that container hides it.
    pub fn from_cgroup(path: &str) -> Option<Self> {
        path.rsplit('/').find_map(|part| {
            let stem = part.strip_suffix(".scope").unwrap_or(part);
            let tail = stem.rsplit(['-', ':']).next().unwrap_or(stem);
            Self::new(tail).ok()
        })
    }
}

impl TryFrom<String> for ContainerId {
    type Error = NameError;
    fn try_from(id: String) -> Result<Self, NameError> {
        Self::new(id)
    }
}

impl From<ContainerId> for String {
    fn from(id: ContainerId) -> Self {
        id.0
    }
}

impl fmt::Display for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_name_with_a_glob_or_a_path_is_refused() {
        for bad in [
            "*.service",
            "../x.service",
            "-x.service",
            "x",
            ".service",
            "a b.service",
            "a\n.service",
        ] {
            assert!(UnitName::new(bad).is_err(), "{bad:?}");
        }
        assert!(UnitName::new("foo@a\\x2db.service").is_ok());
    }

    #[test]
    fn the_innermost_unit_of_a_nested_cgroup_wins() {
        let id = "a".repeat(64);
        let path = format!("/docker/{id}/system.slice/app.service");
        assert_eq!(UnitName::from_cgroup(&path).map(String::from).as_deref(), Some("app.service"));
        assert_eq!(ContainerId::from_cgroup(&path).map(String::from), Some(id.clone()));
        let scope = format!("/system.slice/docker-{id}.scope");
        assert_eq!(ContainerId::from_cgroup(&scope).map(String::from), Some(id));
    }
}
