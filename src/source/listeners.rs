//! Listening sockets of every namespace that matters: address, accept queue and its limit, owners.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
    time::Duration,
};

use super::{
    AttentionWatch, Closed, Outlet,
    sweep::{Blindness, Calm, pause, sweep},
};
use crate::{
    host::{clock, netlink, netns, nettables, owners::Owners, scope::Scope},
    observation::{Address, Boot, Listener, ListenerTable, NetNs, PortUse, Seen},
    session::Attention,
};

/// Pause between two looks at our own namespace.
const PAUSE: Duration = Duration::from_secs(1);
/// Seconds between two looks at another one.
const OTHERS_PAUSE: u64 = 5;
/// A look may take this part of the time (1/n).
const SHARE: u32 = 60;

/// Publishes [`Seen::Listeners`] for our own namespace and for those that the attention names,
/// when they change; on top of a practice world without what listens outside it.
///
/// # Errors
/// Never returns but by [`Closed`].
pub async fn run(
    outlet: Outlet,
    mut attention: AttentionWatch,
    scope: Option<Scope>,
) -> Result<(), Closed> {
    let mut watch = Watch { scope, ..Watch::default() };
    let mut told = Blindness::default();
    let mut published: BTreeMap<NetNs, ListenerTable> = BTreeMap::new();
    let mut ports: Option<PortUse> = None;
    let (mut swept, mut calm) = (None, Calm::default());
    let mut targets = Targets::default();
    loop {
        let wanted = attention.borrow_and_update().clone();
        let (generation, hurry) = (wanted.generation, swept != Some(wanted.generation));
        if hurry {
            targets = Targets::new(&wanted);
        }
        let work = {
            let wanted = Arc::clone(&wanted);
            move |watch: &mut Watch| watch.look(&wanted, hurry)
        };
        let (back, round) = sweep(&outlet, &mut told, generation, watch, work).await?;
        watch = back;
        let mut changed = hurry;
        for table in round.tables {
            let old = published.get(&table.netns);
            if old.is_none_or(|old| targets.differs(old, &table)) {
                changed = true;
                published.insert(table.netns, table.clone());
                outlet.publish(Seen::Listeners(table)).await?;
            }
        }
        if let Some(new) = round.ports.filter(|new| ports.is_none_or(|old| is_news(&old, new))) {
            ports = Some(new);
            outlet.publish(Seen::Ports(new)).await?;
        }
        published.retain(|netns, _| round.namespaces.contains(netns));
        told.replace(round.blind, &outlet).await?;
        // Said after every look: that a socket is still there proves something only of that moment.
        outlet.swept(generation).await?;
        swept = Some(generation);
        let rest = calm.pause(changed, PAUSE).max(round.cost * SHARE);
        pause(&outlet, &mut attention, rest).await?;
    }
}

/// Whether the use of local ports moved by a fiftieth of them, or connections were dropped.
fn is_news(old: &PortUse, new: &PortUse) -> bool {
    let step = (new.room() / 50).max(1);
    let taken = |use_: &PortUse| use_.in_use.saturating_add(use_.time_wait) / step;
    taken(old) != taken(new)
        || old.syn_drops != new.syn_drops
        || (old.first, old.last) != (new.first, new.last)
}

/// The sockets whose queue is worth an observation of its own.
#[derive(Debug, Default)]
struct Targets {
    ports: BTreeSet<u16>,
    names: BTreeSet<String>,
}

impl Targets {
    fn new(attention: &Attention) -> Self {
        let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
        Self {
            ports: attention.ports(),
            names: attention.socket_paths().into_iter().map(name).collect(),
        }
    }

    fn has(&self, address: &Address) -> bool {
        match address {
            Address::Unix(path) => {
                path.raw().rsplit('/').next().is_some_and(|name| self.names.contains(name))
            }
            other => other.port().is_some_and(|port| self.ports.contains(&port)),
        }
    }

    /// Whether two tables differ in more than the queues of sockets that nobody asked about.
    fn differs(&self, old: &ListenerTable, new: &ListenerTable) -> bool {
        let head = |t: &ListenerTable| {
            (t.owners_complete, t.unix_complete, t.overflows, t.listeners.len())
        };
        let same = |a: &Listener, b: &Listener| {
            a == b || {
                let silent = !self.has(&a.address);
                silent && *a == Listener { queue: a.queue, ..b.clone() }
            }
        };
        head(old) != head(new)
            || old.local_addresses != new.local_addresses
            || !old.listeners.iter().zip(&new.listeners).all(|(a, b)| same(a, b))
    }
}

/// What one look brought.
struct Round {
    tables: Vec<ListenerTable>,
    ports: Option<PortUse>,
    namespaces: BTreeSet<NetNs>,
    blind: Blindness,
    cost: Duration,
}

