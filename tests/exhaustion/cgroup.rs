//! A control group of one's own (version 1), in which a console is started.

use std::{fs, path::PathBuf};

use super::pty::Pty;

/// Gone when dropped; nothing may run in it then.
pub struct Cgroup(PathBuf);

impl Cgroup {
    /// `Err` with the reason where it cannot be had.
    pub fn new(controller: &str) -> Result<Self, String> {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("gatemedic-test-{}-{number}", std::process::id());
        let path = PathBuf::from("/sys/fs/cgroup").join(controller).join(name);
        match fs::create_dir(&path) {
            Ok(()) => Ok(Self(path)),
            Err(error) => Err(format!("no control group of version 1 for {controller}: {error}")),
        }
    }

    pub fn set(&self, file: &str, value: &str) {
        fs::write(self.0.join(file), value).unwrap();
    }

    /// The number behind a name in a file, or the only one.
    pub fn get(&self, file: &str, name: &str) -> u64 {
        let text = fs::read_to_string(self.0.join(file)).unwrap();
        let line = text.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap();
        line.trim().parse().unwrap()
    }

    pub fn start(&self, program: &str, arguments: &[&str]) -> Pty {
        let script = "echo $$ > \"$1/cgroup.procs\"; shift; exec \"$@\"";
        let group = self.0.display().to_string();
        Pty::start("sh", &[&["-c", script, "sh", &group, program][..], arguments].concat())
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // The last process of it may be on its way out.
        for _ in 0..1_000 {
            if fs::remove_dir(&self.0).is_ok() {
                break;
            }
            std::thread::yield_now();
        }
    }
}
