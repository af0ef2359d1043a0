//! XML-RPC, as much of it as Supervisor speaks: calls with strings and booleans, answers of any shape
//! within bounds.

use std::collections::BTreeMap;

use quick_xml::{
    Reader,
    escape::{escape, resolve_predefined_entity},
    events::Event,
};

use super::TalkError;

/// Values in one answer.
const MOST_VALUES: usize = 200_000;
/// How deep they may lie in each other.
const DEEPEST: usize = 16;

/// One value of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `i4`, `int`, `i8`.
    Int(i64),
    /// `boolean`.
    Bool(bool),
    /// `string`, and everything that is only text.
    Text(String),
    /// `array`.
    List(Vec<Value>),
    /// `struct`.
    Struct(BTreeMap<String, Value>),
}

impl Value {
    /// A member of a struct as text; empty when there is none.
    pub fn text(&self, name: &str) -> &str {
        match self.member(name) {
            Some(Self::Text(text)) => text,
            _ => "",
        }
    }

    /// A member of a struct as a number.
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.member(name)? {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Struct(members) => members.get(name),
            _ => None,
        }
    }
}

/// The XML of a call.
pub(super) fn call(method: &str, arguments: &[Value]) -> String {
    let mut xml = format!("<?xml version=\"1.0\"?><methodCall><methodName>{method}</methodName>");
    xml.push_str("<params>");
    for argument in arguments {
        xml.push_str("<param><value>");
        match argument {
            Value::Int(number) => xml.push_str(&["<int>", &number.to_string(), "</int>"].concat()),
            Value::Bool(flag) => {
                xml.push_str(if *flag { "<boolean>1</boolean>" } else { "<boolean>0</boolean>" });
            }
            Value::Text(text) => xml.push_str(&["<string>", &escape(text), "</string>"].concat()),
            Value::List(_) | Value::Struct(_) => {}
        }
        xml.push_str("</value></param>");
    }
    xml.push_str("</params></methodCall>");
    xml
}

/// Reads an answer.
///
/// # Errors
/// [`TalkError::Said`] for a fault, [`TalkError::Garbled`] for what is no answer.
pub(super) fn answer(xml: &[u8]) -> Result<Value, TalkError> {
    let xml = String::from_utf8_lossy(xml);
    let mut walk = Walk { reader: Reader::from_str(&xml), values: 0 };
    let mut fault = false;
    loop {
        match walk.next()? {
            Token::Open(name) if name == "fault" => fault = true,
            Token::Open(name) if name == "value" => {
                let value = walk.value(0)?;
                return if fault { Err(told(&value)) } else { Ok(value) };
            }
            Token::End => return Err(garbled("it holds no value")),
            _ => {}
        }
    }
}

fn told(fault: &Value) -> TalkError {
    TalkError::Said(fault.text("faultString").chars().take(200).collect())
}

fn garbled(words: impl Into<String>) -> TalkError {
    TalkError::Garbled(words.into())
}

enum Token {
    Open(String),
    Close(String),
    Text(String),
    End,
}

struct Walk<'a> {
    reader: Reader<&'a [u8]>,
    values: usize,
}

