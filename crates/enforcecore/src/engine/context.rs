//! Who calls, by the names the log uses, and what all calls of one enforcer share.

use std::sync::{Arc, RwLock};

use tracing::Span;

use super::identity::Identities;
use crate::audit::{Durability, Log};
use crate::call::CallId;
use crate::capabilities::Face;
use crate::path::PathResolver;
use crate::policy::{Policy, Protected};
use crate::ports::{Approver, Clock, Random};
use crate::state::numbering::Numbering;
use crate::state::session::State;

/// What the calls of an enforcer share.
pub(super) struct Shared {
    pub(super) policy: RwLock<Arc<Policy>>,
    pub(super) face: Face,
    pub(super) log: Arc<Log<State>>,
    pub(super) resolver: Arc<dyn PathResolver>,
    pub(super) protected: Protected,
    pub(super) approver: Option<Arc<dyn Approver>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) durability: Durability,
    pub(super) identities: Identities,
}

/// Who calls which tool, by the names the log uses.
#[derive(Clone)]
pub(super) struct CallContext {
    pub(super) id: CallId,
    pub(super) parent: Option<CallId>,
    pub(super) tool: String,
    pub(super) session: String,
    /// In clear, where that is asked for.
    pub(super) clear_session: Option<String>,
    /// Whether the call names a session; otherwise it is in one with every other call that names none.
    pub(super) named: bool,
    pub(super) principal: Option<String>,
    /// In clear, where that is asked for.
    pub(super) clear_principal: Option<String>,
    pub(super) span: Span,
}

impl CallContext {
    /// The numbers of placeholders in this session.
    pub(super) fn numbering<'a>(&'a self, log: &'a Log<State>, records: bool) -> Numbering<'a> {
        Numbering { log, session: self.named.then_some(self.session.as_str()), records }
    }
}
