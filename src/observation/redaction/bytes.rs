//! Looking at bytes that may not be there.

/// The byte at a place; 0 where there is none.
pub(super) fn at(text: &[u8], place: usize) -> u8 {
    text.get(place).copied().unwrap_or(0)
}

/// The byte before a place; 0 at the beginning.
pub(super) fn before(text: &[u8], place: usize) -> u8 {
    place.checked_sub(1).map_or(0, |place| at(text, place))
}

/// What stands from a place on.
pub(super) fn from(text: &[u8], place: usize) -> &[u8] {
    text.get(place..).unwrap_or_default()
}

/// Whether the text goes on like this, in any case.
pub(super) fn goes_on(text: &[u8], place: usize, like: &str) -> bool {
    from(text, place).get(..like.len()).is_some_and(|own| own.eq_ignore_ascii_case(like.as_bytes()))
}

/// Bytes that names of keys, headers, options and variables are made of.
pub(super) const fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// The first place from `place` on whose byte does not fit.
pub(super) fn skip(text: &[u8], place: usize, fits: impl Fn(u8) -> bool) -> usize {
    let rest = from(text, place);
    place + rest.iter().position(|byte| !fits(*byte)).unwrap_or(rest.len())
}

/// As [`skip`], back from `place`, not below `floor` and at most `most` bytes.
pub(super) fn skip_back(
    text: &[u8],
    place: usize,
    floor: usize,
    most: usize,
    fits: impl Fn(u8) -> bool,
) -> usize {
    let floor = floor.max(place.saturating_sub(most));
    let head = text.get(floor..place).unwrap_or_default();
    place - head.iter().rev().take_while(|byte| fits(**byte)).count()
}

/// Blanks within a line.
pub(super) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}
