//! XML-RPC from the side that answers, as Supervisor does.

use std::fmt::Write;

use quick_xml::escape::{escape, unescape};

/// Longest name of a method or program.
const TEXT: usize = 200;

/// A call: the method and its first text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) method: String,
    pub(super) name: String,
}

/// Reads a call; `None` for what is none.
pub(super) fn call(body: &[u8]) -> Option<Call> {
    let text = std::str::from_utf8(body).ok()?;
    let between = |open: &str, close: &str| {
        let (_, rest) = text.split_once(open)?;
        let (inner, _) = rest.split_once(close)?;
        let plain = unescape(inner).ok()?;
        (plain.len() <= TEXT).then(|| plain.into_owned())
    };
    let method = between("<methodName>", "</methodName>")?;
    let name = between("<string>", "</string>").unwrap_or_default();
    Some(Call { method, name })
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Yes,
    Text(String),
    /// Structs of members.
    All(Vec<Vec<(&'static str, Member)>>),
    /// One struct.
    One(Vec<(&'static str, Member)>),
    /// A fault with its number.
    Fault(i64, String),
}

/// A member of a struct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Member {
    Int(i64),
    Text(String),
}

fn member(out: &mut String, name: &str, value: &Member) {
    let value = match value {
        Member::Int(number) => format!("<int>{number}</int>"),
        Member::Text(text) => format!("<string>{}</string>", escape(text.as_str())),
    };
    let _ = writeln!(out, "<member><name>{name}</name><value>{value}</value></member>");
}

fn members(all: &[(&'static str, Member)]) -> String {
    let mut out = "<struct>\n".to_owned();
    for (name, value) in all {
        member(&mut out, name, value);
    }
    out + "</struct>"
}

/// The document of an answer.
pub(super) fn document(answer: &Answer) -> String {
    let value = match answer {
        Answer::Fault(code, words) => {
            let all =
                [("faultCode", Member::Int(*code)), ("faultString", Member::Text(words.clone()))];
            return format!(
                "<?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value>{}</value>\n</fault>\n\
                 </methodResponse>\n",
                members(&all)
            );
        }
        Answer::Yes => "<boolean>1</boolean>".to_owned(),
        Answer::Text(text) => format!("<string>{}</string>", escape(text.as_str())),
        Answer::One(one) => members(one),
        Answer::All(all) => {
            let mut values = String::new();
            for one in all {
                let _ = write!(values, "<value>{}</value>", members(one));
            }
            format!("<array><data>{values}</data></array>")
        }
    };
    format!(
        "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value>{value}</value>\n\
         </param>\n</params>\n</methodResponse>\n"
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_call_is_read_as_the_console_writes_it() {
        let body = b"<?xml version=\"1.0\"?><methodCall><methodName>supervisor.startProcess</methodName>\
                     <params><param><value><string>a&amp;b</string></value></param></params></methodCall>";
        let call = call(body).unwrap();
        assert_eq!((call.method.as_str(), call.name.as_str()), ("supervisor.startProcess", "a&b"));
        let fault = document(&Answer::Fault(10, "BAD_NAME: <x>".into()));
        assert!(fault.contains("<int>10</int>") && fault.contains("BAD_NAME: &lt;x&gt;"));
    }

    proptest! {
        #[test]
        fn no_call_panics(bytes: Vec<u8>, text in "<methodName>[a-z&;<>/]{0,20}</methodName>.{0,20}") {
            let _ = call(&bytes);
            let _ = call(text.as_bytes());
        }
    }
}
