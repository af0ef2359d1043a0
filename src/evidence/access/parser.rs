//! One format, ready to read lines.

use jiff::tz::TimeZone;

use crate::{
    evidence::StampReader,
    observation::{AccessFormat, AccessSyntax, Wall},
};

use super::{
    apache, detect::Shape, envoy, field::FormatError, fields::AccessFields, guess, haproxy, json,
    line::LineMatcher, loose, nginx, pairs,
};

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "it lives on the stack, once for each line")]
pub enum Reading<'a> {
    /// A request.
    Request(AccessFields<'a>),
    /// Something else that may stand in such a log: an event of the gateway.
    Other,
    /// It was not written with this format.
    Unfit,
}

/// A compiled format.
#[derive(Debug)]
pub struct AccessParser {
    kind: Kind,
    stamps: StampReader,
}

#[derive(Debug)]
enum Kind {
    Line(LineMatcher),
    Haproxy(LineMatcher),
    /// Lines of a format string, or JSON.
    Envoy(LineMatcher),
    Json,
    Pairs,
    Combined,
    Loose,
}

impl AccessParser {
    /// Compiles a format. Times without an offset are in `zone`.
    ///
    /// # Errors
    /// [`FormatError`] when lines of this format cannot say how a request ended.
    pub fn new(format: &AccessFormat, zone: TimeZone) -> Result<Self, FormatError> {
        let (name, pattern) = (format.name.raw(), format.pattern.raw());
        let kind = match format.syntax {
            AccessSyntax::Nginx => Kind::Line(LineMatcher::new(nginx::template(pattern))?),
            AccessSyntax::Apache => Kind::Line(LineMatcher::new(apache::template(name, pattern))?),
            AccessSyntax::Haproxy if name == "tcplog" && pattern.is_empty() => {
                return Err(FormatError::NoStatus);
            }
            AccessSyntax::Haproxy => {
                Kind::Haproxy(LineMatcher::new(haproxy::template(name, pattern))?)
            }
            AccessSyntax::Traefik if pattern != "json" => {
                Kind::Envoy(LineMatcher::new(nginx::traefik())?)
            }
            AccessSyntax::Envoy if name == "istio" && pattern.is_empty() => {
                Kind::Envoy(LineMatcher::new(envoy::template(envoy::ISTIO))?)
            }
            AccessSyntax::Envoy => Kind::Envoy(LineMatcher::new(envoy::template(pattern))?),
            AccessSyntax::Caddy | AccessSyntax::Traefik | AccessSyntax::Json => Kind::Json,
        };
        Ok(Self { kind, stamps: StampReader::new(zone) })
    }

    /// Makes a reader for a format that was recognised.
    ///
    /// # Errors
    /// As [`AccessParser::new`].
    pub fn of(shape: &Shape, zone: TimeZone) -> Result<Self, FormatError> {
        let kind = match shape {
            Shape::Told(format) => return Self::new(format, zone),
            Shape::Combined => Kind::Combined,
            Shape::Pairs => Kind::Pairs,
            Shape::Loose => Kind::Loose,
        };
        Ok(Self { kind, stamps: StampReader::new(zone) })
    }

    /// Whether lines carry a stamp, as far as the format tells.
    pub fn has_time(&self) -> bool {
        match &self.kind {
            Kind::Line(matcher) | Kind::Haproxy(matcher) | Kind::Envoy(matcher) => {
                matcher.has_time()
            }
            Kind::Json | Kind::Pairs | Kind::Combined | Kind::Loose => true,
        }
    }

    /// Reads one line. `now` decides what a stamp of the repeated hour means.
    pub fn read<'a>(&mut self, line: &'a [u8], now: Wall) -> Reading<'a> {
        let stamps = &mut self.stamps;
        match &mut self.kind {
            Kind::Haproxy(matcher) => {
                if let Some(fields) = matcher.read(line, stamps, now) {
                    return Reading::Request(fields);
                }
                let Some(rest) = haproxy::without_head(line) else { return Reading::Unfit };
                match matcher.read(rest, stamps, now) {
                    Some(mut fields) => {
                        fields.marker.at += line.len() - rest.len();
                        Reading::Request(fields)
                    }
                    // Its events have no time of their own; a request has one in brackets.
                    None if rest.contains(&b'"') && rest.contains(&b'[') => Reading::Unfit,
                    None => Reading::Other,
                }
            }
            Kind::Envoy(_) if line.first() == Some(&b'{') => json::read(line, stamps, now),
            Kind::Line(matcher) | Kind::Envoy(matcher) => {
                matcher.read(line, stamps, now).map_or(Reading::Unfit, Reading::Request)
            }
            Kind::Json => json::read(line, stamps, now),
            Kind::Pairs => pairs::read(line, stamps, now),
            Kind::Combined => guess::read(line, stamps, now),
            Kind::Loose => loose::read(line, stamps, now),
        }
    }
}
