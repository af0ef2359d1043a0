//! A gateway's reload: SIGHUP to the master that is held, never to a number from a file.

use crate::{
    action::Failure,
    evidence::CaseFile,
    host::pidfd::{Ask, Identity},
    observation::{Gateway, GatewayId, GatewayKind, Text},
};

use super::{Done, process};

/// Programs that are nginx or keep its signals.
const NGINX: [&str; 7] =
    ["nginx", "openresty", "angie", "tengine", "freenginx", "nginx-debug", "nginx.old"];

pub(super) fn reload(id: &GatewayId, master: u32, case: &CaseFile) -> Result<Done, Failure> {
    let name = Text::new("nginx");
    let Some(gateway) = case.gateways.get(id) else {
        return Err(Failure::Gone(format!("{id} is gone")));
    };
    let held = process::hold(master, &name)?;
    let now = held.identity().ok_or_else(|| process::gone(master, &name))?;
    if let Some(why) = not_master(gateway, master, case, &now) {
        return Err(Failure::Changed(why));
    }
    held.ask(Ask::Reload).map_err(|error| match error.raw_os_error() {
        Some(3) => process::gone(master, &name),
        Some(1) => {
            Failure::Denied(format!("the master is not ours; type: sudo kill -HUP {master}"))
        }
        _ => Failure::Refused(format!("process {master}: {error}")),
    })?;
    Ok(Done { words: format!("SIGHUP was sent to the master {master} of {id}"), undo: None })
}

/// Why this process is not the master that was seen, if so.
pub(crate) fn not_master(
    gateway: &Gateway,
    pid: u32,
    case: &CaseFile,
    now: &Identity,
) -> Option<String> {
    if pid == 1 && gateway.container.is_none() && now.exe.is_none() {
        return Some("process 1 is never signalled".to_owned());
    }
    if gateway.master != Some(pid) {
        return Some(format!(
            "the master of {} is {} by now, not {pid}",
            gateway.id,
            gateway.master.map_or_else(|| "gone".to_owned(), |pid| pid.to_string())
        ));
    }
    if let Some(why) =
        case.processes.get(&pid).and_then(|seen| process::other(seen, &seen.name, now))
    {
        return Some(why);
    }
    match gateway.kind {
        GatewayKind::Nginx => {
            let exe = now.exe.as_ref().map(|exe| exe.raw().trim_end_matches(" (deleted)"));
            let program = exe.and_then(|exe| exe.rsplit('/').next());
            // In a container or after an upgrade the file may have any name; the title says what
            // it is, and the finder has looked into the program before.
            let known = program.is_some_and(|program| NGINX.contains(&program));
            let titled = now.command.raw().contains(": master process");
            (!titled || !(known || case.processes.contains_key(&pid)))
                .then(|| format!("process {pid} is no nginx master"))
        }
        other => Some(format!("a reload of {} by signal is not known", other.as_str())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Process;

    fn gateway(master: u32) -> Gateway {
        serde_json::from_value(serde_json::json!({
            "id": "nginx:/etc/nginx/nginx.conf", "kind": "nginx", "version": null,
            "config": "/etc/nginx/nginx.conf", "running": true, "master": master, "workers": [],
            "worker_uid": null, "worker_gids": [], "netns": null, "root": "", "unit": null,
            "container": null, "started": null, "loaded": null
        }))
        .unwrap()
    }

    #[tokio::test]
    async fn a_number_that_became_another_process_gets_no_signal() {
        let mut child = std::process::Command::new("/bin/sleep").arg("1000").spawn().unwrap();
        let gateway = gateway(child.id());
        let mut case = CaseFile::new();
        case.gateways.insert(gateway.id.clone(), gateway.clone());
        let failure = reload(&gateway.id, child.id(), &case).unwrap_err();
        assert!(matches!(&failure, Failure::Changed(why) if why.contains("no nginx master")));
        let other = reload(&gateway.id, child.id() + 1, &case).unwrap_err();
        assert!(matches!(other, Failure::Changed(_) | Failure::Gone(_)), "{other}");
        // A sleep does not survive a SIGHUP.
        assert!(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        let failure = reload(&gateway.id, gateway.master.unwrap(), &case).unwrap_err();
        assert!(matches!(failure, Failure::Gone(_)), "{failure}");
    }

    #[test]
    fn a_reused_number_is_told_by_its_start() {
        let seen: Process = serde_json::from_value(serde_json::json!({
            "pid": 77, "parent": 1, "name": "node", "exe": "/usr/bin/node", "command": "node",
            "uid": 0, "state": "normal", "start_ticks": 5, "started": null, "cgroup": "/x",
            "owner": null, "netns": null, "rss": 0
        }))
        .unwrap();
        let mut now = Identity {
            start_ticks: 5,
            name: Text::new("node"),
            exe: Some(Text::new("/usr/bin/node")),
            command: Text::new("node"),
            cgroup: Text::new("/x"),
            parent: 1,
        };
        assert_eq!(process::other(&seen, &seen.name, &now), None);
        assert!(process::other(&seen, &Text::new("ruby"), &now).is_some());
        now.start_ticks = 6;
        assert!(process::other(&seen, &seen.name, &now).unwrap().contains("another's now"));
    }
}
