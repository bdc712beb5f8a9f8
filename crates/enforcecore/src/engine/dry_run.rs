//! The pipeline without its effects: what would be decided now. Nothing is admitted, recorded or run.

use std::sync::Arc;

use tracing::debug;

use super::admission::{self, NotAdmitted};
use super::context::CallContext;
use super::enforcer::{Enforcer, needs_approval};
use crate::call::Call;
use crate::codes::call as code;
use crate::decision::{Decision, Verdict};
use crate::policy::Policy;
use crate::state::recall::recall;

impl Enforcer {
    /// What would be decided now, budgets and grants included, without admitting, recording or running anything.
    pub fn decide_only(&self, call: Call) -> Decision {
        let (context, policy) = self.context(&call);
        let _span = context.span.enter();
        let decision = self.foresee(call, Arc::clone(&policy), &context);
        debug!(
            decision = decision.verdict.as_str(), code = decision.code.as_str(), rules = ?decision.rules, "call decided only"
        );
        Decision { rules: policy.shown_ids(decision.rules), ..decision }
    }

    fn foresee(&self, call: Call, policy: Arc<Policy>, context: &CallContext) -> Decision {
        if let Err(error) = recall(&self.shared.log, &context.session) {
            return Decision::refused(code::LOG_UNAVAILABLE, error.to_string());
        }
        let frozen = match self.freeze_under(policy, call) {
            Ok(frozen) => frozen,
            Err(malformed) => return Decision::malformed(malformed),
        };
        let decided = self.redacted(self.decide(frozen, context), context, false);
        let now_us = self.shared.clock.wall_us();
        match self.shared.log.view(|state| {
            admission::admit(
                &decided.decision,
                &decided.call,
                &self.admission_context(&decided, state, context, now_us),
            )
        }) {
            Ok(_) if decided.decision.verdict == Verdict::Allow => decided.decision,
            Ok(_) => approved(decided.decision),
            Err(NotAdmitted::Denied(decision)) => *decision,
            Err(NotAdmitted::Asks(decision, asks)) => needs_approval(&decided.policy, *decision, asks),
        }
    }
}

fn approved(decision: Decision) -> Decision {
    let reason = format!("approved: {}", decision.reason);
    Decision { verdict: Verdict::Allow, code: code::APPROVED, reason, ..decision }
}
