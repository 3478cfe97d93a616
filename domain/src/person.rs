//! Who is behind a principal, for duties that two people must share.

use crate::PrincipalId;
use uuid::Uuid;

/// The hand that did something. Claim and verify, request and approve take two
/// different ones, whatever tokens they use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    /// A person, by any of its principals or clients.
    Person(Uuid),
    /// A principal that no person is known for: itself, or the owner of its client.
    Unmapped(PrincipalId),
}
