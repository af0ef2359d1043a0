//! What an edit keeps, and what it refuses to touch.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    process::Command,
};

use gatemedic::{
    action::{
        Failure,
        edit::restore,
        hands::Undo,
        journal::{OnDisk, interrupted, recover},
    },
    observation::Text,
};
use rustix::fs::{CWD, IFlags, XattrFlags};

use super::bench::{Bench, NEW, OLD, edit, is_root, permit, plan, rehearse, skip, tools};

fn undo(bench: &Bench, undo: &Undo) -> Result<String, Failure> {
    let Undo::RestoreFile { file, root, backup, written } = undo else { panic!("{undo:?}") };
    restore(&permit(), &bench.tools(), file, root, backup, *written)
}

#[test]
fn owner_mode_access_list_and_attributes_are_kept_and_the_copy_is_ours_alone() {
    if !is_root() {
        skip!("only root can give files away");
    }
    let bench = Bench::new();
    let file = bench.file();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::chown(&file, Some(33), Some(44)).unwrap();
    let none = XattrFlags::empty();
    let noted = rustix::fs::setxattr(&file, "user.note", b"by hand", none).is_ok();
    // Version 2; owner rw, user 33 r, group r, mask r, others nothing.
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, bits, id) in [
        (1_u16, 6_u16, u32::MAX),
        (2, 4, 33),
        (4, 4, u32::MAX),
        (16, 4, u32::MAX),
        (32, 0, u32::MAX),
    ] {
        list.extend([&tag.to_le_bytes()[..], &bits.to_le_bytes(), &id.to_le_bytes()].concat());
    }
    let listed = rustix::fs::setxattr(&file, "system.posix_acl_access", &list, none).is_ok();
    let before = file.metadata().unwrap();
    let written = bench.write().unwrap();
    assert_eq!(bench.text(), NEW);
    let after = file.metadata().unwrap();
    assert_ne!(before.ino(), after.ino());
    let rights = |m: &fs::Metadata| (m.uid(), m.gid(), m.mode());
    assert_eq!(rights(&before), rights(&after));
    let mut value = [0_u8; 256];
    if noted {
        let size = rustix::fs::getxattr(&file, "user.note", &mut value[..]).unwrap();
        assert_eq!(&value[..size], b"by hand");
    }
    if listed {
        let size = rustix::fs::getxattr(&file, "system.posix_acl_access", &mut value[..]).unwrap();
        assert_eq!(&value[..size], list);
    }
    assert!(noted || listed, "neither attributes nor access lists here");
    assert!(bench.strays().is_empty());
    let Undo::RestoreFile { backup, .. } = &written.undo else { panic!() };
    let copy = bench.path("state/backups").join(backup);
    assert_eq!(fs::read_to_string(&copy).unwrap(), OLD);
    assert_eq!(copy.metadata().unwrap().mode() & 0o777, 0o600);
    undo(&bench, &written.undo).unwrap();
    assert_eq!(bench.text(), OLD);
    assert_eq!(rights(&file.metadata().unwrap()), rights(&before));
    written.settle().unwrap();
}

#[test]
fn a_link_is_kept_and_the_file_that_it_leads_to_is_changed() {
    let bench = Bench::new();
    fs::create_dir(bench.path("enabled")).unwrap();
    let link = bench.path("enabled/shop");
    symlink("../conf.d/shop.conf", &link).unwrap();
    let rehearsal = rehearse(&link).unwrap();
    let written =
        gatemedic::action::edit::write(&permit(), rehearsal, &bench.tools(), plan()).unwrap();
    assert_eq!(fs::read_link(&link).unwrap().to_str(), Some("../conf.d/shop.conf"));
    assert_eq!(bench.text(), NEW);
    undo(&bench, &written.undo).unwrap();
    written.settle().unwrap();
    assert_eq!((bench.text().as_str(), link.is_symlink()), (OLD, true));
}

#[test]
fn hard_links_go_on_to_be_one_file() {
    let bench = Bench::new();
    let other = bench.path("other");
    fs::hard_link(bench.file(), &other).unwrap();
    bench.write().unwrap().settle().unwrap();
    assert_eq!(fs::read_to_string(&other).unwrap(), NEW);
    assert_eq!(other.metadata().unwrap().ino(), bench.file().metadata().unwrap().ino());
}

#[test]
fn a_file_that_is_mounted_alone_is_written_in_place_and_stays_mounted() {
    if !is_root() {
        skip!("only root can mount");
    }
    let bench = Bench::new();
    let over = bench.path("over");
    fs::write(&over, OLD).unwrap();
    let mounted = Mounted::bind(&over, &bench.file());
    let Some(_mounted) = mounted else { skip!("nothing can be mounted here") };
    assert!(bench.rehearse().unwrap().in_place().is_some());
    bench.write().unwrap().settle().unwrap();
    assert_eq!((fs::read_to_string(&over).unwrap().as_str(), bench.text().as_str()), (NEW, NEW));
}