impl Walk<'_> {
    fn next(&mut self) -> Result<Token, TalkError> {
        loop {
            let event = self.reader.read_event().map_err(|error| garbled(error.to_string()))?;
            return Ok(match event {
                Event::Start(tag) => Token::Open(tag.local_name().as_ref().to_owned()),
                Event::End(tag) => Token::Close(tag.local_name().as_ref().to_owned()),
                // `<string/>`: opened and closed at once; what holds nothing is nothing.
                Event::Empty(_) => continue,
                Event::Text(text) => Token::Text(text.to_string()),
                Event::CData(text) => Token::Text(text.to_string()),
                Event::GeneralRef(entity) => Token::Text(character(&entity)),
                Event::Eof => Token::End,
                _ => continue,
            });
        }
    }

    /// The value whose opening tag has been read.
    fn value(&mut self, depth: usize) -> Result<Value, TalkError> {
        self.values += 1;
        if depth > DEEPEST || self.values > MOST_VALUES {
            return Err(garbled("there is too much in it"));
        }
        let mut plain = String::new();
        loop {
            match self.next()? {
                Token::Text(text) => plain.push_str(&text),
                // A value without a type is text.
                Token::Close(name) if name == "value" => return Ok(Value::Text(plain)),
                Token::Close(_) => {}
                Token::End => return Err(garbled("it ends in the middle")),
                Token::Open(name) => {
                    let value = match name.as_str() {
                        "array" => Value::List(self.list(depth)?),
                        "struct" => Value::Struct(self.members(depth)?),
                        kind => scalar(kind, &self.text_until(kind)?),
                    };
                    self.skip_to("value")?;
                    return Ok(value);
                }
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Value>, TalkError> {
        let mut all = Vec::new();
        loop {
            match self.next()? {
                Token::Open(name) if name == "value" => all.push(self.value(depth + 1)?),
                Token::Close(name) if name == "array" => return Ok(all),
                Token::End => return Err(garbled("it ends in the middle")),
                _ => {}
            }
        }
    }

    fn members(&mut self, depth: usize) -> Result<BTreeMap<String, Value>, TalkError> {
        let (mut all, mut key) = (BTreeMap::new(), String::new());
        loop {
            match self.next()? {
                Token::Open(name) if name == "name" => key = self.text_until("name")?,
                Token::Open(name) if name == "value" => {
                    let value = self.value(depth + 1)?;
                    all.insert(std::mem::take(&mut key), value);
                }
                Token::Close(name) if name == "struct" => return Ok(all),
                Token::End => return Err(garbled("it ends in the middle")),
                _ => {}
            }
        }
    }

    fn text_until(&mut self, tag: &str) -> Result<String, TalkError> {
        let mut text = String::new();
        loop {
            match self.next()? {
                Token::Text(part) => text.push_str(&part),
                Token::Close(name) if name == tag => return Ok(text),
                Token::End => return Err(garbled("it ends in the middle")),
                _ => {}
            }
        }
    }

    fn skip_to(&mut self, tag: &str) -> Result<(), TalkError> {
        self.text_until(tag).map(drop)
    }
}

fn scalar(kind: &str, text: &str) -> Value {
    let number = || text.trim().parse().ok();
    match kind {
        "int" | "i4" | "i8" => number().map(Value::Int),
        "boolean" => number().map(|n: i64| Value::Bool(n != 0)),
        _ => None,
    }
    .unwrap_or_else(|| Value::Text(text.to_owned()))
}

/// What `&name;` or `&#n;` stands for.
fn character(entity: &str) -> String {
    let number = entity.strip_prefix('#').and_then(|digits| match digits.strip_prefix('x') {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => digits.parse().ok(),
    });
    match number.and_then(char::from_u32) {
        Some(one) => one.to_string(),
        None => resolve_predefined_entity(entity).unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIST: &str = "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><array><data>\
        <value><struct>\n<member>\n<name>name</name>\n<value><string>shop &amp; co</string></value>\n\
        </member>\n<member><name>state</name><value><int>200</int></value></member>\
        <member><name>spawnerr</name><value><string></string></value></member>\
        <member><name>description</name><value>bare</value></member>\
        </struct></value>\n</data></array></value>\n</param>\n</params>\n</methodResponse>\n";

    #[test]
    fn a_list_of_processes_is_read() {
        let Value::List(all) = answer(LIST.as_bytes()).unwrap() else { panic!("no list") };
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].text("name"), "shop & co");
        assert_eq!((all[0].int("state"), all[0].int("name")), (Some(200), None));
        assert_eq!((all[0].text("spawnerr"), all[0].text("description")), ("", "bare"));
    }

    #[test]
    fn a_fault_is_told_in_its_words() {
        let xml = "<methodResponse><fault><value><struct><member><name>faultCode</name><value><int>\
            10</int></value></member><member><name>faultString</name><value><string>BAD_NAME: x\
            </string></value></member></struct></value></fault></methodResponse>";
        assert_eq!(answer(xml.as_bytes()), Err(TalkError::Said("BAD_NAME: x".to_owned())));
    }

    #[test]
    fn a_name_cannot_leave_its_tag() {
        let xml = call("supervisor.startProcess", &[Value::Text("</string><x>".into())]);
        assert!(xml.contains("<string>&lt;/string&gt;&lt;x&gt;</string>"), "{xml}");
    }

    #[test]
    fn what_is_cut_or_nested_without_end_is_garbled() {
        for end in [20, 120, 200, LIST.len() - 120] {
            assert!(answer(&LIST.as_bytes()[..end]).is_err(), "{end}");
        }
        let deep = "<value><array><data>".repeat(100_000);
        assert!(answer(format!("<methodResponse>{deep}").as_bytes()).is_err());
        let many = "<value><int>1</int></value>".repeat(MOST_VALUES + 1);
        assert!(answer(format!("<value><array>{many}</array></value>").as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, text in "[<>/a-z&;#= 0-9\"]{0,80}") {
            let _ = answer(&bytes);
            let _ = answer(format!("<value><struct>{text}").as_bytes());
        }
    }
}
