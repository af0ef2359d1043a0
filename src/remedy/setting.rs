//! Limits and policies of a unit that a drop-in may set.

use serde::{Deserialize, Serialize};

/// One line of a drop-in's `[Service]` section (systemd.service(5), systemd.resource-control(5),
/// systemd.exec(5)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnitSetting {
    /// `MemoryMax=`, bytes.
    MemoryMax(u64),
    /// `LimitNOFILE=`, descriptors.
    LimitNofile(u64),
    /// `TasksMax=`, tasks.
    TasksMax(u64),
    /// `Restart=on-failure`.
    RestartOnFailure,
    /// `RestartSec=`, seconds.
    RestartSec(u32),
}

impl UnitSetting {
    /// The line as systemd reads it.
    pub fn line(&self) -> String {
        match self {
            Self::MemoryMax(bytes) if bytes % (1 << 20) == 0 => {
                format!("MemoryMax={}M", bytes >> 20)
            }
            Self::MemoryMax(bytes) => format!("MemoryMax={bytes}"),
            Self::LimitNofile(n) => format!("LimitNOFILE={n}"),
            Self::TasksMax(n) => format!("TasksMax={n}"),
            Self::RestartOnFailure => "Restart=on-failure".to_owned(),
            Self::RestartSec(secs) => format!("RestartSec={secs}s"),
        }
    }

    /// Whether settings only say when a unit is started again.
    pub fn is_policy(settings: &[Self]) -> bool {
        settings.iter().all(|s| matches!(s, Self::RestartOnFailure | Self::RestartSec(_)))
    }

    /// A whole drop-in file. What an earlier one of ours set stays set, unless it is set anew.
    pub fn drop_in(settings: &[Self], before: Option<&str>) -> String {
        const HEAD: &str = "# Written by gatemedic; remove this file to undo it.\n[Service]\n";
        let new: Vec<String> = settings.iter().map(Self::line).collect();
        let key = |line: &str| line.split('=').next().map(|key| key.trim().to_owned());
        let anew = |line: &&str| line.contains('=') && new.iter().any(|n| key(n) == key(line));
        let before = before.filter(|text| text.lines().any(|line| line.trim() == "[Service]"));
        let (mut text, mut written) = (String::new(), false);
        for line in before.unwrap_or(HEAD).lines().filter(|line| !anew(line)) {
            text.push_str(line);
            text.push('\n');
            if line.trim() == "[Service]" && !written {
                written = true;
                for line in &new {
                    text.push_str(line);
                    text.push('\n');
                }
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_limit_does_not_take_the_first_away() {
        let first = UnitSetting::drop_in(&[UnitSetting::LimitNofile(65_536)], None);
        assert!(first.ends_with("[Service]\nLimitNOFILE=65536\n"), "{first}");
        let second = UnitSetting::drop_in(&[UnitSetting::RestartOnFailure], Some(&first));
        assert!(second.ends_with("[Service]\nRestart=on-failure\nLimitNOFILE=65536\n"), "{second}");
        let third = UnitSetting::drop_in(&[UnitSetting::LimitNofile(99)], Some(&second));
        assert!(third.ends_with("[Service]\nLimitNOFILE=99\nRestart=on-failure\n"), "{third}");
        assert_eq!(UnitSetting::drop_in(&[UnitSetting::LimitNofile(99)], Some(&third)), third);
    }

    #[test]
    fn what_stands_in_other_sections_stays_there() {
        let edited = "[Service]\nTasksMax=5\n[Unit]\nDescription=x\n";
        let text = UnitSetting::drop_in(&[UnitSetting::TasksMax(9)], Some(edited));
        assert_eq!(text, "[Service]\nTasksMax=9\n[Unit]\nDescription=x\n");
        let empty = UnitSetting::drop_in(&[UnitSetting::TasksMax(9)], Some("# emptied\n"));
        assert!(empty.contains("[Service]\nTasksMax=9\n"), "{empty}");
    }
}
