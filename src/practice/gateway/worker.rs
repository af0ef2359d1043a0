//! A worker: it serves what its master hands it, and leaves when its master closes the line.

use std::{
    cell::Cell,
    io::{self, IoSliceMut},
    mem::MaybeUninit,
    net::SocketAddr,
    os::fd::{AsFd, OwnedFd},
    rc::Rc,
    time::Duration,
};

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::LocalSet,
};

use crate::practice::{net::Stream, title};

use super::{
    balance::Balance,
    log::{Logs, combined},
    page,
    pass::{Turn, pass},
    plan::{Does, Plan},
    request::{NoRequest, receive},
};

/// Descriptors that a master hands over at most: both logs and the listeners.
pub(super) const MOST_HANDED: usize = 18;
/// Bytes of a plan.
const PLAN: u64 = 4 << 20;
/// How long requests in flight may take once a worker leaves.
const LEAVING: Duration = Duration::from_mins(1);
/// Clients at the same time.
const CLIENTS: usize = 256;

/// What all connections of a worker share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) plan: Plan,
    pub(super) logs: Logs,
    pub(super) balance: Balance,
    number: Cell<u64>,
    clients: Cell<usize>,
}

/// What a master hands over: the plan and the descriptors, in the order error log, access log,
/// listeners.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Handed {
    pub(super) plan: Plan,
    pub(super) error: bool,
    pub(super) access: bool,
}

/// Runs a worker; the line to its master is its standard input.
pub(super) fn run() -> io::Result<()> {
    title::set("nginx: worker process")?;
    let line = io::stdin().as_fd().try_clone_to_owned()?;
    let handed = receive_descriptors(&line)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = LocalSet::new();
    let served = local.block_on(&runtime, serve(line, handed));
    runtime.shutdown_background();
    served
}

fn receive_descriptors(line: &OwnedFd) -> io::Result<Vec<OwnedFd>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_HANDED))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0_u8; 1];
    let mut slices = [IoSliceMut::new(&mut byte)];
    recvmsg(line, &mut slices, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let mut all = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            all.extend(descriptors);
        }
    }
    Ok(all)
}

#[expect(clippy::disallowed_types, reason = "the line to the master, a socket pair of our own")]
async fn serve(line: OwnedFd, handed: Vec<OwnedFd>) -> io::Result<()> {
    rustix::io::ioctl_fionbio(&line, true)?;
    let mut line = tokio::net::UnixStream::from_std(std::os::unix::net::UnixStream::from(line))?;
    let mut length = [0_u8; 8];
    line.read_exact(&mut length).await?;
    let mut bytes = Vec::new();
    let length = u64::from_be_bytes(length).min(PLAN);
    (&mut line).take(length).read_to_end(&mut bytes).await?;
    let told: Handed = serde_json::from_slice(&bytes)?;
    let mut descriptors = handed.into_iter();
    let mut file =
        |there: bool| if there { descriptors.next().map(std::fs::File::from) } else { None };
    let (error, access) = (file(told.error), file(told.access));
    let logs = Logs::new(error, access, told.plan.notices);
    let shared = Rc::new(Shared {
        logs,
        plan: told.plan,
        balance: Balance::default(),
        number: Cell::new(u64::from(std::process::id() % 1_000)),
        clients: Cell::new(0),
    });
    let mut doors = Vec::new();
    for descriptor in descriptors {
        let listener = std::net::TcpListener::from(descriptor);
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        doors.push(tokio::task::spawn_local(accept(listener, address, Rc::clone(&shared))));
    }
    // Ready: the master waits for this word.
    line.write_all(b"r").await?;
    let mut word = [0_u8; 1];
    let _ = line.read(&mut word).await;
    doors.iter().for_each(tokio::task::JoinHandle::abort);
    drop(doors);
    title::set("nginx: worker process is shutting down")?;
    let idle = async {
        while shared.clients.get() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let _ = tokio::time::timeout(LEAVING, idle).await;
    Ok(())
}

async fn accept(listener: TcpListener, address: SocketAddr, shared: Rc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        if shared.clients.get() >= CLIENTS {
            continue;
        }
        let (stream, shared) = (Stream::Tcp(stream), Rc::clone(&shared));
        tokio::task::spawn_local(async move {
            shared.clients.set(shared.clients.get() + 1);
            client(stream, address, &shared).await;
            shared.clients.set(shared.clients.get().saturating_sub(1));
        });
    }
}

/// Serves one client, one request.
async fn client(mut stream: Stream, address: SocketAddr, shared: &Shared) {
    let number = shared.number.get() + 1;
    shared.number.set(number);
    let (request, body) = match receive(&mut stream).await {
        Ok(request) => request,
        Err(NoRequest::Silent) => return,
        Err(bad) => {
            let status = if matches!(bad, NoRequest::TooLong) { 413 } else { 400 };
            let (bytes, length) = page::page(status, None);
            let _ = stream.write_all(&bytes).await;
            shared.logs.access(combined("", &status.to_string(), length, ""));
            return;
        }
    };
    let host = request.field("host").unwrap_or_default();
    let server = shared.plan.server(address, host);
    let location = server.and_then(|server| server.location(request.path()));
    let name = server.and_then(|server| server.names.first()).map_or("", String::as_str);
    let turn = Turn { request: &request, body: &body, server: name, number };
    let (status, bytes) = match location.map(|location| (location, &location.does)) {
        Some((location, Does::Pass(to))) => pass(shared, &mut stream, &turn, location, to).await,
        Some((_, Does::Return { status, text })) => {
            let text = (!text.is_empty()).then_some(text.as_str());
            own(&mut stream, *status, text).await
        }
        Some((_, Does::Nothing)) | None => own(&mut stream, 404, None).await,
    };
    let agent = request.field("user-agent").unwrap_or("-");
    shared.logs.access(combined(&request.line, &status, bytes, agent));
    let _ = stream.shutdown().await;
}

async fn own(stream: &mut Stream, status: u16, text: Option<&str>) -> (String, u64) {
    let (bytes, length) = page::page(status, text);
    let _ = stream.write_all(&bytes).await;
    (status.to_string(), length)
}
