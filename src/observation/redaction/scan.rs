//! The pass over a text.

use std::borrow::Cow;

use super::{
    bytes::{at, before, is_blank, is_name, skip, skip_back},
    commands, frames,
    hints::{self, Hint},
    mark,
    names::{self, Kind},
    shapes, urls, value,
};

/// Longest name, in bytes, to either side of a hint.
const NAME: usize = 64;

/// Hints that are looked into, of one text.
const MOST: usize = 1_000;

/// Times that a text is looked through again in which something was found.
const AGAIN: usize = 4;

/// Directives and commands whose next word is a name, and the one after it a value.
const SETTERS: [&str; 22] = [
    "fastcgi_param",
    "uwsgi_param",
    "scgi_param",
    "proxy_set_header",
    "grpc_set_header",
    "add_header",
    "more_set_headers",
    "more_set_input_headers",
    "setenv",
    "setenvif",
    "passenv",
    "set",
    "env",
    "arg",
    "header_up",
    "request_header",
    "set-header",
    "add-header",
    "presetenv",
    "setx",
    "append",
    "export",
];
/// Directives that are a name themselves.
const DIRECTIVES: [&str; 8] = [
    "requirepass",
    "masterauth",
    "auth_pass",
    "insecure-password",
    "ssl_password",
    "ldap_bind_password",
    "auth_token",
    "authtoken",
];

/// Replaces every recognised secret by a mark and leaves its name readable. What was redacted before
/// stays as it is.
pub fn redact(text: &str) -> Cow<'_, str> {
    with(text, false, &mark::mark)
}

/// As [`redact`], for a line of a configuration: a blank parts a name from its value there.
pub fn redact_configuration(line: &str) -> Cow<'_, str> {
    with(line, true, &mark::mark)
}

pub(super) fn with<'a>(
    text: &'a str,
    configuration: bool,
    mark: &dyn Fn(&str) -> String,
) -> Cow<'a, str> {
    let Cow::Owned(mut said) = once(text, configuration, mark) else { return Cow::Borrowed(text) };
    // Where something went, words may stand beside each other that did not before. Whoever reads a
    // recording redacts again, and has to find nothing.
    for _ in 0..AGAIN {
        match once(&said, configuration, mark) {
            Cow::Owned(next) if next != said => said = next,
            _ => break,
        }
    }
    Cow::Owned(said)
}

fn once<'a>(text: &'a str, configuration: bool, mark: &dyn Fn(&str) -> String) -> Cow<'a, str> {
    if shapes::is_key_body(text) {
        return Cow::Owned(text.replace(text.trim(), &mark(text.trim())));
    }
    let mut scan = Scan::new(text, configuration);
    if !scan.run() {
        // Without its pattern the filter must fail closed.
        return Cow::Owned(mark(text));
    }
    if scan.found.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(scan.replaced(mark)) }
}

struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    configuration: bool,
    /// Everything before it is settled.
    settled: usize,
    token: urls::Token,
    open: value::Unclosed,
    /// Everything before it was looked at for private keys.
    keyless: usize,
    found: Vec<(usize, usize)>,
}

impl<'a> Scan<'a> {
    const fn new(text: &'a str, configuration: bool) -> Self {
        let token = urls::Token::new();
        let bytes = text.as_bytes();
        Self {
            text,
            bytes,
            configuration,
            settled: 0,
            token,
            open: None,
            keyless: 0,
            found: Vec::new(),
        }
    }

    fn run(&mut self) -> bool {
        let Some(hints) = hints::of(self.text) else { return false };
        let mut clients = false;
        for (n, (start, end, hint)) in hints.enumerate() {
            // A flood of hints is no line that anybody reads: what is left of it goes as a whole.
            if n == MOST {
                self.take(Some((start, self.bytes.len())));
                break;
            }
            if hint == Hint::Client {
                clients = true;
                continue;
            }
            if hint == Hint::Pem && start >= self.keyless {
                self.private_key(end);
            }
            if start < self.settled {
                continue;
            }
            self.look(start, end, hint);
        }
        if clients {
            self.others(commands::secrets);
        }
        self.others(frames::arguments);
        self.others(|text, found| shapes::cards(text.as_bytes(), found));
        true
    }

