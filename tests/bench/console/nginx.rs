//! The gateway of a bench.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
};

/// A private nginx in the foreground, where there is one.
pub struct Nginx(pub Option<Child>);

impl Nginx {
    pub fn start(folder: &Path, config: &str) -> Self {
        let child = Command::new("nginx")
            .args(["-c", config, "-g", "daemon off;", "-p"])
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.ok())
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let pid = rustix::process::Pid::from_child(child);
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            drop(child.wait());
        }
    }
}
