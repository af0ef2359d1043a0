//! The only place with `unsafe`: calls that no safe crate offers.
#![expect(unsafe_code, reason = "this is the one file that may")]

/// Keeps the memory of short-lived work from staying with the process: by default glibc gives
/// every thread a heap of its own and learns to keep large blocks (mallopt(3)). To be called
/// before the first thread starts. Other C libraries have no such habits.
pub fn keep_heap_small() {
    #[cfg(target_env = "gnu")]
    {
        use std::ffi::c_int;

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