    /// Looks into one hint.
    fn look(&mut self, start: usize, end: usize, hint: Hint) {
        let found = match hint {
            Hint::Name => return self.name(start),
            Hint::Url if at(self.bytes, start) == b'%' => urls::encoded(self.bytes, end),
            Hint::Url => {
                let (floor, token) = (self.settled, &mut self.token);
                urls::password(self.bytes, start, end, floor, token)
            }
            Hint::At => urls::bare(self.bytes, start, self.settled),
            Hint::Shape => shapes::shape(self.text, start).map(|end| (start, end)),
            Hint::Scheme => {
                let (behind, is_one) = shapes::credential(self.bytes, end);
                self.settled = self.settled.max(behind);
                is_one.then_some((end, behind))
            }
            Hint::Sql => {
                let start = skip(self.bytes, end, |b| is_blank(b) || b == b'(');
                value::Quote::here(self.bytes, start).map(|_| self.quoted(start))
            }
            Hint::Client | Hint::Pem => None,
        };
        self.take(found);
    }

    /// A private key may stand in a value that was taken up to the end of its line.
    fn private_key(&mut self, end: usize) {
        let found = shapes::private_key(self.bytes, end);
        if let Some((_, end)) = found {
            self.keyless = end;
        }
        self.take(found);
    }

