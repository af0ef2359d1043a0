//! seccomp: the few system calls that a screen needs, and `EPERM` for every other. Not one of them
//! takes a path, starts a program, opens a socket or reaches another process.

use std::collections::BTreeMap;

use libc::c_long;
use rustix::process::getpid;
use seccompiler::{
    BackendError, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

use crate::session::kiosk::LockFact;

/// Its name in the list.
const PART: &str = "seccomp";

/// Calls that are allowed whatever they are asked for: reading, writing and waiting on what is
/// open, memory that is not executed, threads, clocks and signals to oneself.
const PLAIN: &[c_long] = &[
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_lseek,
    libc::SYS_ppoll,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_eventfd2,
    libc::SYS_recvfrom,
    libc::SYS_shutdown,
    libc::SYS_futex,
    libc::SYS_munmap,
    libc::SYS_madvise,
    libc::SYS_mremap,
    libc::SYS_brk,
    libc::SYS_membarrier,
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_restart_syscall,
    libc::SYS_getrandom,
    libc::SYS_uname,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_getsid,
    libc::SYS_getpgid,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// The same under the names that only this processor has.
#[cfg(target_arch = "x86_64")]
const OLD: &[c_long] = &[libc::SYS_poll, libc::SYS_epoll_wait, libc::SYS_getpgrp];
#[cfg(not(target_arch = "x86_64"))]
const OLD: &[c_long] = &[];

/// What a terminal is asked (`ioctl_tty(2)`). `TIOCSTI` is not among it: it types for the next reader.
const TERMINAL: [u64; 13] = [
    libc::TCGETS,
    libc::TCSETS,
    libc::TCSETSW,
    libc::TCSETSF,
    libc::TCGETS2,
    libc::TCSETS2,
    libc::TCSETSW2,
    libc::TCSETSF2,
    libc::TCFLSH,
    libc::TIOCGWINSZ,
    libc::TIOCGSID,
    libc::TIOCGPGRP,
    libc::FIONBIO,
];

/// What may be asked of a descriptor (fcntl(2)); not who gets a signal for it.
const DESCRIPTOR: [i32; 5] =
    [libc::F_GETFD, libc::F_SETFD, libc::F_GETFL, libc::F_SETFL, libc::F_DUPFD_CLOEXEC];

/// Flags of clone(2) that make something else than a thread.
const SPACES: i32 = libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET;

/// Denies this thread, and all that it starts, every other call.
pub(super) fn shut() -> LockFact {
    let Some(arch) = architecture() else {
        return LockFact::missing(PART, "no list of calls for this processor");
    };
    match filters(arch).map_err(seccompiler::Error::from).and_then(install) {
        Ok(calls) => LockFact::held(PART, format!("{calls} calls that a screen needs, no other")),
        Err(error) => LockFact::missing(PART, error),
    }
}

fn architecture() -> Option<TargetArch> {
    TargetArch::try_from(std::env::consts::ARCH).ok()
}

fn install(
    (first, second, calls): (SeccompFilter, SeccompFilter, usize),
) -> Result<usize, seccompiler::Error> {
    for filter in [first, second] {
        let program: seccompiler::BpfProgram = filter.try_into()?;
        seccompiler::apply_filter(&program)?;
    }
    Ok(calls)
}

/// The filter for clone3(2), the list, and how many calls it allows. What clone3 is asked for stands in
/// memory that no filter can read; it is answered as by a kernel without it, and C libraries then
/// use clone(2). It comes first: the list forbids filters too.
fn filters(arch: TargetArch) -> Result<(SeccompFilter, SeccompFilter, usize), BackendError> {
    let absent = SeccompAction::Errno(errno(libc::ENOSYS));
    let clone3 = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    let first = SeccompFilter::new(clone3, SeccompAction::Allow, absent, arch)?;
    let rules = rules()?;
    let calls = rules.len();
    let denied = SeccompAction::Errno(errno(libc::EPERM));
    let second = SeccompFilter::new(rules, denied, SeccompAction::Allow, arch)?;
    Ok((first, second, calls))
}

const fn errno(number: i32) -> u32 {
    number.unsigned_abs()
}

fn rules() -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
    let plain = PLAIN.iter().chain(OLD).map(|call| (*call, Vec::new()));
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = plain.collect();
    // For the filter above to answer.
    rules.insert(libc::SYS_clone3, Vec::new());
    let thread = number(libc::CLONE_THREAD | SPACES);
    rules.insert(
        libc::SYS_clone,
        vec![all([(0, SeccompCmpOp::MaskedEq(thread), number(libc::CLONE_THREAD))])?],
    );
    let own = u64::from(getpid().as_raw_nonzero().get().unsigned_abs());
    for call in [libc::SYS_kill, libc::SYS_tgkill] {
        rules.insert(call, vec![all([(0, SeccompCmpOp::Eq, own)])?]);
    }
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        let executed = SeccompCmpOp::MaskedEq(number(libc::PROT_EXEC));
        rules.insert(call, vec![all([(2, executed, 0)])?]);
    }
    let each = |argument, values: &[u64]| -> Result<Vec<SeccompRule>, BackendError> {
        values.iter().map(|value| all([(argument, SeccompCmpOp::Eq, *value)])).collect()
    };
    rules.insert(libc::SYS_ioctl, each(1, &TERMINAL)?);
    rules.insert(libc::SYS_fcntl, each(1, &DESCRIPTOR.map(number))?);
    // The name of a thread.
    rules.insert(libc::SYS_prctl, each(0, &[number(libc::PR_SET_NAME)])?);
    // A pair reaches nobody but its own two ends.
    rules.insert(libc::SYS_socketpair, each(0, &[number(libc::AF_UNIX)])?);
    // To the other end of what is connected, to no address.
    rules.insert(libc::SYS_sendto, vec![whole(4, 0)?]);
    // How large a stack may be, asked and not set.
    rules.insert(libc::SYS_prlimit64, vec![whole(2, 0)?]);
    Ok(rules)
}

