//! Owner and mode of sockets, and the way to them.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, symlink},
        net::UnixListener,
    },
    path::Path,
};

use gatemedic::{action::Failure, observation::Text, remedy::Action};

use super::ground;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn access(path: &Path, group: Option<u32>) -> Action {
    Action::SetSocketAccess {
        path: Text::new(path.to_str().unwrap()),
        root: Text::default(),
        owner: None,
        group,
        mode: 0o660,
    }
}

#[tokio::test]
async fn a_socket_gets_its_group_and_mode_and_has_the_old_ones_again_after_undo() {
    if !ground::is_root() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.sock");
    let _listener = UnixListener::bind(&path).unwrap();
    set(&path, 0o600);
    let done = ground::act(&access(&path, Some(33))).await.unwrap();
    assert_eq!((mode(&path), fs::metadata(&path).unwrap().gid()), (0o660, 33));
    ground::take_back(&done.undo.unwrap()).await.unwrap();
    assert_eq!((mode(&path), fs::metadata(&path).unwrap().gid()), (0o600, 0));
}

#[tokio::test]
async fn what_is_no_socket_or_only_leads_to_one_or_has_two_names_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let real = dir.path().join("real.sock");
    let _listener = UnixListener::bind(&real).unwrap();
    set(&real, 0o600);
    let (link, file) = (dir.path().join("link"), dir.path().join("file"));
    symlink(&real, &link).unwrap();
    fs::write(&file, "").unwrap();
    set(&file, 0o600);
    for path in [&link, &file] {
        let failure = ground::act(&access(path, None)).await.unwrap_err();
        assert!(matches!(failure, Failure::Changed(_)), "{failure}");
    }
    fs::hard_link(&real, dir.path().join("second")).unwrap();
    let failure = ground::act(&access(&real, None)).await.unwrap_err();
    assert!(matches!(failure, Failure::Changed(_)), "{failure}");
    assert_eq!((mode(&real), mode(&file)), (0o600, 0o600));
    let failure = ground::act(&access(&dir.path().join("no"), None)).await.unwrap_err();
    assert!(matches!(failure, Failure::Gone(_)), "{failure}");
}

#[tokio::test]
async fn a_directory_gets_only_the_right_to_pass_and_homes_and_planted_ones_are_refused() {
    if !ground::is_root() {
        return;
    }
    // Not below /tmp: everybody can write there.
    let dir = tempfile::tempdir_in("/run").unwrap();
    let way = dir.path().join("way");
    fs::create_dir(&way).unwrap();
    set(&way, 0o750);
    let open = |path: &Path| Action::AllowTraverse {
        directory: Text::new(path.to_str().unwrap()),
        root: Text::default(),
    };
    let done = ground::act(&open(&way)).await.unwrap();
    assert_eq!(mode(&way), 0o751);
    let undo = done.undo.unwrap();
    ground::take_back(&undo).await.unwrap();
    assert_eq!(mode(&way), 0o750);
    set(&way, 0o755);
    let failure = ground::take_back(&undo).await.unwrap_err();
    assert!(matches!(failure, Failure::Changed(_)), "{failure}");
    set(&way, 0o750);
    set(dir.path(), 0o777);
    let before = mode(Path::new("/root"));
    for path in [&way, Path::new("/root"), Path::new("/etc/hostname")] {
        let failure = ground::act(&open(path)).await.unwrap_err();
        assert!(matches!(failure, Failure::Refused(_)), "{failure}");
    }
    assert_eq!((mode(&way), mode(Path::new("/root"))), (0o750, before));
}
