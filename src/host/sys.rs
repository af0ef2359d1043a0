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
