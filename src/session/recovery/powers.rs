//! Whether this session may act.

/// What a session may do. The engine says so once, at the start; in a session that only looks the
/// keys that act are not bound, so that no screen and no help lists them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Powers {
    /// Look only, and not at the host but at a recording: what only makes sense live is not bound
    /// either.
    Replay,
    /// Look only.
    #[default]
    Look,
    /// Look and act.
    Act,
}
