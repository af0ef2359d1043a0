use proptest::prelude::*;

use super::*;
use crate::observation::UnitName;

const HEX: &str = "83afc57066c10000000000000000000000000000000000000000000000000000";

fn kills(lines: &[&str]) -> Vec<KernelKill> {
    let mut oom = Oom::default();
    lines
        .iter()
        .zip(1_u64..)
        .filter_map(|(text, n)| {
            oom.admit(Line { sequence: n, stamp: n * 10, at: Wall::from_secs(100), text })
        })
        .collect()
}

fn killed(pid: u32, name: &str) -> String {
    format!(
        "Memory cgroup out of memory: Killed process {pid} ({name}) total-vm:43072kB, \
         anon-rss:40192kB, file-rss:1652kB, shmem-rss:4kB, UID:0 pgtables:120kB oom_score_adj:0"
    )
}

fn summary(group: &str, task: &str, name: &str, pid: u32) -> String {
    format!(
        "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=x,mems_allowed=0,\
         oom_memcg={group},task_memcg={task},task={name},pid={pid},uid=0"
    )
}

fn unit(name: &str) -> Option<Owner> {
    UnitName::new(name).ok().map(Owner::Unit)
}

#[test]
fn the_records_of_one_report_become_one_kill_of_the_victim_not_of_the_requester() {
    let path = format!("/docker/{HEX}/system.slice/hog.service");
    let kills = kills(&[
        "dd invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
        "memory: usage 24576kB, limit 24576kB, failcnt 97",
        "memory+swap: usage 24576kB, limit 9007199254740988kB, failcnt 0",
        "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name",
        &summary(&path, &path, "tail", 1177),
        &killed(1177, "tail"),
        "oom_reaper: reaped process 1177 (tail), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB",
    ]);
    let [kill] = kills.as_slice() else { panic!("{kills:?}") };
    assert_eq!((kill.pid, kill.name.raw()), (1177, "tail"));
    assert_eq!(kill.owner, unit("hog.service"));
    assert_eq!(kill.scope, KillScope::Cgroup(Text::new(&path)));
    assert_eq!(kill.rss, (40192 + 1652 + 4) * 1024);
    assert_eq!(kill.limit, Some(24576 * 1024));
    assert_eq!(kill.sequence, 6);
}

#[test]
fn a_kill_without_its_report_is_still_a_kill() {
    let kills = kills(&[&killed(5, "node")]);
    assert_eq!(kills[0].scope, KillScope::Cgroup(Text::new("")));
    assert_eq!((kills[0].owner.clone(), kills[0].limit), (None, None));
}

#[test]
fn a_global_kill_names_the_unit_but_no_limit() {
    let lines = [
        "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,\
         task_memcg=/system.slice/app.service,task=node,pid=1177,uid=1000",
        "Out of memory: Killed process 1177 (node) total-vm:43072kB, anon-rss:40192kB, \
         file-rss:0kB, shmem-rss:0kB, UID:1000 pgtables:120kB oom_score_adj:0",
    ];
    let kill = &kills(&lines)[0];
    assert_eq!((&kill.scope, kill.limit), (&KillScope::Host, None));
    assert_eq!(kill.owner, unit("app.service"));
    let lines = lines.map(|l| l.replace("CONSTRAINT_NONE", "CONSTRAINT_CPUSET"));
    let lines = [lines[0].as_str(), lines[1].as_str()];
    assert_eq!(kills(&lines)[0].scope, KillScope::Nodes);
}

#[test]
fn old_kernels_say_it_in_other_words() {
    let found = kills(&[
        "httpd invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=0",
        "Task in /system.slice/httpd.service killed as a result of limit of /system.slice",
        "memory: usage 1024kB, limit 1024kB, failcnt 97",
        "Memory cgroup out of memory: Kill process 123 (httpd) score 1000 or sacrifice child",
        "Killed process 124 (httpd), UID 48, total-vm:10kB, anon-rss:2kB, file-rss:1kB, shmem-rss:0kB",
    ]);
    let [kill] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((kill.pid, kill.rss), (124, 3 * 1024));
    assert_eq!(kill.scope, KillScope::Cgroup(Text::new("/system.slice")));
    assert_eq!(kill.owner, unit("httpd.service"));
    let found = kills(&[
        "Out of memory: Kill process 9 (java) score 800 or sacrifice child",
        "Killed process 9 (java) total-vm:10kB, anon-rss:2kB, file-rss:1kB",
    ]);
    assert_eq!((found[0].pid, &found[0].scope), (9, &KillScope::Host));
}

#[test]
fn a_group_that_dies_together_is_one_kill_for_each_process() {
    let found = kills(&[
        "a invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
        &summary("/system.slice/app.service", "/system.slice/app.service/w", "a", 1),
        &killed(1, "a"),
        "Tasks in /system.slice/app.service are going to be killed due to memory.oom.group set",
        &killed(2, "b"),
        &killed(3, "c"),
    ]);
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|k| k.owner == unit("app.service")));
}

#[test]
fn the_report_of_a_victim_that_was_already_exiting_is_not_given_to_the_next() {
    let found = kills(&[
        "a invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
        "memory: usage 1024kB, limit 1024kB, failcnt 97",
        &summary("/system.slice/a.service", "/system.slice/a.service", "a", 1),
        "Memory cgroup out of memory: OOM victim 1 (a) is already exiting. Skip killing the task",
        &killed(2, "b"),
    ]);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].owner.clone(), found[0].limit), (None, None));
}

#[test]
fn hostile_process_names_stay_names() {
    for name in ["a) total-vm:9kB", "), UID 1, tot", "x,pid=1,uid=0", "\n(b)", "", "a (b"] {
        let found = kills(&[
            &summary("/system.slice/a.service", "/system.slice/a.service", name, 7),
            &killed(7, name),
        ]);
        assert_eq!((found[0].pid, found[0].name.raw()), (7, name));
        assert_eq!(found[0].rss, (40192 + 1652 + 4) * 1024, "{name:?}");
        assert_eq!(found[0].owner, unit("a.service"), "{name:?}");
    }
}

#[test]
fn hostile_group_names_do_not_move_the_blame() {
    // Directories named `x,task_memcg=` that hold `system.slice/nginx.service`.
    let path = "/user.slice/x,task_memcg=/system.slice/nginx.service/leaf";
    let found = kills(&[&summary(path, path, "a", 7), &killed(7, "a")]);
    assert_eq!(found[0].cgroup, Some(Text::new(path)));
    assert_eq!(found[0].scope, KillScope::Cgroup(Text::new(path)));
}

#[test]
fn words_about_kills_in_other_lines_are_not_kills() {
    let crash = "Killed process [12]: segfault at 0 ip 1 sp 2 error 4";
    assert!(kills(&[crash, "x: Killed process 1 (nginx) total-vm:1kB"]).is_empty());
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(
        lines in proptest::collection::vec(".{0,60}", 0..6),
        name in ".{0,20}",
    ) {
        let mut all: Vec<String> = Vec::new();
        for line in lines {
            all.push(format!("oom-kill:{line}"));
            all.push(format!("memory: usage {line}"));
            all.push(format!("Killed process {line}"));
            all.push(line);
        }
        all.push(killed(3, &name));
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let found = kills(&all);
        prop_assert!(found.iter().any(|k| k.pid == 3));
    }
}
