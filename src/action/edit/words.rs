//! A refused edit in words.

use crate::{action::Failure, host::edit_file::EditFileError, observation::Text};

/// Names the file and says why.
pub(in crate::action) fn failure(file: &Text, error: &EditFileError) -> Failure {
    let said = Text::new(error.to_string());
    let words = format!("{file}: {said}");
    match error {
        EditFileError::Missing => Failure::Gone(words),
        EditFileError::Denied => Failure::Denied(words),
        EditFileError::Changed => Failure::Changed(words),
        _ => Failure::Refused(words),
    }
}
