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

    /// A whole drop-in file.
    pub fn drop_in(settings: &[Self]) -> String {
        let lines = settings.iter().map(Self::line);
        let mut text =
            "# Written by gatemedic; remove this file to undo it.\n[Service]\n".to_owned();
        for line in lines {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }
}
