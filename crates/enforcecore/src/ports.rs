//! What the core needs from the world, passed in by the host. Each trait has one job; none has a default that weakens it.

pub use crate::audit::{Anchor, Clock, LogStore, LogTurn, Random, Signer, StoreError, TURN_WAIT_MAX};
use crate::call::FrozenCall;
use crate::decision::Approval;
pub use crate::path::PathResolver;

/// Where documents named by `bound_by` come from.
pub trait PolicySource: Send + Sync {
    /// The text of the document `name`, as named by the document `from`.
    fn read(&self, from: &str, name: &str) -> Result<PolicyText, StoreError>;
}

/// One policy document's text with the name that diagnostics call it by.
#[derive(Clone, Debug)]
pub struct PolicyText {
    /// The file's name.
    pub name: String,
    /// Its bytes; UTF-8 is checked by the loader.
    pub bytes: Vec<u8>,
}

/// An approver outside the agent's reach.
pub trait Approver: Send + Sync {
    /// Asks for an approval of this call; says whether an approver whose answer counts was reached.
    fn ask(&self, approval: ApprovalRequest<'_>, call: &FrozenCall) -> AskOutcome;
    /// The grant for this canonical call and approval, if one was given. The implementation must check that the person who
    /// gave it may approve: only the implementation knows who that was.
    fn grant(&self, approval: ApprovalRequest<'_>, call_digest: &[u8; 32], now_us: i64) -> Option<Grant>;
}

/// An approval that a rule or budget asks for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ApprovalRequest<'a> {
    /// Its name in the policy; none where the rule or budget names none.
    pub name: Option<&'a str>,
    /// Whose yes counts and for how long; none where it has no name.
    pub terms: Option<&'a Approval>,
}

/// Whether a request for an approval reached its approver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AskOutcome {
    /// The request was delivered; come again with the same call before this moment.
    Delivered {
        /// Wall time in microseconds.
        expires_us: i64,
    },
    /// No approver can be reached: the call is denied.
    Unreachable,
}

/// A person's yes, bound to one canonical call. Used once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Names the grant; the log remembers the ones used.
    pub id: String,
    /// Who said yes.
    pub approver: String,
    /// Wall time in microseconds at which it was given; the policy says for how long it may be used from then on.
    pub given_us: i64,
    /// Wall time in microseconds after which it is void.
    pub expires_us: i64,
}
