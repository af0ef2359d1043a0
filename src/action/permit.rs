//! Who may act, and that a person said yes.

use crate::remedy::{Digest, Plan};

/// That this process may change the machine. There is one way to it:
///
/// ```compile_fail
/// let permit = gatemedic::action::Permit(());
/// ```
#[derive(Debug)]
pub struct Permit(());

/// Why no permit is given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The process was started to look only.
    #[error("this gatemedic was started to look only (--readonly)")]
    ReadOnly,
    /// The executable is setuid or has file capabilities that the caller has not.
    #[error("gatemedic does not act when it is installed setuid")]
    SetUid,
}

/// What decides whether this process may act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authority {
    /// Whether it was started to look only.
    pub readonly: bool,
    /// Whether real and effective user differ.
    pub setuid: bool,
}

impl Authority {
    /// Gives the permit.
    ///
    /// # Errors
    /// [`Denied`] says why not.
    pub const fn grant(self) -> Result<Permit, Denied> {
        match self {
            Self { readonly: true, .. } => Err(Denied::ReadOnly),
            Self { setuid: true, .. } => Err(Denied::SetUid),
            _ => Ok(Permit(())),
        }
    }
}

/// A yes to one plan as it was shown, good once: it is consumed when it is redeemed.
///
/// ```compile_fail
/// # use gatemedic::action::Confirmation;
/// fn twice(yes: Confirmation) {
///     let _ = yes.redeem();
///     let _ = yes.redeem();
/// }
/// ```
#[derive(Debug)]
pub struct Confirmation {
    digest: Digest,
}

/// What a yes is waited for: made when a plan has passed its checks.
#[derive(Debug)]
pub struct Question {
    digest: Digest,
    nonce: String,
    type_name: Option<String>,
}

/// Why a yes does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unasked {
    /// It is a yes to something else.
    #[error("this was a yes to something else than what is shown")]
    Other,
    /// The name was not typed, or another one.
    #[error("the name that was typed is not the one that was asked for")]
    Name,
}

impl Question {
    /// Asks. `nonce` must not be guessable and never used before.
    pub const fn new(digest: Digest, nonce: String, type_name: Option<String>) -> Self {
        Self { digest, nonce, type_name }
    }

    /// What must be given back.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The word that makes the answer belong to this question.
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// The name that must be typed.
    pub fn type_name(&self) -> Option<&str> {
        self.type_name.as_deref()
    }

    /// Takes an answer. The question is gone with it, right or wrong.
    ///
    /// # Errors
    /// [`Unasked`] when it is not the answer to this.
    pub fn answer(
        self,
        digest: Digest,
        nonce: &str,
        typed: Option<&str>,
    ) -> Result<Confirmation, Unasked> {
        if digest != self.digest || nonce != self.nonce {
            return Err(Unasked::Other);
        }
        match self.type_name.as_deref() {
            Some(name) if typed != Some(name) => Err(Unasked::Name),
            _ => Ok(Confirmation { digest: self.digest }),
        }
    }
}

impl Confirmation {
    /// What was said yes to.
    pub const fn redeem(self) -> Digest {
        self.digest
    }
}

/// The digest that a person says yes to: the plan, and each file that it starts from and leads to.
pub fn digest_of(plan: &Plan, files: &[(Digest, Digest)]) -> Digest {
    let plan = plan.digest().to_string();
    let files: Vec<String> = files.iter().map(|(old, new)| format!("{old}{new}")).collect();
    let mut parts: Vec<&[u8]> = vec![b"yes", plan.as_bytes()];
    parts.extend(files.iter().map(String::as_bytes));
    Digest::of_parts(&parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(name: Option<&str>) -> Question {
        Question::new(Digest::of(b"plan"), "n1".to_owned(), name.map(str::to_owned))
    }

    #[test]
    fn a_process_that_was_started_to_look_gets_no_permit() {
        let readonly = Authority { readonly: true, setuid: false };
        assert_eq!(readonly.grant().unwrap_err(), Denied::ReadOnly);
        let setuid = Authority { readonly: false, setuid: true };
        assert_eq!(setuid.grant().unwrap_err(), Denied::SetUid);
        assert!(Authority { readonly: false, setuid: false }.grant().is_ok());
    }

    #[test]
    fn a_yes_to_another_plan_or_question_or_name_does_not_count() {
        let (right, wrong) = (Digest::of(b"plan"), Digest::of(b"other"));
        assert_eq!(ask(None).answer(wrong, "n1", None).unwrap_err(), Unasked::Other);
        assert_eq!(ask(None).answer(right, "n2", None).unwrap_err(), Unasked::Other);
        let named = Some("shop.service");
        assert_eq!(ask(named).answer(right, "n1", None).unwrap_err(), Unasked::Name);
        assert_eq!(ask(named).answer(right, "n1", Some("shop")).unwrap_err(), Unasked::Name);
        assert_eq!(ask(named).answer(right, "n1", named).unwrap().redeem(), right);
    }
}
