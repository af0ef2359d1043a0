//! Settings of the kernel and of its security modules (proc(5), sysctl of `net`, selinux(8),
//! apparmor(7)).

use super::{clock, files::Root, proc, sys};
use crate::observation::{HostSettings, Text, Wall};

/// Longest value that is read, in bytes.
const LONGEST: u64 = 4 * 1024;

/// Reads the settings of a tree of files. What confines gateways is left out.
pub fn read(root: &Root) -> HostSettings {
    HostSettings {
        booted: booted(),
        selinux_enforces: value::<u8>(root, "/sys/fs/selinux/enforce").map(|on| on == 1),
        clock_in_step: sys::clock_in_step(),
        unprivileged_ports: value(root, "/proc/sys/net/ipv4/ip_unprivileged_port_start"),
        syn_retries: value(root, "/proc/sys/net/ipv4/tcp_syn_retries"),
        tracked: value(root, "/proc/sys/net/netfilter/nf_conntrack_count")
            .zip(value(root, "/proc/sys/net/netfilter/nf_conntrack_max")),
        confined: Vec::new(),
    }
}

fn value<T: std::str::FromStr>(root: &Root, path: &str) -> Option<T> {
    root.read_text(path, LONGEST).ok()?.trim().parse().ok()
}

/// When process 1 started: a container shares the boot of its host.
fn booted() -> Option<Wall> {
    let now = clock::now();
    let ticks = proc::stat(1).ok()?.start_ticks;
    let after_boot = i64::try_from(ticks * 1_000_000 / proc::TICKS_PER_SECOND).ok()?;
    Some(Wall(now.wall.0 - i64::try_from(now.boot.0).ok()? + after_boot))
}

/// What confines a process, `None` when nothing does or when it may not be asked.
pub fn confinement(root: &Root, pid: u32) -> Option<Text> {
    let label = root.read(format!("/proc/{pid}/attr/current"), LONGEST).ok()?;
    let text = Text::from_bytes(label.strip_suffix(b"\n").unwrap_or(&label).trim_ascii());
    let nothing = ["", "unconfined", "\0"].contains(&text.raw().trim_end_matches('\0'));
    (!nothing).then(|| Text::new(text.raw().trim_end_matches('\0')))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_the_kernel_is_set_to_is_read_and_what_it_lacks_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("sys/fs/selinux/enforce", "1");
        write("proc/sys/net/ipv4/ip_unprivileged_port_start", "1024\n");
        write("proc/sys/net/ipv4/tcp_syn_retries", "lots\n");
        write("proc/sys/net/netfilter/nf_conntrack_count", "65536\n");
        write("proc/sys/net/netfilter/nf_conntrack_max", "65536\n");
        let found = read(&Root::new(dir.path()));
        assert_eq!(found.selinux_enforces, Some(true));
        assert_eq!(found.unprivileged_ports, Some(1024));
        assert_eq!(found.syn_retries, None);
        assert_eq!(found.tracked, Some((65_536, 65_536)));
        let bare = read(&Root::new(dir.path().join("nowhere")));
        assert_eq!((bare.selinux_enforces, bare.tracked), (None, None));
        assert!(bare.booted.is_some_and(|at| at <= clock::now().wall));
    }

    #[test]
    fn a_profile_confines_and_its_absence_does_not() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("proc/7/attr")).unwrap();
        let told = |bytes: &[u8]| {
            fs::write(dir.path().join("proc/7/attr/current"), bytes).unwrap();
            confinement(&Root::new(dir.path()), 7)
        };
        assert_eq!(told(b"unconfined\n"), None);
        assert_eq!(told(b""), None);
        assert_eq!(told(b"/usr/sbin/nginx (enforce)\n"), Some("/usr/sbin/nginx (enforce)".into()));
        let label = b"system_u:system_r:httpd_t:s0\0";
        assert_eq!(told(label), Some("system_u:system_r:httpd_t:s0".into()));
        assert_eq!(confinement(&Root::new(dir.path()), 8), None);
    }
}