struct Mounted(std::path::PathBuf);

impl Mounted {
    fn bind(from: &std::path::Path, to: &std::path::Path) -> Option<Self> {
        rustix::mount::mount_bind(from, to).ok().map(|()| Self(to.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(&self.0, rustix::mount::UnmountFlags::DETACH);
    }
}

#[test]
fn what_cannot_be_changed_is_refused_before_anything_is_touched() {
    if !is_root() {
        skip!("only root can make files immutable and mount");
    }
    let bench = Bench::new();
    let open = fs::File::open(bench.file()).unwrap();
    if rustix::fs::ioctl_setflags(&open, IFlags::IMMUTABLE).is_ok() {
        let why = bench.rehearse().unwrap_err().to_string();
        rustix::fs::ioctl_setflags(&open, IFlags::empty()).unwrap();
        assert!(why.contains("immutable"), "{why}");
    } else {
        eprintln!("skipped: no immutable attribute here");
    }
    let folder = bench.path("conf.d");
    let Some(_mounted) = Mounted::bind(&folder, &folder) else { skip!("nothing can be mounted") };
    let flags = rustix::mount::MountFlags::BIND | rustix::mount::MountFlags::RDONLY;
    rustix::mount::mount_remount(&folder, flags, c"").unwrap();
    let why = bench.rehearse().unwrap_err().to_string();
    assert!(why.contains("read-only"), "{why}");
    assert!(!bench.path("state").exists() && bench.strays().is_empty());
}

#[test]
fn a_folder_that_others_can_write_to_is_refused_and_a_planted_link_is_not_followed() {
    let bench = Bench::new();
    let folder = bench.path("conf.d");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    let why = bench.rehearse().unwrap_err().to_string();
    assert!(why.contains("can be changed by others"), "{why}");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    if is_root() {
        std::os::unix::fs::chown(&folder, Some(33), Some(33)).unwrap();
        let why = bench.rehearse().unwrap_err().to_string();
        assert!(why.contains("can be changed by others"), "{why}");
        std::os::unix::fs::chown(&folder, Some(0), Some(0)).unwrap();
    }
    // Between the look and the write somebody puts a link in the place of the file.
    let rehearsal = bench.rehearse().unwrap();
    let victim = bench.path("victim");
    fs::write(&victim, OLD).unwrap();
    fs::remove_file(bench.file()).unwrap();
    symlink(&victim, bench.file()).unwrap();
    let failed = gatemedic::action::edit::write(&permit(), rehearsal, &bench.tools(), plan());
    assert!(matches!(failed, Err(Failure::Changed(_))));
    assert_eq!(fs::read_to_string(&victim).unwrap(), OLD);
    assert!(bench.strays().is_empty() && interrupted(&bench.tools()).is_empty());
}

#[test]
fn a_file_of_the_kernel_is_no_configuration() {
    let file = std::path::Path::new("/proc/sys/kernel/hostname");
    assert!(rehearse(file).is_err());
    assert!(rehearse(std::path::Path::new("/proc/self/root/proc/version")).is_err());
    let bench = Bench::new();
    let mode = rustix::fs::Mode::RUSR;
    let fifo = bench.path("fifo");
    rustix::fs::mknodat(CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    assert!(rehearse(&fifo).unwrap_err().to_string().contains("not a regular file"));
    fs::write(bench.file(), vec![b'x'; (4 << 20) + 1]).unwrap();
    assert!(bench.rehearse().unwrap_err().to_string().contains("longer than"));
}

#[test]
fn a_file_that_changed_between_look_and_write_is_left_as_it_is() {
    let bench = Bench::new();
    let rehearsal = bench.rehearse().unwrap();
    fs::write(bench.file(), "server 127.0.0.1:8080;\nlisten 81;\n").unwrap();
    let failed = gatemedic::action::edit::write(&permit(), rehearsal, &bench.tools(), plan());
    assert!(matches!(failed, Err(Failure::Changed(_))));
    assert_eq!(bench.text(), "server 127.0.0.1:8080;\nlisten 81;\n");
    assert!(bench.strays().is_empty() && interrupted(&bench.tools()).is_empty());
}

#[test]
fn an_edit_is_not_undone_over_the_work_of_somebody_else() {
    let bench = Bench::new();
    let written = bench.write().unwrap();
    let text = fs::read_to_string(bench.file()).unwrap().replace("80;\n", "81;\n");
    fs::write(bench.file(), &text).unwrap();
    assert!(matches!(undo(&bench, &written.undo), Err(Failure::Changed(_))));
    assert_eq!(bench.text(), text);
    fs::write(bench.file(), OLD).unwrap();
    assert!(undo(&bench, &written.undo).unwrap().contains("already"));
    written.settle().unwrap();
}

#[test]
fn a_copy_that_is_damaged_or_elsewhere_is_not_used() {
    let bench = Bench::new();
    let written = bench.write().unwrap();
    let Undo::RestoreFile { file, root, backup, written: digest } = &written.undo else { panic!() };
    fs::write(bench.path("state/backups").join(backup), "other").unwrap();
    let failed = undo(&bench, &written.undo).unwrap_err();
    assert!(matches!(failed, Failure::Human(_)), "{failed}");
    for name in ["", "../x", ".x", "/etc/passwd", "no-such"] {
        let failed = restore(&permit(), &bench.tools(), file, root, name, *digest).unwrap_err();
        assert!(matches!(failed, Failure::Human(_)), "{failed}");
    }
    assert_eq!(bench.text(), NEW);
    assert_eq!(backup.split('-').count(), 3, "{backup}");
    written.settle().unwrap();
}

#[test]
fn at_most_fifty_copies_are_kept_and_nothing_beside_the_file_is() {
    let bench = Bench::new();
    for _ in 0..60 {
        fs::write(bench.file(), OLD).unwrap();
        bench.write().unwrap().settle().unwrap();
    }
    let copies = fs::read_dir(bench.path("state/backups")).unwrap().count();
    assert_eq!(copies, 50);
    assert!(bench.strays().is_empty());
}

#[test]
fn a_container_file_is_held_below_its_root_and_the_hosts_own_on_the_host() {
    let bench = Bench::new();
    let inside = bench.path("root");
    fs::create_dir_all(inside.join("etc")).unwrap();
    fs::write(inside.join("etc/real"), OLD).unwrap();
    symlink("/etc/real", inside.join("etc/link")).unwrap();
    let mut edit = edit(std::path::Path::new("/etc/link"));
    edit.root = Text::new(inside.to_str().unwrap());
    let all = gatemedic::action::edit::rehearse_all(&[&edit]).unwrap();
    assert_eq!(all[0].real_path().to_str(), Some("/etc/real"));
    let rehearsal = all.into_iter().next().unwrap();
    let written =
        gatemedic::action::edit::write(&permit(), rehearsal, &bench.tools(), plan()).unwrap();
    assert_eq!(fs::read_to_string(inside.join("etc/real")).unwrap(), NEW);
    undo(&bench, &written.undo).unwrap();
    assert_eq!(fs::read_to_string(inside.join("etc/real")).unwrap(), OLD);
    written.settle().unwrap();
    // Seen through a process of the host, it does not depend on that process.
    let mut edit = bench.edit();
    edit.root = Text::new(format!("/proc/{}/root", std::process::id()));
    let all = gatemedic::action::edit::rehearse_all(&[&edit]).unwrap();
    let written = gatemedic::action::edit::write(
        &permit(),
        all.into_iter().next().unwrap(),
        &bench.tools(),
        plan(),
    )
    .unwrap();
    let Undo::RestoreFile { root, .. } = &written.undo else { panic!() };
    assert!(root.is_empty(), "{root}");
    written.settle().unwrap();
}

#[test]
fn a_record_of_another_version_is_shown_and_not_acted_on() {
    let bench = Bench::new();
    let written = bench.write().unwrap();
    let folder = bench.path("state/pending");
    let record = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let newer = fs::read_to_string(&record).unwrap().replace("\"version\":1", "\"version\":2");
    fs::write(&record, newer).unwrap();
    let found = interrupted(&bench.tools());
    assert_eq!((found.len(), found[0].on_disk), (1, OnDisk::Unknown));
    assert!(found[0].undo.is_none() && !found[0].by_hand.is_empty());
    assert!(matches!(recover(&permit(), &bench.tools(), &found[0]), Err(Failure::Human(_))));
    assert_eq!(bench.text(), NEW);
    drop(written);
}

#[test]
fn an_edit_whose_process_lives_is_not_offered_for_recovery() {
    let bench = Bench::new();
    let written = bench.write().unwrap();
    assert!(interrupted(&bench.tools()).is_empty());
    drop(written);
}

#[test]
fn a_copy_in_the_folder_of_includes_would_not_be_loaded() {
    let program = std::path::Path::new("/usr/sbin/nginx");
    if !is_root() || !program.exists() {
        skip!("nginx is not here, or we are not root");
    }
    let bench = Bench::new();
    // What `include conf.d/*` takes: everything without a leading dot.
    fs::write(bench.path("conf.d").join(".gatemedic-0011"), "garbage here").unwrap();
    fs::write(bench.file(), "").unwrap();
    let main = bench.path("nginx.conf");
    let include = bench.path("conf.d/*");
    let text = format!(
        "error_log {0}/e.log; pid {0}/n.pid; events {{}} http {{ access_log off; include {1}; }}",
        bench.folder.path().display(),
        include.display()
    );
    fs::write(&main, text).unwrap();
    let tried = Command::new(program).args(["-t", "-q", "-c"]).arg(&main).output().unwrap();
    assert!(tried.status.success(), "{}", String::from_utf8_lossy(&tried.stderr));
    drop(tools(bench.folder.path()));
}
