use super::*;
use crate::{
    diagnosis::testing::{Host, unit},
    observation::Seen,
};

const AT: &str = "127.0.0.1:8000";
const CUT: &str = r#"pwrite() "/var/lib/nginx/proxy/1/00/0000000001" failed (28: No space left on device) while reading upstream"#;

fn shop() -> Host {
    Host::passing_to(AT).serves("shop.service", AT, 100)
}

fn disk(host: Host, mount: &str, available: u64, inodes_free: u64) -> Host {
    let disk = DiskSample {
        mount: mount.into(),
        total: 1 << 30,
        available,
        inodes: 65_536,
        inodes_free,
        read_only: false,
    };
    host.sees(SourceId::Disks, Seen::Disk(disk))
}

#[test]
fn a_full_disk_under_the_temporary_files_is_named_with_its_mount() {
    let host =
        disk(disk(shop().nginx(10, CUT, AT), "/", 1 << 29, 9_000), "/var/lib/nginx", 0, 9_000);
    let found = host.root("disk-full-proxy-temp");
    assert_eq!(found.subject.path, Some("/var/lib/nginx".into()));
    assert_eq!(found.subject.upstreams.len(), 1);
    host.incident("disk-full-proxy-temp", Confidence::Confirmed, "/var/lib/nginx");
}

#[test]
fn room_without_inodes_is_the_inodes_fault() {
    let host = disk(shop().nginx(10, CUT, AT), "/", 1 << 29, 0);
    host.spares("disk-full-proxy-temp");
    host.incident("inodes-exhausted", Confidence::Confirmed, "nginx");
}

#[test]
fn a_full_disk_that_nobody_complains_of_is_not_blamed() {
    let host = disk(shop().refused(10, AT), "/mnt/archive", 0, 0);
    for cause in ["disk-full-proxy-temp", "disk-full-app", "inodes-exhausted", "disk-readonly"] {
        host.spares(cause);
    }
}

#[test]
fn an_application_that_ended_without_room_is_told_with_the_disk() {
    let down = Host::passing_to(AT)
        .unit(unit("shop.service").claims(AT).exited(1, 40))
        .said("shop.service", 41, "OSError: [Errno 28] No space left on device: '/var/lib/shop/x'")
        .refused(10, AT);
    let host = disk(down.clone(), "/", 0, 9_000);
    let found = host.root("disk-full-app");
    assert!(found.explains.contains(&"app-unit-failed-exit"), "{found:#?}");
    host.incident("disk-full-app", Confidence::Confirmed, r"shop\.service");
    let room = disk(down.clone(), "/", 1 << 29, 9_000).root("disk-full-app");
    assert_eq!(room.confidence, Confidence::Likely);
    assert!(!room.against.is_empty());
    // Another disk that is full is not the one of the message.
    let other = disk(disk(down, "/", 1 << 29, 9_000), "/mnt/archive", 0, 9_000);
    let found = other.root("disk-full-app");
    assert_eq!((found.confidence, found.subject.path), (Confidence::Likely, None));
}

#[test]
fn apaches_words_about_a_large_header_are_not_the_disk() {
    let line = r#"[Fri Nov 20 18:26:08.129231 2026] [proxy_http:warn] [pid 9320:tid 9338] (28)No space left on device: [client 127.0.0.1:56274] AH10124: header size is over the limit allowed by ResponseFieldSize (8192 bytes). Bad response header: 'Set-Cookie: a=xxx"#;
    let signatures = crate::evidence::Signatures::embedded();
    let found = signatures.classify(Program::Apache, line);
    assert_eq!(found.map(|m| m.id.as_str()), Some("response-header-too-big"));
}

#[test]
fn a_file_system_that_turned_read_only_is_told_with_the_kernels_reason() {
    let host = shop()
        .said("shop.service", 10, "OSError: [Errno 30] Read-only file system: '/srv/shop/cache'")
        .closed(10, AT)
        .line(
            Program::Kernel,
            Origin::KernelLog,
            30,
            "EXT4-fs (sda1): Remounting filesystem read-only",
        );
    let found = host.root("disk-readonly");
    assert!(found.evidence.iter().any(|e| e.origin == Origin::KernelLog));
    host.incident("disk-readonly", Confidence::Confirmed, r"shop\.service");
}

#[test]
fn the_kernels_word_about_a_disk_that_nobody_needs_blames_nothing() {
    shop()
        .refused(10, AT)
        .line(
            Program::Kernel,
            Origin::KernelLog,
            30,
            "EXT4-fs (sdb1): Remounting filesystem read-only",
        )
        .spares("disk-readonly");
}