/// What is kept between looks.
#[derive(Debug, Default)]
struct Watch {
    scope: Option<Scope>,
    owners: Owners,
    others: BTreeMap<NetNs, ListenerTable>,
    others_blind: Blindness,
    others_at: Option<Boot>,
    no_entry: bool,
}

impl Watch {
    fn look(&mut self, attention: &Attention, hurry: bool) -> Round {
        let begun = clock::now().boot;
        let mut blind = Blindness::default();
        let own = netns::own().unwrap_or_default();
        let mut tables = vec![own_table(own, &mut blind)];
        let due = self.others_at.is_none_or(|at| begun.secs_since(at) >= OTHERS_PAUSE);
        if hurry || due {
            self.others_at = Some(begun);
            self.look_at_others(own, attention);
        }
        blind.extend(&self.others_blind);
        tables.extend(self.others.values().cloned());
        self.find_owners(&mut tables, begun, hurry, &mut blind);
        if let Some(scope) = &self.scope {
            // Whose a socket is can take a look longer to be seen than the socket itself.
            let targets = Targets::new(attention);
            let own = |listener: &Listener| {
                listener.pids.iter().any(|pid| scope.has_process(*pid))
                    || listener.pids.is_empty() && targets.has(&listener.address)
            };
            for table in &mut tables {
                table.listeners.retain(own);
                table.owners_complete = true;
            }
            blind = Blindness::default();
        }
        for table in &mut tables {
            table.listeners.sort_by(|a, b| (&a.address, a.inode).cmp(&(&b.address, b.inode)));
        }
        let namespaces = tables.iter().map(|t| t.netns).collect();
        let cost = clock::now().boot.0.saturating_sub(begun.0);
        let ports = nettables::port_use(own);
        Round { tables, ports, namespaces, blind, cost: Duration::from_micros(cost) }
    }

    fn look_at_others(&mut self, own: NetNs, attention: &Attention) {
        self.others.clear();
        self.others_blind = Blindness::default();
        for (&netns, &pid) in attention.namespaces.iter().filter(|(ns, _)| **ns != own) {
            match self.other_table(netns, pid) {
                Ok(table) => drop(self.others.insert(netns, table)),
                Err(why) => self.others_blind.add(
                    &format!("network namespace of pid {pid}"),
                    &why,
                    "what listens inside it",
                    "run as root",
                ),
            }
        }
    }

    /// From inside when we may enter (then the limits of the queues are known), else from
    /// `/proc/PID/net`.
    fn other_table(&mut self, netns: NetNs, pid: u32) -> Result<ListenerTable, String> {
        let process = pid.to_string();
        let mut inside = None;
        if !self.no_entry {
            let ask = || netlink::listening().and_then(|l| Ok((l, netlink::local_addresses()?)));
            match netns::inside(pid, netns, ask) {
                Ok(both) => inside = Some(both),
                Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                    self.no_entry = true;
                }
                Err(_) => {}
            }
        }
        let overflows = nettables::listen_overflows(&process);
        let (listeners, unix_complete, local_addresses) =
            if let Some((listeners, addresses)) = inside {
                (listeners, true, addresses)
            } else {
                if netns::of(pid).is_some_and(|now| now != netns) {
                    return Err("its process is in another namespace by now".to_owned());
                }
                let tables = nettables::listening(&process).map_err(|e| e.to_string())?;
                (tables.listeners, tables.unix_complete, nettables::local_addresses(&process))
            };
        let owners_complete = false;
        Ok(ListenerTable {
            netns,
            listeners,
            owners_complete,
            unix_complete,
            local_addresses,
            overflows,
        })
    }

    fn find_owners(
        &mut self,
        tables: &mut [ListenerTable],
        now: Boot,
        hurry: bool,
        blind: &mut Blindness,
    ) {
        let wanted: HashSet<u64> =
            tables.iter().flat_map(|t| t.listeners.iter().map(|l| l.inode)).collect();
        let hides = "which process, unit or container answers on a socket";
        let grant = "run as root, or grant CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH";
        if let Err(error) = self.owners.update(&wanted, now, hurry) {
            blind.add(
                "owners of listening sockets",
                &format!("/proc: {error}"),
                hides,
                "mount /proc",
            );
            return;
        }
        let mut complete = true;
        for table in tables {
            for listener in &mut table.listeners {
                listener.pids = self.owners.of(listener.inode);
            }
            let inodes = table.listeners.iter().map(|l| l.inode).collect();
            table.owners_complete = self.owners.complete(&inodes);
            complete &= table.owners_complete;
        }
        if !complete {
            let why = match self.owners.unseen() {
                (_, true) => "there are more open descriptors than one search looks at".to_owned(),
                (_, false) => "permission denied on /proc/PID/fd of other users".to_owned(),
            };
            blind.add("owners of listening sockets", &why, hides, grant);
        }
    }
}

