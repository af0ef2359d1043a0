use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::observation::{ContainerId, UnitName};

const ID: &str = "83afc57066c1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Root) {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let root = Root::new(dir.path());
    (dir, root)
}

fn unit(name: &str) -> Owner {
    Owner::Unit(UnitName::new(name).unwrap())
}

fn container() -> Owner {
    Owner::Container(ContainerId::new(ID).unwrap())
}

fn only(root: &Root, pid: u32) -> Option<CgroupSample> {
    let hierarchies = Hierarchies::read(root).unwrap();
    let membership = Membership::of(root, pid).unwrap();
    hierarchies.group(root, &membership)?.sample(root)
}

const V2: &str = "1 2 0:9 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n";
const V1: &str = "1 2 0:9 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
    1 2 0:8 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n\
    1 2 0:7 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
    1 2 0:6 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n\
    1 2 0:5 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

#[test]
fn a_service_on_v2_is_sampled_at_its_own_group_not_at_a_worker_below() {
    let g = "sys/fs/cgroup/system.slice/app.service";
    let (_dir, root) = tree(&[
        ("proc/self/mountinfo", V2),
        ("proc/5/cgroup", "0::/system.slice/app.service/workers\n"),
        (&format!("{g}/memory.current"), "1048576\n"),
        (&format!("{g}/memory.max"), "62914560\n"),
        (&format!("{g}/memory.events"), "low 0\nhigh 0\nmax 4\noom 1\noom_kill 2\n"),
        (&format!("{g}/pids.current"), "3\n"),
        (&format!("{g}/pids.max"), "max\n"),
        (&format!("{g}/cpu.stat"), "usage_usec 5\nnr_throttled 7\nthrottled_usec 900\n"),
    ]);
    let sample = only(&root, 5).unwrap();
    assert_eq!(sample.owner, unit("app.service"));
    assert_eq!(sample.path.raw(), "/system.slice/app.service");
    assert_eq!((sample.memory, sample.memory_max), (Some(1 << 20), Some(62_914_560)));
    assert_eq!((sample.oom_kills, sample.pids, sample.pids_max), (Some(2), Some(3), None));
    assert_eq!((sample.throttled_periods, sample.throttled_us), (Some(7), Some(900)));
}

#[test]
fn a_container_on_v1_is_read_from_its_controllers_own_trees() {
    let (_dir, root) = tree(&[
        ("proc/self/mountinfo", V1),
        (
            "proc/5/cgroup",
            &format!(
                "9:name=systemd:/docker/{ID}\n4:memory:/docker/{ID}\n3:cpu,cpuacct:/docker/{ID}\n\
                 2:pids:/docker/{ID}\n0::/docker/{ID}\n"
            ),
        ),
        (&format!("sys/fs/cgroup/memory/docker/{ID}/memory.usage_in_bytes"), "4096\n"),
        (
            &format!("sys/fs/cgroup/memory/docker/{ID}/memory.limit_in_bytes"),
            "9223372036854771712\n",
        ),
        (
            &format!("sys/fs/cgroup/memory/docker/{ID}/memory.oom_control"),
            "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
        ),
        (&format!("sys/fs/cgroup/pids/docker/{ID}/pids.current"), "1\n"),
        (&format!("sys/fs/cgroup/pids/docker/{ID}/pids.max"), "100\n"),
        (
            &format!("sys/fs/cgroup/cpu,cpuacct/docker/{ID}/cpu.stat"),
            "nr_periods 1\nnr_throttled 2\nthrottled_time 5000\n",
        ),
    ]);
    let sample = only(&root, 5).unwrap();
    assert_eq!(sample.owner, container());
    assert_eq!((sample.memory, sample.memory_max), (Some(4096), None));
    assert_eq!((sample.oom_kills, sample.pids_max), (Some(3), Some(100)));
    assert_eq!((sample.throttled_periods, sample.throttled_us), (Some(2), Some(5)));
}

#[test]
fn on_a_hybrid_host_the_numbers_of_a_group_above_are_not_the_units() {
    let (_dir, root) = tree(&[
        ("proc/self/mountinfo", V1),
        (
            "proc/5/cgroup",
            "9:name=systemd:/system.slice/app.service\n4:memory:/\n3:cpu,cpuacct:/\n\
             2:pids:/system.slice/app.service\n0::/system.slice/app.service\n",
        ),
        ("sys/fs/cgroup/memory/memory.usage_in_bytes", "999\n"),
        ("sys/fs/cgroup/pids/system.slice/app.service/pids.current", "4\n"),
    ]);
    let sample = only(&root, 5).unwrap();
    assert_eq!((sample.memory, sample.pids), (None, Some(4)));
}

