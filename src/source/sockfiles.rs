//! Unix socket files as the gateway's worker sees them: in its own mount namespace, with its own
//! user and groups.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use super::{
    AttentionWatch, Closed, Outlet,
    sweep::{Blindness, Calm, pause, sweep},
};
use crate::{
    host::{
        clock,
        files::{FileError, Root},
        permission::Identity,
        proc, walk,
    },
    observation::{GatewayId, Seen, SocketFile, Text},
    session::{Attention, GatewayView},
};

/// Pause between two looks.
const PAUSE: Duration = Duration::from_secs(1);
/// A look may take this part of the time (1/n).
const SHARE: u32 = 100;
/// Most paths looked at.
const MOST: usize = 1_024;
/// Most neighbours named.
const MOST_NEIGHBOURS: usize = 32;

/// Publishes [`Seen::SocketFile`] for every unix socket that a gateway passes requests to, when
/// it changes.
///
/// # Errors
/// Never returns but by [`Closed`].
pub async fn run(outlet: Outlet, mut attention: AttentionWatch) -> Result<(), Closed> {
    let mut told = Blindness::default();
    let mut published: BTreeMap<(GatewayId, Text), SocketFile> = BTreeMap::new();
    let (mut swept, mut calm) = (None, Calm::default());
    loop {
        let wanted = attention.borrow_and_update().clone();
        let (generation, hurry) = (wanted.generation, swept != Some(wanted.generation));
        let work = {
            let wanted = Arc::clone(&wanted);
            move |(): &mut ()| look(&wanted)
        };
        let ((), round) = sweep(&outlet, &mut told, generation, (), work).await?;
        let mut kept = BTreeMap::new();
        let mut changed = hurry;
        for file in round.files {
            let key = (file.gateway.clone(), file.path.clone());
            if published.get(&key) != Some(&file) {
                changed = true;
                outlet.publish(Seen::SocketFile(file.clone())).await?;
            }
            kept.insert(key, file);
        }
        published = kept;
        told.replace(round.blind, &outlet).await?;
        if hurry {
            outlet.swept(generation).await?;
            swept = Some(generation);
        }
        let rest = calm.pause(changed, PAUSE).max(round.cost * SHARE);
        pause(&outlet, &mut attention, rest).await?;
    }
}

struct Round {
    files: Vec<SocketFile>,
    blind: Blindness,
    cost: Duration,
}

fn look(attention: &Attention) -> Round {
    let begun = clock::now().boot;
    let (mut files, mut blind) = (Vec::new(), Blindness::default());
    for gateway in &attention.gateways {
        let paths: BTreeSet<&str> = attention
            .targets
            .iter()
            .filter(|t| t.gateway == gateway.id)
            .filter_map(|t| t.address.path())
            .collect();
        if paths.is_empty() {
            continue;
        }
        let root = root_of(gateway, &mut blind);
        let who = identity(gateway);
        for path in paths {
            if files.len() >= MOST {
                let why = format!("there are more than {MOST}");
                blind.add("some socket files", &why, "whether the others exist", "");
                break;
            }
            files.push(file(gateway, path, &root, who.as_ref()));
        }
    }
    let cost = Duration::from_micros(clock::now().boot.0.saturating_sub(begun.0));
    Round { files, blind, cost }
}

/// The worker's own root when it runs and we may look through it.
fn root_of(gateway: &GatewayView, blind: &mut Blindness) -> Root {
    let given = Root::new(gateway.root.raw());
    let Some(pid) = gateway.pid else { return given };
    let own = Root::new(format!("/proc/{pid}/root"));
    match own.stat("/", true) {
        Ok(_) => own,
        Err(FileError::Missing) => given,
        Err(error) => {
            blind.add(
                &format!("/proc/{pid}/root"),
                &error.to_string(),
                "whether the gateway sees a private /tmp or another root with other sockets",
                "run as root, or grant CAP_SYS_PTRACE",
            );
            given
        }
    }
}

