//! systemd's signals, folded into the set of units that have to be read again.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Mutex, PoisonError},
};

use tokio::sync::Notify;
use zbus::Message;

use crate::observation::UnitName;

const UNITS: &str = "/org/freedesktop/systemd1/unit/";

/// More changed units than this are read by listing everything again.
const MANY: usize = 512;

/// What has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// Changed services and sockets; true when one was loaded or unloaded.
    pub units: BTreeMap<UnitName, bool>,
    /// Whether everything should be listed again.
    pub relist: bool,
    /// Whether the connection has ended.
    pub closed: bool,
}

/// Changes since they were last taken; of bounded size.
#[derive(Debug, Default)]
pub struct Changes {
    pending: Mutex<Pending>,
    wake: Notify,
}

impl Changes {
    /// Waits until something has changed. May be cancelled.
    pub async fn wait(&self) {
        loop {
            let notified = self.wake.notified();
            if self.with(|p| !p.units.is_empty() || p.relist || p.closed) {
                return;
            }
            notified.await;
        }
    }

    /// Takes what has changed.
    pub fn take(&self) -> Pending {
        self.with(|pending| {
            let closed = pending.closed;
            std::mem::replace(pending, Pending { closed, ..Pending::default() })
        })
    }

    pub(super) fn note(&self, message: &Message) {
        let header = message.header();
        let member = header.member().map_or("", |m| m.as_str());
        let changed = match member {
            "PropertiesChanged" => {
                let path = header.path().map_or("", |p| p.as_str());
                unit_name(path).map(|name| (name, false))
            }
            "UnitNew" | "UnitRemoved" => {
                let body = message.body();
                let args: Result<(&str, zbus::ObjectPath<'_>), _> = body.deserialize();
                args.ok().and_then(|(name, _)| UnitName::new(name).ok()).map(|name| (name, true))
            }
            "JobRemoved" => {
                let body = message.body();
                let args: Result<(u32, zbus::ObjectPath<'_>, &str, &str), _> = body.deserialize();
                args.ok()
                    .and_then(|(_, _, name, _)| UnitName::new(name).ok())
                    .map(|name| (name, true))
            }
            "UnitFilesChanged" => {
                self.with(|p| p.relist = true);
                self.wake.notify_one();
                return;
            }
            "Reloading" => {
                if message.body().deserialize::<bool>().is_ok_and(|active| !active) {
                    self.with(|p| p.relist = true);
                    self.wake.notify_one();
                }
                return;
            }
            _ => None,
        };
        if let Some((name, presence)) = changed {
            self.add(name, presence);
        }
    }

    fn add(&self, name: UnitName, presence: bool) {
        if !name.is_service() && !name.as_str().ends_with(".socket") {
            return;
        }
        self.with(|pending| {
            if pending.units.len() >= MANY && !pending.units.contains_key(&name) {
                pending.relist = true;
            } else {
                *pending.units.entry(name).or_default() |= presence;
            }
        });
        self.wake.notify_one();
    }

    pub(super) fn close(&self) {
        self.with(|pending| pending.closed = true);
        self.wake.notify_one();
    }

    fn with<T>(&self, change: impl FnOnce(&mut Pending) -> T) -> T {
        change(&mut self.pending.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The object path of a unit: every byte but letters and digits (and a leading digit) becomes
/// `_xx` (`sd_bus_path_encode(3)`).
pub(super) fn object_path(name: &UnitName) -> String {
    let mut path = UNITS.to_owned();
    for (at, byte) in name.as_str().bytes().enumerate() {
        if byte.is_ascii_alphabetic() || (at > 0 && byte.is_ascii_digit()) {
            path.push(char::from(byte));
        } else {
            let _ = write!(path, "_{byte:02x}");
        }
    }
    path
}

/// The unit of an object path, if it is one.
fn unit_name(path: &str) -> Option<UnitName> {
    let mut rest = path.strip_prefix(UNITS)?;
    let mut name = Vec::with_capacity(rest.len());
    while let Some(first) = rest.bytes().next() {
        if first == b'_' {
            name.push(u8::from_str_radix(rest.get(1..3)?, 16).ok()?);
            rest = rest.get(3..)?;
        } else {
            name.push(first);
            rest = rest.get(1..)?;
        }
    }
    UnitName::new(String::from_utf8(name).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_unit_is_found_again_from_its_object_path() {
        for name in ["php8.2-fpm.service", "7up@a\\x2db.socket", "a_b.service"] {
            let name = UnitName::new(name).unwrap();
            assert_eq!(unit_name(&object_path(&name)), Some(name));
        }
        let name = UnitName::new("php8.2-fpm.service").unwrap();
        assert!(object_path(&name).ends_with("/unit/php8_2e2_2dfpm_2eservice"));
    }

    #[tokio::test]
    async fn many_changes_become_one_listing_and_devices_are_ignored() {
        let changes = Changes::default();
        changes.add(UnitName::new("dev-sda.device").unwrap(), true);
        assert_eq!(changes.take(), Pending::default());
        for n in 0..MANY + 5 {
            changes.add(UnitName::new(format!("a{n}.service")).unwrap(), false);
        }
        changes.wait().await;
        let taken = changes.take();
        assert_eq!((taken.units.len(), taken.relist), (MANY, true));
        assert_eq!(changes.take(), Pending::default());
    }

    proptest! {
        #[test]
        fn any_object_path_is_read_without_harm(path in ".{0,80}") {
            let _ = unit_name(&path);
            let _ = unit_name(&format!("{UNITS}{path}"));
        }
    }
}
