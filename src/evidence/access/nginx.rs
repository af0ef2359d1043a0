//! nginx's `log_format`
//! (<https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format>).

use super::{
    field::{Field, Unit},
    template::Template,
};

/// The format that nginx knows without being told.
#[cfg(test)]
pub(super) const COMBINED: &str = r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent""#;

/// Reads a format string as nginx uses it.
pub(super) fn template(pattern: &str) -> Template {
    let pattern = pattern.trim_start();
    let pattern = ["escape=json", "escape=default", "escape=none"]
        .iter()
        .find_map(|escape| pattern.strip_prefix(escape))
        .map_or(pattern, str::trim_start);
    split(pattern, field)
}

fn field(name: &str) -> Field {
    match name {
        "status" => Field::Status,
        "upstream_status" => Field::UpstreamStatus,
        "upstream_addr" => Field::UpstreamAddr,
        "request_time" => Field::RequestTime(Unit::Seconds),
        "upstream_response_time" => Field::UpstreamTime(Unit::Seconds),
        "request" => Field::Request,
        "request_method" => Field::Method,
        "uri" | "request_uri" | "document_uri" => Field::Uri,
        "host" | "http_host" | "server_name" => Field::Host,
        "time_local" => Field::TimeLocal,
        "time_iso8601" => Field::TimeIso,
        "msec" => Field::Epoch(Unit::Seconds),
        "http_user_agent" => Field::Agent,
        "proxy_host" => Field::Backend,
        _ => Field::Other,
    }
}

/// Cuts a text with `$name` and `${name}` in it.
pub(super) fn split(pattern: &str, field: impl Fn(&str) -> Field) -> Template {
    let mut out = Template::default();
    let mut rest = pattern;
    while let Some(at) = rest.find('$') {
        let (text, tail) = rest.split_at(at);
        out.text(text);
        let tail = tail.get(1..).unwrap_or_default();
        let braced = tail.strip_prefix('{').and_then(|tail| tail.split_once('}'));
        let (name, after) = braced.unwrap_or_else(|| {
            let other = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
            tail.split_at(tail.find(other).unwrap_or(tail.len()))
        });
        if name.is_empty() {
            out.text("$");
        } else {
            out.value(field(name));
        }
        rest = after;
    }
    out.text(rest);
    out
}

/// Traefik's common format
/// (<https://doc.traefik.io/traefik/observability/access-logs/#format>).
pub(super) fn traefik() -> Template {
    const PATTERN: &str = r#"$remote_addr - $user [$time] "$request" $status $size "$referer" "$agent" $count "$router" "$server" ${ms}ms"#;
    split(PATTERN, |name| match name {
        "time" => Field::TimeLocal,
        "request" => Field::Request,
        "status" => Field::LooseStatus,
        "agent" => Field::Agent,
        "router" => Field::Backend,
        "server" => Field::UpstreamAddr,
        "ms" => Field::RequestTime(Unit::Millis),
        _ => Field::Other,
    })
}
