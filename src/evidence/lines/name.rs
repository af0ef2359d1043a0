//! Short names of where lines come from.

use crate::observation::{Origin, Program, SourceId};

/// Program, unit or file in one word. `container` is the name of a container, when it is known.
pub(super) fn name(program: Program, origin: &Origin, container: Option<&str>) -> String {
    match (program, origin) {
        (program, Origin::File(_)) if program.is_gateway() => program.as_str().to_owned(),
        (Program::PhpFpm, Origin::File(_)) | (Program::Systemd | Program::Kernel, _) => {
            program.as_str().to_owned()
        }
        (_, Origin::Journal(unit) | Origin::Systemd(unit)) => {
            let name = unit.as_str();
            name.strip_suffix(".service").unwrap_or(name).to_owned()
        }
        (_, Origin::File(path) | Origin::Path(path)) => {
            let path = path.to_string();
            path.rsplit('/').next().unwrap_or_default().to_owned()
        }
        (_, Origin::ContainerLog(id) | Origin::Docker(id)) => {
            container.map_or_else(|| id.to_string(), str::to_owned)
        }
        (_, Origin::KernelLog) => "kernel".to_owned(),
        (program, _) => program.as_str().to_owned(),
    }
}

/// Whether a source reads lines.
pub(super) const fn reads_lines(source: SourceId) -> bool {
    matches!(source, SourceId::Logs | SourceId::Journal | SourceId::Docker | SourceId::Kernel)
}