fn number(value: i32) -> u64 {
    u64::from(value.cast_unsigned())
}

/// A rule on arguments of 32 bits.
fn all<const N: usize>(
    conditions: [(u8, SeccompCmpOp, u64); N],
) -> Result<SeccompRule, BackendError> {
    let conditions = conditions.into_iter().map(|(argument, operation, value)| {
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operation, value)
    });
    SeccompRule::new(conditions.collect::<Result<_, _>>()?)
}

/// A rule on one argument as wide as a pointer.
fn whole(argument: u8, value: u64) -> Result<SeccompRule, BackendError> {
    let condition =
        SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, value)?;
    SeccompRule::new(vec![condition])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_compiles_and_names_no_call_that_takes_a_path_or_reaches_another() {
        let arch = architecture().unwrap();
        let (first, second, _) = filters(arch).unwrap();
        for filter in [first, second] {
            assert!(seccompiler::BpfProgram::try_from(filter).unwrap().len() > 4);
        }
        let rules = rules().unwrap();
        for call in [
            libc::SYS_openat,
            libc::SYS_openat2,
            libc::SYS_execve,
            libc::SYS_execveat,
            libc::SYS_socket,
            libc::SYS_connect,
            libc::SYS_bind,
            libc::SYS_sendmsg,
            libc::SYS_recvmsg,
            libc::SYS_tkill,
            libc::SYS_ptrace,
            libc::SYS_pidfd_open,
            libc::SYS_process_vm_writev,
            libc::SYS_mount,
            libc::SYS_unshare,
            libc::SYS_setns,
            libc::SYS_setuid,
            libc::SYS_reboot,
            libc::SYS_sethostname,
            libc::SYS_io_uring_setup,
            libc::SYS_bpf,
            libc::SYS_seccomp,
            libc::SYS_memfd_create,
        ] {
            assert!(!rules.contains_key(&call), "{call}");
        }
    }
}
