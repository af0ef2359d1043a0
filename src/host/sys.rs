//! The only place with `unsafe`: calls that no safe crate offers.
#![expect(unsafe_code, reason = "this is the one file that may")]

use std::{
    ffi::{c_int, c_void},
    sync::OnceLock,
};

/// Keeps the memory of short-lived work from staying with the process: by default glibc gives
/// every thread a heap of its own and learns to keep large blocks (mallopt(3)). To be called
/// before the first thread starts. Other C libraries have no such habits.
pub fn keep_heap_small() {
    #[cfg(target_env = "gnu")]
    {
        unsafe extern "C" {
            safe fn mallopt(parameter: c_int, value: c_int) -> c_int;
        }

        /// From malloc.h; these have not changed since they exist.
        const M_TRIM_THRESHOLD: c_int = -1;
        const M_MMAP_THRESHOLD: c_int = -3;
        const M_ARENA_MAX: c_int = -8;
        // What is refused stays as it is, which does no harm.
        mallopt(M_ARENA_MAX, 2);
        mallopt(M_MMAP_THRESHOLD, 128 * 1_024);
        mallopt(M_TRIM_THRESHOLD, 256 * 1_024);
    }
}

/// Gives back what only the start has needed: freed blocks of the heap (malloc_trim(3)), and the pages
/// of the program and its libraries that nobody has changed (madvise(2), `MADV_DONTNEED`); what is
/// called again comes back from the page cache. Takes some milliseconds.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    {
        unsafe extern "C" {
            safe fn malloc_trim(pad: usize) -> c_int;
        }
        malloc_trim(0);
    }
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    for (from, bytes) in maps.lines().filter_map(unchanged) {
        // SAFETY: the range is a private mapping of a file that was never writable: its pages are
        // those of the file, before and after.
        // What is refused stays in memory, which does no harm.
        let _ = unsafe {
            let place = std::ptr::with_exposed_provenance_mut::<c_void>(from);
            libc::madvise(place, bytes, libc::MADV_DONTNEED)
        };
    }
}

/// Where a line of `/proc/PID/maps` (proc(5)) begins and its length, if it holds code, or what stands
/// before the code of a program: the linker has written to none of it.
fn unchanged(line: &str) -> Option<(usize, usize)> {
    let mut fields = line.split_ascii_whitespace();
    let (from, to) = fields.next()?.split_once('-')?;
    let (rights, offset, _, inode) =
        (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let head = rights == "r--p" && offset.bytes().all(|digit| digit == b'0');
    if inode == "0" || !(rights == "r-xp" || head) {
        return None;
    }
    let from = usize::from_str_radix(from, 16).ok()?;
    Some((from, usize::from_str_radix(to, 16).ok()?.checked_sub(from)?))
}

/// Gives the calling thread a root and working directory of its own (unshare(2), `CLONE_FS`).
///
/// # Errors
/// What unshare(2) says.
pub fn leave_file_system() -> rustix::io::Result<()> {
    // SAFETY: only descriptors (`CLONE_FILES`) are shared in a way that Rust relies on.
    unsafe { rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::FS) }
}

/// Gives the calling thread mounts of its own (unshare(2), `CLONE_NEWNS`).
///
/// # Errors
/// `EPERM` without `CAP_SYS_ADMIN`.
pub fn leave_mounts() -> rustix::io::Result<()> {
    // SAFETY: as above.
    unsafe { rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::NEWNS) }
}

/// Closes every descriptor but the three standard streams (`close_range(2)`): what whoever started
/// us left open is none of ours. To be called before anything is opened.
///
/// # Errors
/// `ENOSYS` before Linux 5.9.
pub fn close_inherited() -> rustix::io::Result<()> {
    const FIRST: libc::c_uint = 3;
    // SAFETY: nothing in this process owns a descriptor yet, so that none is closed under it.
    let done = unsafe { libc::syscall(libc::SYS_close_range, FIRST, libc::c_uint::MAX, 0) };
    if done == 0 {
        return Ok(());
    }
    let error = std::io::Error::last_os_error();
    Err(rustix::io::Errno::from_io_error(&error).unwrap_or(rustix::io::Errno::NOSYS))
}

/// Whether the kernel believes that its clock is in step with a time server (adjtimex(2), asked
/// and not told): `None` when it does not say.
pub fn clock_in_step() -> Option<bool> {
    // SAFETY: a struct of numbers, for which zero is a value; no mode is set, so that the kernel
    // only fills it in.
    let state = unsafe {
        let mut asked: libc::timex = std::mem::zeroed();
        libc::adjtimex(&raw mut asked)
    };
    match state {
        -1 => None,
        libc::TIME_ERROR => Some(false),
        _ => Some(true),
    }
}

