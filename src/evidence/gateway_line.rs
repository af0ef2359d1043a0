//! What a line of any gateway's own log says of a request, in one shape.

use super::{apache_line, nginx_line, nginx_line::Phase};
use crate::observation::{Address, Program, Protocol, Text};

/// A line of a gateway about one of its requests. Every text is hostile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GatewayLine {
    /// What happened, without stamp and level.
    pub message: Text,
    /// The backend's address, when the line says it.
    pub address: Option<Address>,
    /// The system's error number.
    pub errno: Option<i32>,
    /// What the gateway was doing.
    pub phase: Option<Phase>,
    /// Method and URI of the request, or its path alone.
    pub request: Option<Text>,
    /// The virtual host.
    pub server: Option<Text>,
    /// What helps to find the backend of a line that does not name it.
    pub hint: Option<Hint>,
}

/// What a line without an address still tells of its backend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    /// Process and thread that wrote it: another line of theirs may name the address.
    pub thread: Option<(u32, Option<u64>)>,
    /// Its host.
    pub host: Option<Text>,
    /// What was spoken to it.
    pub protocols: Option<&'static [Protocol]>,
    /// Path of the request.
    pub path: Option<Text>,
    /// Whether the line is about a backend at all.
    pub about_backend: bool,
}

/// Takes a line apart; `None` for a program that is no gateway, and for what is none of its lines.
pub fn parse(program: Program, line: &str) -> Option<GatewayLine> {
    match program {
        Program::Nginx => nginx_line::parse(line).map(|read| GatewayLine {
            message: read.message,
            address: read.upstream_address,
            errno: read.errno,
            phase: read.phase,
            request: read.request,
            server: read.server,
            hint: None,
        }),
        Program::Apache => apache_line::parse(line).map(|read| GatewayLine {
            hint: Some(Hint {
                thread: read.thread,
                host: read.host.clone(),
                protocols: read.protocols(),
                path: read.path.clone(),
                about_backend: read.is_about_backend(),
            }),
            message: read.message,
            address: read.address,
            errno: read.errno,
            phase: read.phase,
            request: read.path,
            server: None,
        }),
        _ => None,
    }
}
