//! Loose reading of JSON: what is missing or of another type is simply not there.

use serde_json::Value;

use crate::observation::{Text, Wall};

/// The value at a JSON pointer (RFC 6901).
pub(super) fn at<'a>(value: &'a Value, pointer: &str) -> &'a Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

/// The string at a pointer, empty when there is none.
pub(super) fn string<'a>(value: &'a Value, pointer: &str) -> &'a str {
    at(value, pointer).as_str().unwrap_or_default()
}

/// The string at a pointer as outside text.
pub(super) fn text(value: &Value, pointer: &str) -> Text {
    Text::new(string(value, pointer))
}

/// The strings of an array at a pointer.
pub(super) fn strings<'a>(value: &'a Value, pointer: &str) -> Vec<&'a str> {
    at(value, pointer).as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Whether `true` stands at a pointer.
pub(super) fn flag(value: &Value, pointer: &str) -> bool {
    at(value, pointer).as_bool().unwrap_or(false)
}

/// The members of an object at a pointer.
pub(super) fn members<'a>(
    value: &'a Value,
    pointer: &str,
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    at(value, pointer).as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

/// A time in RFC 3339; Docker's zero time (year 1) is none.
pub(super) fn wall(stamp: &str) -> Option<Wall> {
    let time: jiff::Timestamp = stamp.parse().ok()?;
    (time.as_second() > 0).then(|| Wall(time.as_microsecond()))
}
