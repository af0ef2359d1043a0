//! Whether a pid that the engine names is the same process here.

use crate::{
    host::files::Root,
    observation::{Container, ContainerId, NetNs},
};

/// Most bytes of `/proc/PID/cgroup`.
const CGROUP_LIMIT: u64 = 64 << 10;

/// Fills in `pid_visible` and the network namespace. The engine may live in another pid namespace,
/// where its number is another process or none here: the process counts only when its own control
/// group names the container (cgroups(7), `/proc/PID/cgroup`).
pub(super) fn locate(container: &mut Container) {
    let Some(pid) = container.pid else { return };
    container.pid_visible = is_container(pid, &container.id);
    if container.pid_visible {
        let namespace = Root::default().stat(format!("/proc/{pid}/ns/net"), true);
        container.netns = namespace.ok().map(|stat| NetNs(stat.st_ino));
    }
}

fn is_container(pid: u32, id: &ContainerId) -> bool {
    Root::default()
        .read_text(format!("/proc/{pid}/cgroup"), CGROUP_LIMIT)
        .is_ok_and(|groups| names(&groups, id))
}

fn names(groups: &str, id: &ContainerId) -> bool {
    groups
        .lines()
        .filter_map(|line| line.splitn(3, ':').nth(2))
        .any(|path| ContainerId::from_cgroup(path).as_ref() == Some(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_cgroup_that_names_the_container_makes_a_pid_its_own() {
        let id = ContainerId::new("a".repeat(64)).unwrap();
        let other = "b".repeat(64);
        let v1 = format!("12:perf_event:/\n4:memory:/docker/{id}\n0::/\n", id = id.as_str());
        let v2 = format!("0::/system.slice/docker-{}.scope\n", id.as_str());
        let nested = format!("0::/docker/{other}/docker/{}\n", id.as_str());
        for groups in [v1, v2, nested] {
            assert!(names(&groups, &id), "{groups}");
        }
        let stranger = format!("4:memory:/docker/{other}\n0::/\n");
        let inner = format!("0::/docker/{}/docker/{other}\n", id.as_str());
        for groups in [stranger, inner, "0::/init.scope\n".to_owned(), String::new()] {
            assert!(!names(&groups, &id), "{groups}");
        }
    }
}
