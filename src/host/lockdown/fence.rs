//! A fence around a process that strangers may talk to: files of one folder, what tells the time of
//! day, itself, and no program; of root's rights none.

use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus,
    Scope, path_beneath_rules,
};
use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set, set_capabilities,
};

/// What is asked for; a kernel that knows less does less.
const WANTED: ABI = ABI::V6;
/// Where zones of time stand (tzset(3)).
const TIME: [&str; 4] =
    ["/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/etc/localtime", "/etc/zoneinfo"];

/// Keeps this process, and all that it starts, within a folder. To be called before its second
/// thread. What the kernel refuses stays as it is: the fence is one more wall, and no wall rests on
/// it.
pub fn keep_within(folder: &Path) {
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    let _ = clear_ambient_capability_set().and_then(|()| set_capabilities(None, none));
    let _ = fence(folder);
}

fn fence(folder: &Path) -> Result<RulesetStatus, RulesetError> {
    let all = AccessFs::from_all(WANTED);
    let look = AccessFs::ReadFile | AccessFs::ReadDir;
    let status = Ruleset::default()
        .handle_access(all)?
        .scope(Scope::from_all(WANTED))?
        .create()?
        .add_rules(path_beneath_rules([folder, Path::new("/proc/self")], all & !AccessFs::Execute))?
        .add_rules(path_beneath_rules(TIME, look))?
        .restrict_self()?;
    Ok(status.ruleset)
}

#[cfg(test)]
mod tests {
    use std::{fs, io::ErrorKind, thread};

    use super::*;

    #[test]
    fn nothing_beside_its_folder_is_read_written_or_run() {
        let (own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let secret = other.path().join("secret");
        fs::write(&secret, "x").unwrap();
        let (inside, outside) = (own.path().to_owned(), other.path().to_owned());
        // It binds the thread that takes it.
        let fenced = thread::spawn(move || {
            if !matches!(
                fence(&inside),
                Ok(RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced)
            ) {
                eprintln!("skipped: the kernel has no Landlock");
                return;
            }
            fs::write(inside.join("own"), "x").unwrap();
            assert_eq!(fs::read(inside.join("own")).unwrap(), b"x");
            let denied = |kind: ErrorKind| assert_eq!(kind, ErrorKind::PermissionDenied);
            denied(fs::read(&secret).unwrap_err().kind());
            denied(fs::write(outside.join("new"), "x").unwrap_err().kind());
            denied(std::process::Command::new("/bin/true").status().unwrap_err().kind());
        });
        fenced.join().unwrap();
    }
}
