use std::sync::Mutex;

use proptest::prelude::*;
use tokio::sync::{mpsc as queue, watch as channel};

use super::*;
use crate::session::{Attention, Event};

const MOUNTINFO: &str = "\
22 27 0:21 / /proc rw - proc proc rw
24 27 0:6 / /dev rw - devtmpfs devtmpfs rw
25 24 0:23 / /dev/shm rw - tmpfs tmpfs rw
27 1 254:0 / / rw - ext4 /dev/vda rw
28 27 254:0 /var/lib/docker /var/lib/docker rw - ext4 /dev/vda rw
29 28 0:43 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw
30 27 7:1 / /snap/core ro - squashfs /dev/loop1 ro
31 27 0:50 / /net rw - autofs systemd-1 rw
32 27 0:51 / /srv/files rw - nfs4 files:/export rw
33 27 8:1 / /data rw - ext4 /dev/sda1 rw
34 27 8:2 / /data ro - xfs /dev/sda2 ro
35 27 0:60 / /run/user/0 rw - tmpfs tmpfs rw
";

fn host(ask: Ask) -> (tempfile::TempDir, Disks) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("proc/self")).unwrap();
    std::fs::write(dir.path().join("proc/self/mountinfo"), MOUNTINFO).unwrap();
    let disks = Disks::new(Root::new(dir.path()), ask);
    (dir, disks)
}

fn half_full() -> Usage {
    Usage { total: 1_000, available: 500, inodes: 100, inodes_free: 50 }
}

fn points(look: &Look) -> Vec<&str> {
    look.samples.iter().map(|sample| sample.mount.raw()).collect()
}

#[test]
fn each_real_file_system_is_told_once_and_the_hidden_one_is_not() {
    let (_dir, mut disks) = host(Arc::new(|_| Ok(half_full())));
    let look = disks.look();
    assert_eq!(points(&look), ["/", "/data", "/dev/shm", "/srv/files"]);
    assert!(look.samples[1].read_only && !look.samples[0].read_only);
    assert_eq!(points(&disks.look()), Vec::<&str>::new());
}

#[test]
fn a_disk_that_fills_up_or_becomes_read_only_is_told_at_once() {
    let usage = Arc::new(Mutex::new(half_full()));
    let shared = Arc::clone(&usage);
    let (dir, mut disks) = host(Arc::new(move |_| Ok(*shared.lock().unwrap())));
    disks.look();
    usage.lock().unwrap().inodes_free = 0;
    assert_eq!(disks.look().samples.len(), 4);
    let now_ro = MOUNTINFO.replace("/ / rw - ext4 /dev/vda rw", "/ / ro - ext4 /dev/vda ro");
    std::fs::write(dir.path().join("proc/self/mountinfo"), now_ro).unwrap();
    assert_eq!(points(&disks.look()), ["/"]);
}

#[test]
fn a_dead_server_is_a_blind_spot_with_one_thread_and_the_other_disks_are_still_told() {
    let (release, gate) = mpsc::sync_channel::<()>(1);
    let gate = Mutex::new(gate);
    let entered = Arc::new(Mutex::new(0));
    let count = Arc::clone(&entered);
    let (_dir, mut disks) = host(Arc::new(move |path| {
        if path == Path::new("/srv/files") {
            *count.lock().unwrap() += 1;
            let _ = gate.lock().unwrap().recv();
        }
        Ok(half_full())
    }));
    let first = disks.look();
    assert_eq!(points(&first), ["/", "/data", "/dev/shm"]);
    let second = disks.look();
    assert_eq!(first.blind, second.blind);
    assert_ne!(first.blind, Blindness::default());
    assert_eq!(*entered.lock().unwrap(), 1);
    let answered = Arc::clone(&disks.stuck["/srv/files"].answered);
    release.send(()).unwrap();
    while !answered.load(Ordering::Acquire) {
        thread::yield_now();
    }
    release.send(()).unwrap();
    let third = disks.look();
    assert_eq!(points(&third), ["/srv/files"]);
    assert_eq!(third.blind, Blindness::default());
}

#[test]
fn a_stuck_local_disk_holds_up_the_others_for_one_round_only() {
    let (release, gate) = mpsc::sync_channel::<()>(1);
    let gate = Mutex::new(gate);
    let (_dir, mut disks) = host(Arc::new(move |path| {
        if path == Path::new("/") {
            let _ = gate.lock().unwrap().recv();
        }
        Ok(half_full())
    }));
    let look = disks.look();
    assert_eq!(points(&look), ["/data", "/dev/shm", "/srv/files"]);
    assert!(disks.stuck.contains_key("/"));
    drop(release);
}

#[test]
fn a_closed_folder_is_a_blind_spot_and_a_vanished_mount_is_not() {
    let (_dir, mut disks) = host(Arc::new(|path| {
        Err(if path == Path::new("/data") {
            io::ErrorKind::PermissionDenied.into()
        } else {
            io::ErrorKind::NotFound.into()
        })
    }));
    let look = disks.look();
    let mut expected = Blindness::default();
    let why = io::Error::from(io::ErrorKind::PermissionDenied).to_string();
    expected.add("/data", &why, "whether this disk is full or read-only", "");
    assert_eq!(look.blind, expected);
}

#[test]
fn more_mounts_than_the_bound_are_counted() {
    use std::fmt::Write as _;
    let (dir, mut disks) = host(Arc::new(|_| Ok(half_full())));
    let mut text = String::new();
    for n in 0..MOUNTS + 3 {
        let _ = writeln!(text, "1 2 9:{n} / /m/{n} rw - ext4 /dev/x{n} rw");
    }
    std::fs::write(dir.path().join("proc/self/mountinfo"), text).unwrap();
    let look = disks.look();
    assert_eq!((look.samples.len(), look.left_out), (MOUNTS, 3));
}

#[tokio::test]
async fn the_disks_of_this_machine_are_swept() {
    let (sender, mut events) = queue::channel(256);
    let (attend, attention) = channel::channel(Arc::new(Attention::default()));
    let task = tokio::spawn(run(Outlet::new(SourceId::Disks, sender), attention));
    loop {
        let Some(Event::Seen(seen)) = events.recv().await else { panic!("ended") };
        match seen.seen {
            Seen::Swept { .. } => break,
            Seen::Disk(disk) => assert!(disk.total > 0),
            _ => {}
        }
    }
    drop(attend);
    task.await.unwrap();
}

proptest! {
    #[test]
    fn arbitrary_mounts_never_panic(text in "([ -~]{0,80}\n){0,10}") {
        let mounts: Vec<Mount> = text.lines().filter_map(Mount::parse).collect();
        let count = mounts.len();
        prop_assert!(watched(mounts).len() <= count);
    }
}