/// Our own namespace, by netlink; when that is refused, from `/proc/self/net`.
fn own_table(netns: NetNs, blind: &mut Blindness) -> ListenerTable {
    let mut table = ListenerTable {
        netns,
        listeners: Vec::new(),
        owners_complete: false,
        unix_complete: true,
        local_addresses: netlink::local_addresses()
            .unwrap_or_else(|_| nettables::local_addresses("self")),
        overflows: nettables::listen_overflows("self"),
    };
    let refused = match netlink::listening() {
        Ok(listeners) => {
            table.listeners = listeners;
            if table.listeners.len() >= netlink::MOST_LISTENERS {
                let why = format!("there are more than {}", netlink::MOST_LISTENERS);
                blind.add("some listening sockets", &why, "what listens there", "");
            }
            return table;
        }
        Err(error) => error,
    };
    blind.add(
        "limits of the accept queues",
        &format!("netlink: {refused}"),
        "whether the queue of a listening socket is full",
        "allow AF_NETLINK (seccomp, RestrictAddressFamilies) and load the modules tcp_diag, inet_diag and unix_diag",
    );
    match nettables::listening("self") {
        Ok(tables) => {
            table.listeners = tables.listeners;
            table.unix_complete = tables.unix_complete;
        }
        Err(error) => {
            table.unix_complete = false;
            let why = format!("/proc/self/net: {error}");
            blind.add("listening sockets", &why, "what listens on this host", "mount /proc");
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener, TcpStream};

    use tokio::sync::{mpsc, watch};

    use super::*;
    use crate::{
        observation::{GatewayId, Protocol, SourceId, Text},
        session::{Event, Target},
    };

    fn target(at: SocketAddr) -> Target {
        Target {
            gateway: GatewayId(Text::new("g")),
            address: Address::Tcp(at),
            protocol: Protocol::Http,
            resolver: None,
            per_request: false,
            ask_tls: false,
            tls_name: None,
            sends_name: false,
            saturated: false,
        }
    }

    #[test]
    fn the_queue_of_a_target_is_news_and_that_of_a_stranger_is_not() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let find = |round: &Round| {
            let table = round.tables.first().unwrap().clone();
            let mut only = table.clone();
            only.listeners.retain(|l| l.address == Address::Tcp(at));
            only
        };
        let mut watch = Watch::default();
        let attention = Attention { targets: vec![target(at)], ..Attention::default() };
        let before = find(&watch.look(&attention, true));
        let _waiting = TcpStream::connect(at).unwrap();
        let after = find(&watch.look(&attention, true));
        assert_eq!(before.listeners[0].pids, [std::process::id()]);
        assert!(Targets::new(&attention).differs(&before, &after));
        let after = ListenerTable { overflows: before.overflows, ..after };
        assert!(!Targets::new(&Attention::default()).differs(&before, &after));
    }

    #[test]
    fn another_namespace_is_seen_with_the_limits_of_its_queues() {
        use std::{
            io::{BufRead, BufReader},
            process::{Command, Stdio},
        };
        let mut child = Command::new("unshare")
            .args(["-n", "sh", "-c", "echo ready; read x"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if line != "ready\n" {
            // Without privileges there is no other namespace to look into.
            drop(child.wait());
            return;
        }
        let netns = netns::of(child.id()).unwrap();
        let listener =
            netns::inside(child.id(), netns, || TcpListener::bind("0.0.0.0:4321")).unwrap();
        let attention =
            Attention { namespaces: BTreeMap::from([(netns, child.id())]), ..Attention::default() };
        let round = Watch::default().look(&attention, true);
        let table = round.tables.iter().find(|t| t.netns == netns).unwrap();
        let [only] = table.listeners.as_slice() else { panic!("{table:?}") };
        assert_eq!(only.address.to_string(), "0.0.0.0:4321");
        assert!(only.backlog.is_some_and(|limit| limit > 0));
        assert_eq!(only.pids, [std::process::id()]);
        drop(listener);
        drop(child.stdin.take());
        child.wait().unwrap();
    }

    #[tokio::test]
    async fn every_generation_is_swept() {
        let (sender, mut queue) = mpsc::channel(64);
        let outlet = Outlet::new(SourceId::Listeners, sender);
        let (news, attention) = watch::channel(Arc::new(Attention::default()));
        let running = tokio::spawn(run(outlet, attention, None));
        let mut generations = Vec::new();
        while let Some(Event::Seen(seen)) = queue.recv().await {
            if let Seen::Swept { generation } = seen.seen {
                generations.push(generation);
                if generation == 4 {
                    break;
                }
                let next = Attention { generation: 4, ..Attention::default() };
                news.send(Arc::new(next)).unwrap();
            }
        }
        assert_eq!(generations, [0, 4]);
        drop(queue);
        drop(news);
        assert_eq!(running.await.unwrap(), Err(Closed));
    }
}
