//! A format, whatever language it was written in: a head, and values with the text after each.

use super::field::Field;

/// A format before it is compiled.
#[derive(Debug, Default)]
pub(super) struct Template {
    /// Text before the first value.
    pub(super) head: String,
    /// Each value with the text after it.
    pub(super) values: Vec<(Field, String)>,
    /// `strftime` formats, by the number in [`Field::TimeFormat`], and whether UTC is meant
    /// where they have no offset.
    pub(super) times: Vec<(String, bool)>,
    /// Whether a program may cut the end of a line off.
    pub(super) cut: bool,
}

impl Template {
    /// Adds text.
    pub(super) fn text(&mut self, text: &str) {
        self.values.last_mut().map_or(&mut self.head, |(_, after)| after).push_str(text);
    }

    /// Adds a value.
    pub(super) fn value(&mut self, field: Field) {
        self.values.push((field, String::new()));
    }

    /// Adds a time in a `strftime` format.
    pub(super) fn time(&mut self, format: &str, utc: bool) {
        match u8::try_from(self.times.len()) {
            Ok(number) => {
                self.times.push((format.to_owned(), utc));
                self.value(Field::TimeFormat(number));
            }
            Err(_) => self.value(Field::Other),
        }
    }
}