#[test]
fn inside_a_container_the_mount_shows_only_its_part_or_the_prefix_is_missing() {
    let cgroup = format!("4:memory:/docker/{ID}/system.slice/a.service\n");
    let mount =
        |root: &str| format!("1 2 0:9 {root} /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
    let shown = "sys/fs/cgroup/memory/system.slice/a.service/memory.usage_in_bytes";
    let whole =
        format!("sys/fs/cgroup/memory/docker/{ID}/system.slice/a.service/memory.usage_in_bytes");
    let part = format!("/docker/{ID}");
    for (mounted, file) in [(part.as_str(), shown), ("/", &whole), (part.as_str(), &whole)] {
        let (_dir, root) = tree(&[
            ("proc/self/mountinfo", &mount(mounted)),
            ("proc/5/cgroup", &cgroup),
            (file, "7\n"),
        ]);
        let sample = only(&root, 5).unwrap();
        assert_eq!((sample.owner, sample.memory), (unit("a.service"), Some(7)), "{mounted} {file}");
    }
}

#[test]
fn owners_without_a_known_process_are_found_by_name_in_any_slice() {
    let (_dir, root) = tree(&[
        ("proc/self/mountinfo", V2),
        ("proc/1/cgroup", "0::/init.scope\n"),
        ("sys/fs/cgroup/cgroup.procs", ""),
        ("sys/fs/cgroup/system.slice/system-app.slice/app@1.service/pids.current", "2\n"),
        (&format!("sys/fs/cgroup/system.slice/docker-{ID}.scope/pids.current"), "3\n"),
        ("sys/fs/cgroup/system.slice/other.service/pids.current", "4\n"),
    ]);
    let hierarchies = Hierarchies::read(&root).unwrap();
    let wanted = BTreeSet::from([unit("app@1.service"), container(), unit("gone.service")]);
    let (groups, cut) = hierarchies.search(&root, &wanted);
    let mut pids: Vec<_> =
        groups.iter().map(|g| (g.sample(&root).unwrap().pids, g.path.clone())).collect();
    pids.sort();
    assert!(!cut);
    assert_eq!(
        pids,
        [
            (Some(2), "/system.slice/system-app.slice/app@1.service".to_owned()),
            (Some(3), format!("/system.slice/docker-{ID}.scope")),
        ]
    );
}

#[test]
fn a_group_that_vanishes_is_gone_and_not_an_error() {
    let (dir, root) = tree(&[
        ("proc/self/mountinfo", V2),
        ("proc/5/cgroup", "0::/system.slice/app.service\n"),
        ("sys/fs/cgroup/system.slice/app.service/pids.current", "2\n"),
    ]);
    let hierarchies = Hierarchies::read(&root).unwrap();
    let group = hierarchies.group(&root, &Membership::of(&root, 5).unwrap()).unwrap();
    assert!(group.sample(&root).is_some());
    std::fs::remove_dir_all(dir.path().join("sys/fs/cgroup/system.slice")).unwrap();
    assert_eq!(group.sample(&root), None);
    assert!(matches!(Membership::of(&root, 6), Err(FileError::Missing)));
}

#[test]
fn a_path_outside_the_cgroup_namespace_is_not_followed() {
    let membership = Membership::parse("0::/../../system.slice/a.service\nnonsense\n1:a\n");
    assert_eq!(membership, Membership::default());
}

#[test]
fn the_groups_of_this_machine_are_read_where_they_can_be() {
    let root = Root::default();
    let Ok(hierarchies) = Hierarchies::read(&root) else { return };
    let (pids, _) = root.list("/proc", 100_000).unwrap();
    for pid in pids.iter().filter_map(|name| name.parse().ok()) {
        let Ok(membership) = Membership::of(&root, pid) else { continue };
        if let Some(sample) = hierarchies.group(&root, &membership).and_then(|g| g.sample(&root)) {
            assert!(sample.memory_max.is_none_or(|max| max < NO_LIMIT));
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "[ -~\n]{0,200}", any in ".{0,60}") {
        let membership = Membership::parse(&text);
        let _ = membership.owner();
        let _ = Membership::parse(&any);
        let _ = key(&text, "a");
        let _ = number(&any);
        let _ = upto(&any, &unit("a.service"));
        let mounts = text.lines().filter_map(Mount::parse).collect();
        let _ = Hierarchies::from_mounts(mounts);
    }
}
