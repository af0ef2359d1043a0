//! What a value of an access log means, and how it is written.

use crate::{evidence::stamp, observation::Wall};

/// A unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Seconds,
    Millis,
    Micros,
    Nanos,
}

/// The values that mean something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// Three digits, always.
    Status,
    /// A status, or what a gateway writes when there is none: `-`, `0`, `-1`.
    LooseStatus,
    UpstreamStatus,
    UpstreamAddr,
    RequestTime(Unit),
    UpstreamTime(Unit),
    Request,
    Method,
    Uri,
    Host,
    /// `20/Nov/2026:18:17:42 +0000`.
    TimeLocal,
    TimeIso,
    /// ISO 8601 with a fraction and an offset, of any length.
    TimeZoned,
    /// Time since the epoch.
    Epoch(Unit),
    /// `20/Nov/2026:18:17:42.655`, without an offset.
    TimeCommon,
    /// A time as one of the matcher's own `strftime` formats has it.
    TimeFormat(u8),
    Agent,
    Flags,
    /// Envoy's details of the response code.
    Details,
    Backend,
    Retries,
    /// How often it was tried, the first time included.
    Attempts,
    /// `{a|b} {c} `, or nothing at all.
    Captures,
    Other,
}

impl Field {
    /// Length of a value that needs no delimiter.
    pub(super) const fn width(self) -> Option<usize> {
        match self {
            Self::Status => Some(3),
            Self::TimeLocal => Some(26),
            Self::TimeIso => Some(25),
            _ => None,
        }
    }

    /// Whether a value can stand there; it tells a delimiter from the same text inside a value.
    pub(super) fn admits(self, value: &[u8]) -> bool {
        let numeric = |value: &[u8]| {
            value == b"-" || value.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
        };
        match self {
            Self::Status => value.len() == 3 && value.iter().all(u8::is_ascii_digit),
            Self::LooseStatus => status_of(value).is_some(),
            Self::TimeLocal => value.len() == 26 && stamp::common_log(value).is_some(),
            Self::TimeIso | Self::TimeZoned => stamp::iso8601(value).is_some(),
            Self::Epoch(_) => stamp::epoch(value).is_some(),
            Self::RequestTime(_) => {
                !value.is_empty() && numeric(value.strip_prefix(b"+").unwrap_or(value))
            }
            _ => true,
        }
    }

    /// Whether several tries leave several values, with blanks between them (`502, 200 : 200`).
    pub(super) const fn is_list(self) -> bool {
        matches!(self, Self::UpstreamStatus | Self::UpstreamAddr | Self::UpstreamTime(_))
    }

    /// Whether [`Field::admits`] says anything.
    pub(super) const fn is_checked(self) -> bool {
        matches!(
            self,
            Self::Status
                | Self::LooseStatus
                | Self::TimeLocal
                | Self::TimeIso
                | Self::TimeZoned
                | Self::Epoch(_)
                | Self::RequestTime(_)
        )
    }

    pub(super) const fn is_status(self) -> bool {
        matches!(self, Self::Status | Self::LooseStatus)
    }

    pub(super) const fn is_time(self) -> bool {
        matches!(
            self,
            Self::TimeLocal
                | Self::TimeIso
                | Self::TimeZoned
                | Self::Epoch(_)
                | Self::TimeCommon
                | Self::TimeFormat(_)
        )
    }
}

/// A status as written; 0 where the gateway says that there was none.
pub(super) fn status_of(value: &[u8]) -> Option<u16> {
    match value {
        b"-" | b"-1" | b"0" => Some(0),
        [a, b, c] if value.iter().all(u8::is_ascii_digit) => {
            let digit = |byte: &u8| u16::from(byte - b'0');
            Some(digit(a) * 100 + digit(b) * 10 + digit(c))
        }
        _ => None,
    }
}

/// Time since the epoch in some unit.
pub(super) fn since_epoch(value: &[u8], unit: Unit) -> Option<Wall> {
    if unit == Unit::Seconds {
        return stamp::epoch(value);
    }
    let whole = value.split(|byte| *byte == b'.').next()?;
    let n: i64 = std::str::from_utf8(whole).ok()?.parse().ok()?;
    Some(Wall(match unit {
        Unit::Seconds | Unit::Millis => n.checked_mul(1000)?,
        Unit::Micros => n,
        Unit::Nanos => n / 1000,
    }))
}

/// A time span as written, in milliseconds.
pub(super) fn millis(value: &[u8], unit: Unit) -> Option<u64> {
    let value = value.strip_prefix(b"+").unwrap_or(value);
    let micros = stamp::epoch(value)?.0;
    let millis = match unit {
        Unit::Seconds => micros / 1000,
        Unit::Millis => micros / 1_000_000,
        Unit::Micros => micros / 1_000_000_000,
        Unit::Nanos => micros / 1_000_000_000_000,
    };
    u64::try_from(millis).ok()
}

/// The last of `0.001, 0.002 : 0.3`; each try and each internal redirect adds one.
pub(super) fn last_millis(value: &[u8], unit: Unit) -> Option<u64> {
    let from = value.iter().rposition(|byte| b", :".contains(byte)).map_or(0, |at| at + 1);
    millis(value.get(from..)?, unit)
}

/// Why a format cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// Nothing says how the request ended.
    #[error("the log format has no status")]
    NoStatus,
    /// Two values stand side by side, and the status comes after them.
    #[error("the log format has values without a delimiter before the status")]
    NoDelimiter,
    /// There are more than 128 variables.
    #[error("the log format has too many variables")]
    TooLong,
}
