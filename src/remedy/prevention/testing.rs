//! What the tests of single rows share.

use super::{Precaution, precautions};
use crate::diagnosis::testing::Host;

/// The row with this id about whoever stands behind the gateway.
pub(super) fn row(host: &Host, id: &str) -> Precaution {
    let diagnosis = host.diagnose();
    let all = host.look(|scene| precautions(scene, &diagnosis, diagnosis.findings.first(), None));
    all.into_iter().find(|one| one.id == id && !one.whom.starts_with("nginx")).unwrap()
}
