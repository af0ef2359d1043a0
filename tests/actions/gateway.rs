//! The reload of a real nginx.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::Duration,
};

use gatemedic::{
    action::{Failure, hands},
    evidence::CaseFile,
    observation::Gateway,
    remedy::Action,
};

use super::ground;

/// An nginx of this test's own, ended with it.
pub struct Nginx {
    master: Child,
    pub dir: tempfile::TempDir,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.master);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.master.wait();
    }
}

impl Nginx {
    /// Starts it with these `http` contents and waits for its workers.
    pub fn start(http: &str) -> Option<Self> {
        Self::start_in(http, false)
    }

    /// The same, in a network namespace of its own when `alone`.
    pub fn start_in(http: &str, alone: bool) -> Option<Self> {
        if !Path::new("/usr/sbin/nginx").exists() {
            println!("skipped: nginx is not installed");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().display();
        let config = format!(
            "daemon off; worker_processes 2; pid {at}/pid; error_log {at}/error.log;\n\
             events {{ worker_connections 64; }}\n\
             http {{ access_log {at}/access.log combined; client_body_temp_path {at}/body;\n\
             proxy_temp_path {at}/proxy; fastcgi_temp_path {at}/fastcgi;\n\
             uwsgi_temp_path {at}/uwsgi; scgi_temp_path {at}/scgi;\n{http}\n}}\n"
        );
        fs::write(dir.path().join("nginx.conf"), config).unwrap();
        let mut command = if alone {
            let mut command = Command::new("/usr/bin/unshare");
            command.args([
                "-n",
                "sh",
                "-c",
                "ip link set lo up && exec /usr/sbin/nginx \"$@\"",
                "x",
            ]);
            command
        } else {
            Command::new("/usr/sbin/nginx")
        };
        let master = command
            .args(["-p", &at.to_string(), "-c", &format!("{at}/nginx.conf")])
            .spawn()
            .unwrap();
        let nginx = Self { master, dir };
        until(|| nginx.workers().len() == 2);
        Some(nginx)
    }

    pub fn master(&self) -> u32 {
        self.master.id()
    }

    pub fn workers(&self) -> BTreeSet<u32> {
        let children = format!("/proc/{0}/task/{0}/children", self.master());
        let text = fs::read_to_string(children).unwrap_or_default();
        text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn gateway(&self) -> Gateway {
        let config = self.file("nginx.conf");
        let netns = gatemedic::host::netns::own();
        serde_json::from_value(serde_json::json!({
            "id": format!("nginx:{}", config.display()), "kind": "nginx", "version": null,
            "config": config, "running": true, "master": self.master(),
            "workers": self.workers(), "worker_uid": null, "worker_gids": [], "netns": netns,
            "root": "", "unit": null, "container": null, "started": null, "loaded": null
        }))
        .unwrap()
    }
}

/// Waits for something that comes within moments; only a hang reaches the end.
pub fn until(done: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it never came");
}

#[tokio::test]
async fn the_master_gets_the_signal_whatever_its_pid_file_says() {
    let Some(nginx) = Nginx::start("") else { return };
    let mut victim = Command::new("/bin/sleep").arg("1000").spawn().unwrap();
    fs::write(nginx.file("pid"), victim.id().to_string()).unwrap();
    let gateway = nginx.gateway();
    let mut case = CaseFile::new();
    case.gateways.insert(gateway.id.clone(), gateway.clone());
    case.processes.insert(nginx.master(), ground::seen(nginx.master()));
    let before = nginx.workers();
    let action = Action::ReloadGateway { gateway: gateway.id.clone(), master: nginx.master() };
    let tools = ground::tools(Path::new("/nowhere"));
    hands::carry_out(&ground::permit(), &action, &case, &tools).await.unwrap();
    until(|| {
        let now = nginx.workers();
        now.len() == 2 && now.is_disjoint(&before)
    });
    assert!(victim.try_wait().unwrap().is_none());
    victim.kill().unwrap();
    victim.wait().unwrap();
    // A master that was started again meanwhile is another one.
    case.processes.get_mut(&nginx.master()).unwrap().start_ticks += 1;
    let failure = hands::carry_out(&ground::permit(), &action, &case, &tools).await.unwrap_err();
    assert!(matches!(failure, Failure::Changed(_)), "{failure}");
}
