//! What a step left behind.

use serde::{Deserialize, Serialize};

use crate::{
    observation::{ContainerId, Text, UnitName},
    remedy::{Digest, ProgramCall, spoken},
};

/// A step that was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// What the machine said, for people.
    pub words: String,
    /// How it is taken back, when it can be.
    pub undo: Option<Undo>,
}

/// How a step is taken back. Written down before the step is judged, so that another process can do
/// it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "undo", rename_all = "kebab-case")]
pub enum Undo {
    /// Put a file back as it was; refused when somebody changed it since.
    RestoreFile {
        /// The file, as its program sees the path.
        file: Text,
        /// Prefix under which that path is seen from here.
        root: Text,
        /// Name of the copy below the state folder.
        backup: String,
        /// What was written.
        written: Digest,
    },
    /// Remove a drop-in, or put back the one that stood there, and have systemd read it.
    RestoreDropIn {
        /// Unit.
        unit: UnitName,
        /// Path of the drop-in.
        path: Text,
        /// Its old content; `None` when there was none.
        before: Option<String>,
        /// What was written.
        written: Digest,
    },
    /// Stop what was started.
    StopUnit {
        /// Unit.
        unit: UnitName,
    },
    /// Start what was stopped.
    StartUnit {
        /// Unit.
        unit: UnitName,
    },
    /// No longer start it at boot.
    DisableUnit {
        /// Unit.
        unit: UnitName,
    },
    /// Stop what was started.
    StopContainer {
        /// Container.
        container: ContainerId,
    },
    /// Pause it again.
    PauseContainer {
        /// Container.
        container: ContainerId,
    },
    /// Set the old memory limit.
    LimitContainer {
        /// Container.
        container: ContainerId,
        /// Bytes, 0 for none.
        memory: u64,
        /// Bytes of memory and swap together, -1 for no limit.
        swap: i64,
    },
    /// Stop what was started.
    StopProgram {
        /// Which, and whom to tell.
        call: ProgramCall,
    },
    /// Set the old owner, group and mode.
    SetAccess {
        /// Path.
        path: Text,
        /// Prefix under which that path is seen from here.
        root: Text,
        /// Owner.
        owner: u32,
        /// Group.
        group: u32,
        /// Mode, permission bits only.
        mode: u32,
    },
}

impl Undo {
    /// Whether it puts a configuration file back.
    pub const fn is_edit(&self) -> bool {
        matches!(self, Self::RestoreFile { .. })
    }
}

impl Undo {
    /// What a person types to take it back.
    pub fn by_hand(&self, tools: &crate::action::Tools) -> String {
        let plain = |text: &Text| text.to_string();
        let in_root = |root: &Text, path: &Text| format!("{root}{path}");
        let line = |words: &[&str]| {
            spoken(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
        };
        match self {
            Self::RestoreFile { file, root, backup, .. } => {
                let copy = tools.state.join("backups").join(backup);
                line(&["cp", &copy.to_string_lossy(), &in_root(root, file)])
            }
            Self::RestoreDropIn { path, .. } => {
                format!("{}; systemctl daemon-reload", line(&["rm", &plain(path)]))
            }
            Self::StopUnit { unit } => line(&["systemctl", "stop", unit.as_str()]),
            Self::StartUnit { unit } => line(&["systemctl", "start", unit.as_str()]),
            Self::DisableUnit { unit } => line(&["systemctl", "disable", unit.as_str()]),
            Self::StopContainer { container } => line(&["docker", "stop", container.as_str()]),
            Self::PauseContainer { container } => line(&["docker", "pause", container.as_str()]),
            Self::LimitContainer { container, memory, swap } => format!(
                "docker update --memory={memory} --memory-swap={swap} {}",
                container.as_str()
            ),
            Self::StopProgram { call } => spoken(&call.stop_command()),
            Self::SetAccess { path, root, owner, group, mode } => {
                let path = in_root(root, path);
                let owner = line(&["chown", &format!("{owner}:{group}"), &path]);
                format!("{owner}; {}", line(&["chmod", &format!("{mode:04o}"), &path]))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_path_stays_one_word_of_the_line_that_is_copied() {
        let undo = Undo::SetAccess {
            path: Text::new("/run/app/x; reboot.sock"),
            root: Text::default(),
            owner: 0,
            group: 33,
            mode: 0o660,
        };
        let tools = crate::action::Tools {
            bus: String::new(),
            docker: None,
            state: "/var/lib/gatemedic".into(),
            runtime: "/run/gatemedic".into(),
        };
        assert_eq!(
            undo.by_hand(&tools),
            "chown 0:33 '/run/app/x; reboot.sock'; chmod 0660 '/run/app/x; reboot.sock'"
        );
    }
}