    /// What is found in a pass of its own.
    fn others(&mut self, pass: impl FnOnce(&'a str, &mut dyn FnMut(usize, usize))) {
        pass(self.text, &mut |start, end| self.take(Some((start, end))));
    }

    /// Takes what was found, without marks, blanks and what is harmless.
    fn take(&mut self, found: Option<(usize, usize)>) {
        let Some((start, end)) = found else { return };
        let end = value::kept_end(self.bytes, start, end);
        self.settled = self.settled.max(end);
        let Some(mut inside) = self.text.get(start..end) else { return };
        inside = inside.trim_ascii_end();
        let mut start = start;
        loop {
            let length = mark::length(inside.as_bytes()).unwrap_or(0);
            let rest = inside.get(length..).unwrap_or_default();
            let next = rest.trim_ascii_start();
            let skipped = inside.len() - next.len();
            if skipped == 0 {
                break;
            }
            (inside, start) = (next, start + skipped);
        }
        if inside.is_empty() || names::is_harmless(inside) || is_ellipsis(inside) {
            return;
        }
        self.found.push((start, start + inside.len()));
    }

    fn quoted(&mut self, start: usize) -> (usize, usize) {
        let name = value::Named { kind: Kind::Value, start, end: start, capital: false };
        value::extent(self.bytes, &name, &value::Parted::at(start), &mut self.open)
    }

    /// A part of a name: the whole of it, and its value.
    fn name(&mut self, hint: usize) {
        let query = matches!(at(self.bytes, hint), b'?' | b'&');
        let inside = if query { hint + 1 } else { hint };
        let start = skip_back(self.bytes, inside, self.settled, NAME, is_name);
        let head = self.bytes.get(inside..self.bytes.len().min(inside + NAME)).unwrap_or_default();
        let end = inside + head.iter().take_while(|b| is_name(**b)).count();
        self.settled = self.settled.max(end);
        let Some(name) = self.text.get(start..end) else { return };
        let query = matches!(before(self.bytes, start), b'?' | b'&');
        if name == "auth" && self.previous(start) == "stats" {
            let found = self.of_pair(end);
            return self.take(found);
        }
        let Some(kind) = names::judge(name, query) else { return };
        let named = value::Named {
            kind,
            start,
            end,
            capital: !name.bytes().any(|b| b.is_ascii_lowercase()),
        };
        let found = match value::parted(self.bytes, &named) {
            Some(parted) => self.value(name, &named, &parted),
            None if kind == Kind::Query => None,
            None => self.apart(name, &named),
        };
        let found = found.filter(|(start, end)| {
            let inside = self.text.get(*start..*end).unwrap_or_default();
            let is_path = kind == Kind::Key && names::is_path(inside);
            self.settled = if is_path { self.settled.max(*end) } else { self.settled };
            !is_path
        });
        self.take(found);
    }

    fn value(
        &mut self,
        name: &str,
        named: &value::Named,
        parted: &value::Parted,
    ) -> Option<(usize, usize)> {
        if named.kind == Kind::Query && parted.by != b'=' {
            return None;
        }
        if matches!(name, "PWD" | "OLDPWD") && at(self.bytes, parted.start) == b'/' {
            self.settled = skip(self.bytes, parted.start, |b| b > b' ');
            return None;
        }
        let (start, end) = value::extent(self.bytes, named, parted, &mut self.open);
        // `Authorization: Bearer`, and the token in the line below: what is secret is not here.
        let is_scheme = named.kind == Kind::Header
            && self.text.get(start..end).is_some_and(|inside| value::is_scheme(inside.trim()));
        (!is_scheme).then_some((start, end))
    }

    /// The password of `user:password` behind a name.
    fn of_pair(&self, end: usize) -> Option<(usize, usize)> {
        let start = skip(self.bytes, end, is_blank);
        let end = skip(self.bytes, start, |b| b > b' ');
        let from = start + mark::length(self.bytes.get(start..end)?).unwrap_or(0);
        let colon = memchr::memchr(b':', self.bytes.get(from..end)?)?;
        Some((from + colon + 1, end))
    }

    /// The value behind a blank: of an option, a directive, a list of users.
    fn apart(&mut self, name: &str, named: &value::Named) -> Option<(usize, usize)> {
        // Behind a secret it was the end of a longer word, and stays so when it is read again.
        let marked = || mark::ends(self.bytes.get(..named.start).unwrap_or_default());
        let is_option = name.starts_with('-') && !marked();
        let closed = usize::from(matches!(at(self.bytes, named.end), b'"' | b'\''));
        let gap = |b: u8| is_blank(b) || is_option && b == b',';
        let start = skip(self.bytes, named.end + closed, gap);
        if start == named.end + closed {
            return None;
        }
        if is_option {
            let quote = usize::from(matches!(at(self.bytes, start), b'"' | b'\''));
            let is_other = at(self.bytes, start + quote) == b'-';
            return (!is_other).then(|| self.word(start));
        }
        let previous = self.previous(named.start);
        let set = SETTERS.iter().any(|setter| previous.eq_ignore_ascii_case(setter));
        // The cookie of a balancer names a server.
        if self.configuration && (set || name != "cookie") {
            return Some(self.up_to_semicolon(start));
        }
        let quote = value::Quote::here(self.bytes, start).is_some();
        if set && named.kind == Kind::Header && !quote {
            return Some(self.up_to_semicolon(start));
        }
        let is_password = name.eq_ignore_ascii_case("password");
        let wanted = set
            || named.kind == Kind::Password && (quote || is_password && self.of_user(named.start))
            || DIRECTIVES.iter().any(|own| name.eq_ignore_ascii_case(own));
        wanted.then(|| self.word(start))
    }

    /// Up to the last semicolon of the line: it ends a directive.
    fn up_to_semicolon(&self, start: usize) -> (usize, usize) {
        let line = value::line_end(self.bytes, start);
        let inside = self.bytes.get(start..line).unwrap_or_default();
        (start, memchr::memrchr(b';', inside).map_or(line, |n| start + n))
    }

    /// Whether a user stands before: `user x password`, `login x password`.
    fn of_user(&self, start: usize) -> bool {
        let head = self.line_before(start);
        head.starts_with("user ") || head.contains("login ")
    }

    /// The word that begins here, or what its quotes hold.
    fn word(&mut self, start: usize) -> (usize, usize) {
        if value::Quote::here(self.bytes, start).is_some() {
            return self.quoted(start);
        }
        (start, value::word(self.bytes, start))
    }

    /// The word before a name.
    fn previous(&self, start: usize) -> &'a str {
        let end = skip_back(self.bytes, start, 0, 4, |b| is_blank(b) || b == b'"');
        let begin = skip_back(self.bytes, end, 0, NAME, is_name);
        self.text.get(begin..end).unwrap_or_default()
    }

    /// What stands before a name in its line, as far as that matters.
    fn line_before(&self, start: usize) -> &'a str {
        let floor = start.saturating_sub(2 * NAME);
        let head = self.bytes.get(floor..start).unwrap_or_default();
        let line = memchr::memrchr(b'\n', head).map_or(floor, |n| floor + n + 1);
        self.text.get(line..start).unwrap_or_default().trim_ascii_start()
    }

    fn replaced(mut self, mark: &dyn Fn(&str) -> String) -> String {
        self.found.sort_unstable();
        let mut out = String::with_capacity(self.text.len() + 16);
        let mut done = 0;
        let mut all = self.found.into_iter().peekable();
        while let Some((start, mut end)) = all.next() {
            while let Some((_, further)) = all.next_if(|(next, _)| *next < end) {
                end = end.max(further);
            }
            out.push_str(self.text.get(done..start).unwrap_or_default());
            out.push_str(&mark(self.text.get(start..end).unwrap_or_default()));
            done = end;
        }
        out.push_str(self.text.get(done..).unwrap_or_default());
        out
    }
}

/// What is left of a text that was cut behind a mark.
fn is_ellipsis(text: &str) -> bool {
    text == "…"
}
