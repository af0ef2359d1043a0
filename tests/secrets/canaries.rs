//! Marked secrets: where each was planted, and whether it came out.

/// Ways in which a password is written.
const FORMS: [&str; 5] = ["cnry{}q", "Cnry{}q@x", "cnry{}qÄÖß", "cnry{}q,x#1", "CNRY{}Q!x:y"];
/// For places that have quotes around.
const QUOTED: [&str; 4] = ["cnry{}q two words", "cnry{}q;x", "cnry{}q&x=1", "cnry{}q, and)more"];

/// Everything that was planted.
#[derive(Default)]
pub(crate) struct Canaries {
    planted: Vec<(String, String)>,
    next: usize,
}

impl Canaries {
    fn secret(&mut self, place: &str, form: &str) -> String {
        self.next += 1;
        let number = format!("{:04}", self.next);
        self.planted.push((place.to_owned(), format!("cnry{number}q")));
        form.replace("{}", &number)
    }

    /// A text with a new secret in place of each `{}`.
    pub(crate) fn plain(&mut self, text: &str) -> String {
        self.with(text, FORMS[0])
    }

    fn with(&mut self, text: &str, form: &str) -> String {
        let mut out = String::new();
        for (n, piece) in text.split("{}").enumerate() {
            if n > 0 {
                out += &self.secret(text, form);
            }
            out += piece;
        }
        out
    }

    /// The text once for each way in which a password is written.
    pub(crate) fn all_forms(&mut self, text: &str, is_quoted: bool) -> Vec<String> {
        let more: &[&str] = if is_quoted { &QUOTED } else { &[] };
        FORMS.iter().chain(more).map(|form| self.with(text, form)).collect()
    }

    /// A secret that is known by its shape.
    pub(crate) fn shaped(&mut self, text: &str, shape: &str) -> String {
        self.planted.push((text.to_owned(), squeezed(shape)));
        text.replace("{}", shape)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.planted.len()
    }

    /// Panics when one of them is in there, however it is broken into lines.
    pub(crate) fn assert_kept(&self, from: &str, bytes: &[u8]) {
        let text = squeezed(&String::from_utf8_lossy(bytes));
        let leaked: Vec<_> =
            self.planted.iter().filter(|(_, needle)| text.contains(needle)).collect();
        assert!(leaked.is_empty(), "in {from}: {leaked:#?}");
    }
}

/// Without what a screen or a document puts between the parts of a word.
fn squeezed(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '│' | '┃' | '▌' | '▐' | '█' | '-'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// What a program wrote into the clipboard (OSC 52), decoded.
pub(crate) fn clipboard(bytes: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let sent = text.split("\x1b]52;c;").skip(1);
    sent.map(|rest| decoded(rest.split(['\x07', '\x1b']).next().unwrap())).collect()
}

fn decoded(base64: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut out, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for byte in base64.bytes() {
        let Some(digit) = DIGITS.iter().position(|d| *d == byte) else { continue };
        held = (held << 6) | u32::try_from(digit).unwrap();
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push(u8::try_from((held >> bits) & 0xff).unwrap());
        }
    }
    out
}

pub(crate) fn encoded(text: &str) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let held = chunk.iter().fold(0_u32, |held, byte| (held << 8) | u32::from(*byte));
        let held = held << (8 * (3 - chunk.len()));
        for n in 0..4 {
            let digit = usize::try_from((held >> (18 - 6 * n)) & 63).unwrap();
            out.push(if n > chunk.len() { '=' } else { char::from(DIGITS[digit]) });
        }
    }
    out
}

#[test]
fn what_is_encoded_is_found_again() {
    assert_eq!(encoded("app:x"), "YXBwOng=");
    assert_eq!(clipboard(b"a\x1b]52;c;YXBwOng=\x07b"), [b"app:x"]);
}
