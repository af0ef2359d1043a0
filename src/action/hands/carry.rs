//! One action, one hand.

use crate::{
    action::{Failure, Permit, Tools},
    remedy::Action,
};

use super::{Done, Undo};

/// Carries one action out. It returns when the manager says that it is done, not when it works:
/// that is judged by looking.
///
/// # Errors
/// [`Failure`]. After [`Failure::Late`] it may still happen.
pub async fn carry_out(
    _permit: &Permit,
    _action: &Action,
    _tools: &Tools,
) -> Result<Done, Failure> {
    Err(Failure::Human("not yet".to_owned()))
}

/// Takes one step back.
///
/// # Errors
/// [`Failure`]; then what [`Undo`] says is still to be done.
pub async fn take_back(_permit: &Permit, _undo: &Undo, _tools: &Tools) -> Result<String, Failure> {
    Err(Failure::Human("not yet".to_owned()))
}
