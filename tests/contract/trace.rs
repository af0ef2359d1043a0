//! What a process did, read from strace, and what of it changes something.

use std::collections::BTreeSet;

/// The calls that can change something.
pub(crate) const CALLS: &str = "trace=openat,openat2,open,creat,unlink,unlinkat,rename,renameat,renameat2,\
                     mkdir,mkdirat,rmdir,chmod,fchmod,fchmodat,chown,fchown,fchownat,lchown,link,\
                     linkat,symlink,symlinkat,truncate,mknodat,mount,umount2,kill,tkill,tgkill,\
                     pidfd_send_signal,ptrace,bind,listen,execve,sethostname,setxattr,utimensat,\
                     init_module,finit_module,reboot";

/// Programs that may be run, and words that must not be among their arguments.
const PROGRAMS: [(&str, &[&str]); 6] = [
    ("journalctl", &["--rotate", "--vacuum", "--flush", "--sync"]),
    ("nginx", &["\"-t\"", "\"-s\"", "\"-T\""]),
    ("nft", &["add", "delete", "flush", "insert", "-f"]),
    ("xtables-nft-multi", &["restore"]),
    ("iptables-save", &[]),
    ("ip6tables-save", &[]),
];

/// Where the ledger of the probe budget lies.
const LEDGER: [&str; 3] = ["/run/gatemedic", "/run/user/", "\"probes.json\""];

/// The calls that are not allowed. A signal to a process that was started meanwhile is.
pub(crate) fn effects(trace: &str) -> BTreeSet<&str> {
    let pid = |line: &str| line.split_once(' ').and_then(|(pid, _)| pid.parse::<u32>().ok());
    let own: BTreeSet<u32> = trace.lines().filter_map(pid).collect();
    let to_own = |call: &str| {
        let target = call.strip_prefix("kill(").and_then(|rest| rest.split(',').next());
        let target = target.and_then(|pid| pid.parse::<i32>().ok());
        target.is_some_and(|pid| own.contains(&pid.unsigned_abs()))
    };
    trace.lines().filter_map(effect).filter(|call| !to_own(call)).collect()
}

/// The call, when it is one that is not allowed.
fn effect(line: &str) -> Option<&str> {
    let call = line.split_once(' ')?.1.trim_start();
    let name = call.split('(').next()?;
    // strace was told to end between a thread's start and its first call, or the thread was gone
    // before its registers could be read: -1 and below are no numbers of calls.
    if name == "???" || name.starts_with("syscall_0xffffffff") {
        return None;
    }
    let ledger = LEDGER.iter().any(|path| call.contains(path));
    let writes = ["O_CREAT", "O_WRONLY", "O_RDWR", "O_TRUNC"];
    let allowed = match name {
        "open" | "openat" | "openat2" => {
            !writes.iter().any(|flag| call.contains(flag))
                || call.contains("\"/dev/null\"")
                || call.contains("\"/dev/tty\"")
                || call.contains("\"/dev/pts/")
                || ledger
        }
        "mkdir" | "mkdirat" | "renameat" | "renameat2" | "rename" | "fchmod" => ledger,
        "kill" | "tgkill" => call.contains(", 0)"),
        "bind" => {
            call.contains("AF_NETLINK")
                || call.contains("sin_port=htons(0)")
                || call.contains("sin6_port=htons(0)")
        }
        "execve" => may_run(call),
        _ => !call.contains('('),
    };
    (!allowed && !call.starts_with("<...") && !call.starts_with("+++")).then_some(call)
}

fn may_run(call: &str) -> bool {
    let exe = call.split('"').nth(1).unwrap_or_default();
    let name = exe.rsplit('/').next().unwrap_or_default();
    exe == env!("CARGO_BIN_EXE_gatemedic")
        || PROGRAMS.iter().any(|(allowed, never)| {
            *allowed == name && exe.starts_with('/') && !never.iter().any(|w| call.contains(w))
        })
}
