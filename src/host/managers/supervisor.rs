//! What Supervisor can be asked: the state of its programs.

use std::time::Duration;

use super::{Door, TalkError, Value, pm2::head, talk, xmlrpc};

/// Most bytes of an answer.
const CAP: usize = 4 << 20;

/// What Supervisor knows of every program, as `supervisor.getAllProcessInfo` gives it.
///
/// # Errors
/// [`TalkError`].
pub async fn all_processes(door: &Door, limit: Duration) -> Result<Vec<Value>, TalkError> {
    match call(door, "supervisor.getAllProcessInfo", &[], limit).await? {
        Value::List(all) => Ok(all),
        _ => Err(TalkError::Garbled("it is no list of programs".to_owned())),
    }
}

pub(super) async fn call(
    door: &Door,
    method: &str,
    arguments: &[Value],
    limit: Duration,
) -> Result<Value, TalkError> {
    let body = xmlrpc::call(method, arguments);
    let question = format!(
        "POST /RPC2 HTTP/1.0\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\
         \r\n{body}",
        body.len()
    );
    let whole = |bytes: &[u8]| {
        Ok(split(bytes)?
            .is_some_and(|(_, rest, length)| length.is_some_and(|length| rest.len() >= length)))
    };
    let answer = talk::ask(door, question.as_bytes(), CAP, limit, whole).await?;
    let cut = || TalkError::Garbled("it ends in the middle".to_owned());
    let (status, body, length) = split(&answer)?.ok_or_else(cut)?;
    match status {
        200 => {}
        401 => return Err(TalkError::Locked),
        other => return Err(TalkError::Said(format!("HTTP status {other}"))),
    }
    let body = match length {
        Some(length) => body.get(..length).ok_or_else(cut)?,
        None => body,
    };
    xmlrpc::answer(body)
}

/// Status, body so far and announced length, once the head is whole.
fn split(bytes: &[u8]) -> Result<Option<(u16, &[u8], Option<usize>)>, TalkError> {
    let Some(at) = memchr::memmem::find(bytes, b"\r\n\r\n") else {
        // What does not even begin as HTTP is not waited for.
        let begins = bytes.iter().zip(b"HTTP/").all(|(a, b)| a == b);
        return if begins && bytes.len() < 16 << 10 {
            Ok(None)
        } else {
            Err(TalkError::Garbled("it is no HTTP".to_owned()))
        };
    };
    let (top, rest) = bytes.split_at_checked(at).unwrap_or((bytes, b""));
    let top = String::from_utf8_lossy(top);
    let mut lines = top.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let status = first.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1));
    let status = status.and_then(|digits| digits.parse().ok());
    let status = status.ok_or_else(|| TalkError::Garbled(head(first)))?;
    let length = lines.filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
        let ours = name.eq_ignore_ascii_case("content-length");
        ours.then(|| value.trim().parse().ok()).flatten()
    });
    Ok(Some((status, rest.get(4..).unwrap_or_default(), length)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_answer_is_whole_with_its_announced_length() {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-length: 5\r\n\r\nabcde";
        assert_eq!(split(bytes).unwrap(), Some((200, &b"abcde"[..], Some(5))));
        assert_eq!(split(&bytes[..20]).unwrap(), None);
        assert!(split(b"\x12\0\0\0").is_err() && split(b"HTTP/1.1 huh\r\n\r\n").is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, text in "HTTP/1\\.[0-9 ]{0,9}\r\n[a-z:0-9-]{0,20}\r\n\r\n.*") {
            let _ = split(&bytes);
            let _ = split(text.as_bytes());
        }
    }
}