/// Has a program killed when the thread that starts it ends (prctl(2), `PR_SET_PDEATHSIG`).
#[expect(clippy::disallowed_types, reason = "host::run starts it")]
pub fn end_with_parent(command: &mut tokio::process::Command) {
    let tie = || {
        let kill = Some(rustix::process::Signal::KILL);
        rustix::process::set_parent_process_death_signal(kill).map_err(std::io::Error::from)
    };
    // SAFETY: one system call, no memory is taken and no lock.
    unsafe {
        command.pre_exec(tie);
    }
}

/// Signals that end a process by default and that nobody here waits for.
const FATAL: [c_int; 17] = [
    libc::SIGABRT,
    libc::SIGALRM,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGIO,
    libc::SIGPROF,
    libc::SIGPWR,
    libc::SIGSEGV,
    libc::SIGSTKFLT,
    libc::SIGSYS,
    libc::SIGTRAP,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGVTALRM,
    libc::SIGXCPU,
    libc::SIGXFSZ,
];
/// What was done about them before.
static BEFORE: OnceLock<Vec<(c_int, libc::sigaction)>> = OnceLock::new();

/// From now on a signal that ends the process by default first gives the terminal back
/// (`Terminal::rescue`), and then ends it as it would have.
pub fn catch_fatal_signals() {
    let current = |signal| {
        // SAFETY: a struct of numbers, for which zero is a value, is filled in; nothing is changed.
        let (old, done) = unsafe {
            let mut old = std::mem::zeroed();
            let done = libc::sigaction(signal, std::ptr::null(), &raw mut old);
            (old, done)
        };
        (done == 0).then_some((signal, old))
    };
    if BEFORE.set(FATAL.into_iter().filter_map(current).collect()).is_err() {
        return;
    }
    for (signal, old) in BEFORE.get().into_iter().flatten() {
        // Who started us wants it ignored.
        if old.sa_sigaction == libc::SIG_IGN {
            continue;
        }
        // SAFETY: the handler lives as long as the program, is of the kind that SA_SIGINFO asks
        // for, and does only what signal-safety(7) allows. It runs on the stack that the standard
        // library gives each of its threads for that, where there is one.
        unsafe {
            let mut new: libc::sigaction = std::mem::zeroed();
            new.sa_sigaction = dying as *const () as usize;
            new.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            libc::sigfillset(&raw mut new.sa_mask);
            libc::sigaction(*signal, &raw const new, std::ptr::null_mut());
        }
    }
}

/// Takes no memory and no lock, and calls nothing but system calls.
extern "C" fn dying(signal: c_int, info: *const libc::siginfo_t, _context: *const c_void) {
    super::terminal::rescue();
    let faults = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE];
    let before = BEFORE.get().into_iter().flatten().find(|(s, _)| *s == signal);
    // SAFETY: `info` is the kernel's, and sigaction(2) is given what it gave, or numbers.
    unsafe {
        // A fault happens again on return: the standard library then tells of a full stack.
        if let Some((_, old)) = before
            && faults.contains(&signal)
            && (*info).si_code > 0
        {
            libc::sigaction(signal, old, std::ptr::null_mut());
            return;
        }
        libc::signal(signal, libc::SIG_DFL);
        // Delivered on return.
        libc::raise(signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_linker_never_writes_to_is_given_back() {
        for (line, given) in [
            ("55d0a000-55d0b000 r--p 00000000 fe:00 12 /usr/bin/x", Some((0x55d0_a000, 0x1000))),
            ("55d0b000-55d0d000 r-xp 00001000 fe:00 12 /usr/bin/x", Some((0x55d0_b000, 0x2000))),
            ("55d0d000-55d0e000 r--p 00003000 fe:00 12 /usr/bin/x", None),
            ("55d0e000-55d0f000 rw-p 00004000 fe:00 12 /usr/bin/x", None),
            ("7ffd0000-7ffd1000 r-xp 00000000 00:00 0 [vdso]", None),
            ("7f000000-7f001000 r--p 00000000 00:00 0", None),
            ("", None),
        ] {
            assert_eq!(unchanged(line), given, "{line}");
        }
        give_back();
        assert_eq!("still here".to_owned().len(), 10);
    }
}
