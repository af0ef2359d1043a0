//! What the rules share that look at a socket whose file the gateway does not find.

use crate::{
    diagnosis::{Confidence, Evidence, Finding, Scene},
    evidence::topology::{Chain, Peer},
    observation::{SocketFile, SocketFileKind},
};

/// A peer whose socket file is not there for the gateway.
pub(super) struct Gone<'s, 'a> {
    pub(super) chain: &'s Chain<'a>,
    pub(super) peer: &'s Peer<'a>,
    pub(super) socket: &'a SocketFile,
}

/// Every peer whose socket file is not there for its gateway.
pub(super) fn gone<'s, 'a>(scene: &'s Scene<'a>) -> impl Iterator<Item = Gone<'s, 'a>> {
    scene.peers().filter_map(|(chain, peer)| {
        let socket = peer.socket.filter(|socket| is_gone(socket))?;
        Some(Gone { chain, peer, socket })
    })
}

/// Whether the gateway finds no file at a socket's path.
pub(super) const fn is_gone(socket: &SocketFile) -> bool {
    matches!(socket.kind, SocketFileKind::Missing | SocketFileKind::ParentMissing)
}

/// Whether the file is there for others, and hidden from the gateway by its own mounts.
pub(super) fn is_hidden(socket: &SocketFile) -> bool {
    socket.kind_outside == Some(SocketFileKind::Socket)
}

impl<'a> Gone<'_, 'a> {
    /// A finding about it, without evidence yet.
    pub(super) fn finding(
        &self,
        scene: &Scene<'a>,
        cause: &'static str,
        confidence: Confidence,
        summary: String,
    ) -> Finding {
        let mut finding = Finding::new(cause, confidence, summary).since(scene.incident.first);
        finding.subject = scene.subject_of(self.chain);
        finding.subject.path = Some(self.socket.path.clone());
        finding
    }

    /// The gateway's newest word on the missing file.
    pub(super) fn symptom(&self, scene: &Scene<'a>) -> Option<Evidence> {
        // What hides a directory may also close it (`ProtectHome=yes`).
        let ids: &[&str] = if is_hidden(self.socket) {
            &["sym-unix-missing", "sym-unix-eacces"]
        } else {
            &["sym-unix-missing"]
        };
        scene.facts_on(self.chain, ids).next_back().map(Scene::quote)
    }
}