/// The worker's rights. The pid may be the master's, whose capabilities are not the worker's.
fn identity(gateway: &GatewayView) -> Option<Identity> {
    let uid = gateway.worker_uid?;
    let status = gateway.pid.and_then(|pid| proc::status(pid).ok()).filter(|s| s.uid == uid);
    match status {
        Some(status) => {
            Some(Identity { uid, gids: status.gids, capabilities: status.capabilities })
        }
        None => Some(Identity::of(uid, gateway.worker_gids.clone())),
    }
}

fn file(gateway: &GatewayView, path: &str, root: &Root, who: Option<&Identity>) -> SocketFile {
    let seen = walk::walk(root, path, who);
    let elsewhere = !root.prefix().as_os_str().is_empty();
    let outside = elsewhere.then(|| walk::walk(&Root::default(), path, None).kind);
    let name = path.rsplit('/').next().unwrap_or(path);
    let neighbours = match &seen.directory {
        Some(directory) => walk::sockets_in(root, directory, name, MOST_NEIGHBOURS),
        None => Vec::new(),
    };
    let stat = seen.stat;
    SocketFile {
        gateway: gateway.id.clone(),
        path: Text::new(path),
        kind: seen.kind,
        kind_outside: outside.filter(|kind| *kind != seen.kind),
        mode: stat.map_or(0, |s| s.st_mode & 0o7777),
        uid: stat.map_or(0, |s| s.st_uid),
        gid: stat.map_or(0, |s| s.st_gid),
        inode: stat.map_or(0, |s| s.st_ino),
        access: seen.access,
        neighbours,
        link: seen.link,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::{fs::PermissionsExt, net::UnixListener};

    use tokio::sync::{mpsc, watch};

    use super::*;
    use crate::{
        observation::{Access, Address, GatewayKind, Protocol, SocketFileKind, SourceId},
        session::{Event, Target},
    };

    fn attention(path: &std::path::Path, uid: u32) -> Attention {
        let id = GatewayId(Text::new("nginx:/etc/nginx/nginx.conf"));
        let view = GatewayView {
            id: id.clone(),
            kind: GatewayKind::Nginx,
            pid: Some(std::process::id()),
            netns: None,
            root: Text::default(),
            worker_uid: Some(uid),
            worker_gids: vec![],
            container: None,
            controls: Vec::new(),
        };
        let target = Target {
            gateway: id,
            address: Address::Unix(Text::new(path.to_str().unwrap())),
            protocol: Protocol::Fastcgi,
            resolver: None,
            per_request: false,
            ask_tls: false,
            tls_name: None,
            sends_name: false,
            saturated: false,
        };
        Attention {
            generation: 3,
            gateways: vec![view],
            targets: vec![target.clone(), target],
            ..Attention::default()
        }
    }

    #[test]
    fn a_socket_that_the_worker_may_not_write_is_denied_although_root_could() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = dir.path().join("fpm.sock");
        let _listener = UnixListener::bind(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o660)).unwrap();
        let round = look(&attention(&path, 54_321));
        let [file] = round.files.as_slice() else { panic!("{:?}", round.files) };
        assert_eq!(file.kind, SocketFileKind::Socket);
        assert_eq!(file.kind_outside, None);
        assert_eq!((file.mode, &file.access), (0o660, &Access::SocketDenied));
    }

    #[tokio::test]
    async fn a_missing_socket_is_published_before_the_generation_is_swept() {
        let dir = tempfile::tempdir().unwrap();
        let (sender, mut queue) = mpsc::channel(64);
        let wanted = attention(&dir.path().join("gone.sock"), 54_321);
        let (_news, watch) = watch::channel(Arc::new(wanted));
        tokio::spawn(run(Outlet::new(SourceId::SocketFiles, sender), watch));
        let Some(Event::Seen(first)) = queue.recv().await else { panic!("closed") };
        assert!(matches!(first.seen, Seen::SocketFile(f) if f.kind == SocketFileKind::Missing));
        let Some(Event::Seen(second)) = queue.recv().await else { panic!("closed") };
        assert_eq!(second.seen, Seen::Swept { generation: 3 });
    }
}
