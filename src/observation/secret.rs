//! What must be kept exactly as it is, and shown to nobody.

use std::fmt;

/// Bytes or text from outside that may hold secrets and cannot be redacted, because they are written
/// back as they were. It can be neither displayed nor serialised, and a dump does not show it:
///
/// ```compile_fail
/// println!("{}", gatemedic::observation::Secret::new(1));
/// ```
/// ```compile_fail
/// let _ = serde_json::to_string(&gatemedic::observation::Secret::new(1));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Takes it.
    pub const fn new(inner: T) -> Self {
        Self(inner)
    }

    /// The thing itself, for whoever writes it back.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_does_not_show_it() {
        let secret = Secret::new("hunter2");
        assert_eq!((format!("{secret:?}"), *secret.expose()), ("***".to_owned(), "hunter2"));
    }
}
