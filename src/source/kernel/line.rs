//! Which other kernel lines concern gateways and what stands behind them.

/// Starts of lines worth keeping. Matching is anchored: a kernel line may carry a file or
/// process name that somebody chose, but never at its start, where only the crash and OOM forms
/// put one.
const STARTS: &[&str] = &[
    // The connection table is full: new connections are dropped (net/netfilter).
    "nf_conntrack: table full",
    "nf_conntrack: nf_conntrack: table full",
    // Accept or SYN queue overflow, socket memory, orphans (net/ipv4).
    "TCP: Possible SYN flooding",
    "TCP: request_sock_TCP: Possible SYN flooding",
    "TCP: request_sock_TCPv6: Possible SYN flooding",
    "request_sock_TCP: Possible SYN flooding",
    "possible SYN flooding on port",
    "TCP: out of memory",
    "TCP: too many orphaned sockets",
    "TCP: too many of orphaned sockets",
    "neighbour: ",
    // Task and descriptor limits.
    "cgroup: fork rejected by pids controller",
    "VFS: file-max limit",
    // Disks.
    "EXT4-fs error",
    "EXT4-fs (",
    "I/O error, dev ",
    "Buffer I/O error on dev",
    "blk_update_request: I/O error",
    "blk_update_request: critical",
    "print_req_error: I/O error",
    "critical medium error, dev ",
    "critical space allocation error, dev ",
    "XFS (",
    "BTRFS error",
    "BTRFS critical",
    "BTRFS warning",
    "BTRFS: error",
    "nfs: server ",
    // Stalls.
    "INFO: task ",
    "watchdog: BUG: soft lockup",
];

/// Whether a line is published. Of the file systems only trouble is, not every mount.
pub(super) fn concerns(message: &str) -> bool {
    if !STARTS.iter().any(|start| message.starts_with(start)) {
        return denied(message);
    }
    let has = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if message.starts_with("EXT4-fs (") {
        return has(&["Remounting filesystem read-only", "error", "shut down"]);
    }
    if message.starts_with("XFS (") {
        return has(&["Corruption", "shut down", "Shutting down", "error"]);
    }
    if message.starts_with("INFO: task ") {
        return has(&["blocked for more than"]);
    }
    if message.starts_with("neighbour: ") {
        return has(&["table overflow"]);
    }
    true
}

/// A refusal by a security module, as audit prints it when no audit daemon takes it.
fn denied(message: &str) -> bool {
    message.starts_with("audit: type=1400 ")
        && (message.contains("apparmor=\"DENIED\"") || message.contains("avc:  denied"))
}

#[cfg(test)]
mod tests {
    use super::concerns;

    #[test]
    fn lines_that_break_upstreams_are_kept() {
        for line in [
            "nf_conntrack: nf_conntrack: table full, dropping packet",
            "TCP: request_sock_TCP: Possible SYN flooding on port 127.0.0.1:23456. Sending cookies.",
            "cgroup: fork rejected by pids controller in /system.slice/app.service",
            "EXT4-fs (sda1): Remounting filesystem read-only",
            "EXT4-fs error (device sda1): ext4_find_entry:1455: inode #2: reading directory",
            "I/O error, dev sda, sector 2048 op 0x0:(READ) flags 0x80700 phys_seg 1",
            "XFS (dm-0): Corruption of in-memory data detected. Shutting down filesystem",
            "INFO: task php-fpm8.2:123 blocked for more than 120 seconds.",
            "VFS: file-max limit 9223372 reached",
            "audit: type=1400 audit(1.2:3): apparmor=\"DENIED\" operation=\"connect\" name=\"/run/x\"",
            "neighbour: arp_cache: neighbor table overflow!",
            "nfs: server files not responding, still trying",
        ] {
            assert!(concerns(line), "{line}");
        }
    }

    #[test]
    fn ordinary_lines_and_imitations_inside_a_line_are_not() {
        for line in [
            "EXT4-fs (vda): mounted filesystem with ordered data mode",
            "XFS (dm-0): Mounting V5 Filesystem",
            "device veth1 entered promiscuous mode",
            "x[1]: segfault at 0 in nf_conntrack: table full, dropping packet[1+2]",
            "audit: type=1400 audit(1.2:3): apparmor=\"ALLOWED\" operation=\"open\"",
        ] {
            assert!(!concerns(line), "{line}");
        }
    }
}
