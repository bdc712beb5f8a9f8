//! The end of a call: what may be seen of it, and the one entry that ends it.

use std::collections::BTreeMap;
use std::sync::Arc;

use tracing::{info, warn};

use crate::audit::{CommitError, Delta, Effect, Entry, Kind, LogError};
use crate::call::CallId;
use crate::codes::Code;
use crate::codes::call as code;
use crate::decision::Decision;
use crate::enforcer::{FinishError, Line, Shared};
use crate::numbering::{NotNumbered, Numbering};
use crate::outcome::{Completed, Outcome, Refusal, Refused};
use crate::redact::{Class, redact_text_in, redact_value_in};
use crate::value::Value;

/// Age of an admitted call at most, in microseconds: a day. Later than that, whoever ran the tool has lost track of it.
pub const ADMITTED_AGE_MAX_US: u64 = 24 * 60 * 60 * 1_000_000;

/// A call whose intent stands in the log and whose end does not. Ends exactly once; dropped, it ends as abandoned.
pub(crate) struct OpenCall {
    pub(crate) line: Line,
    pub(crate) decision: Decision,
    shared: Arc<Shared>,
    process: u32,
    begun_us: u64,
    ended: bool,
}

/// What is to be recorded and returned.
pub(crate) struct Settled {
    kind: Kind,
    completed: Result<Completed, (Code, String)>,
    redactions: BTreeMap<Class, u64>,
    delta: Vec<Delta>,
}

impl OpenCall {
    pub(crate) fn new(shared: &Arc<Shared>, line: Line, decision: Decision) -> OpenCall {
        OpenCall {
            line,
            decision,
            shared: Arc::clone(shared),
            process: std::process::id(),
            begun_us: shared.clock.monotonic_us(),
            ended: false,
        }
    }

    /// Whether this process may still end the call.
    pub(crate) fn check_finishable(&mut self) -> Result<(), FinishError> {
        if self.process != std::process::id() {
            self.ended = true; // The parent's to end, not ours: leave its log alone.
            return Err(FinishError::OtherProcess);
        }
        if !self.shared.log.view(|state| state.is_open(self.line.id.as_str())) {
            self.ended = true;
            return Err(FinishError::AlreadyFinished);
        }
        if self.age_us() > ADMITTED_AGE_MAX_US { Err(FinishError::Expired) } else { Ok(()) }
    }

    /// What may be seen of an outcome.
    pub(crate) fn settled(&self, outcome: Outcome) -> Settled {
        let late = self.decision.obligations.deadline.is_some_and(|due| u128::from(self.age_us()) > due.as_micros());
        match outcome {
            Outcome::NotStarted { code, why } => Settled::plain(Kind::Void, Err((code, why))),
            Outcome::Crashed => Settled::failed(code::TOOL_CRASHED, "the tool crashed", Effect::Unknown),
            Outcome::Overdue => {
                Settled::failed(code::DEADLINE_EXCEEDED, "the tool did not end before its deadline", Effect::Unknown)
            }
            Outcome::Done(_) | Outcome::DoneWith { .. } if late => {
                Settled::withheld(code::DEADLINE_EXCEEDED, "the result came after its deadline", Effect::Happened)
            }
            Outcome::Unreadable(malformed) => Settled::withheld(malformed.code, &malformed.message, Effect::Happened),
            Outcome::Failed(message) => self.release_message(&message),
            Outcome::FailedWith(value) => self.release_failure(&value),
            Outcome::Done(value) => self.release(&value, &value),
            Outcome::DoneWith { value, structured } => self.release(&value, &structured),
        }
    }

    /// Writes the end of the call, unless somebody else has: begin and end meet by compare-and-set on the folded state.
    pub(crate) fn close(mut self, settled: &Settled) -> Result<(), LogError> {
        self.ended = true;
        self.commit_end(settled)
    }

    fn release(&self, value: &Value, structured: &Value) -> Settled {
        let released = |value| Completed::Released { value, effect: Effect::Happened };
        self.redacted(value, Effect::Happened, structured, released)
    }

    fn release_failure(&self, value: &Value) -> Settled {
        let message = "the tool reported a failure".to_owned();
        let failed =
            |value| Completed::Failed { code: code::TOOL_FAILED, message, value: Some(value), effect: Effect::Unknown };
        self.redacted(value, Effect::Unknown, &Value::Null, failed)
    }

    fn release_message(&self, message: &str) -> Settled {
        let classes = self.decision.obligations.redact_result;
        let redacted = match self.numbering().redact(|placeholders| redact_text_in(message, classes, placeholders)) {
            Ok(redacted) => redacted,
            Err(error) => return Settled::unnumbered(&error, Effect::Unknown),
        };
        let mut redactions = BTreeMap::new();
        redacted.findings.iter().for_each(|finding| *redactions.entry(finding.class).or_default() += 1);
        let message = redacted.text;
        let failed = Completed::Failed { code: code::TOOL_FAILED, message, value: None, effect: Effect::Unknown };
        Settled { kind: Kind::Outcome, completed: Ok(failed), redactions, delta: self.observed(&Value::Null) }
    }

    /// The end of a call whose tool gave a value: redacted, or withheld where that cannot be done.
    fn redacted(
        &self,
        value: &Value,
        effect: Effect,
        structured: &Value,
        complete: impl FnOnce(Value) -> Completed,
    ) -> Settled {
        if let Err(error) = value.within_limits() {
            return Settled::withheld(code::RESULT_BEYOND_LIMITS, &error.to_string(), effect);
        }
        let classes = self.decision.obligations.redact_result;
        match self.numbering().redact(|placeholders| redact_value_in(value, classes, placeholders)) {
            Err(error) => Settled::unnumbered(&error, effect),
            Ok(Err(withheld)) => Settled::withheld(code::UNREDACTABLE_RESULT, &withheld.to_string(), effect),
            Ok(Ok(redacted)) => Settled {
                kind: Kind::Outcome,
                completed: Ok(complete(redacted.value)),
                redactions: redacted.counts,
                delta: self.observed(structured),
            },
        }
    }

    fn numbering(&self) -> Numbering<'_> {
        self.line.numbering(&self.shared.log, true)
    }

    /// What the session has now seen: the result's label, and the facts a trusted result sets.
    fn observed(&self, structured: &Value) -> Vec<Delta> {
        let session = &self.line.session;
        let mut delta = vec![Delta::Label { session: session.clone(), label: self.decision.returns.clone() }];
        for (name, path) in &self.decision.sets_facts {
            if let Some(value) = structured.at(path) {
                let fingerprint = self.shared.log.keyer().fingerprint(value);
                delta.push(Delta::Fact { session: session.clone(), name: name.clone(), fingerprint });
            }
        }
        delta
    }

    fn commit_end(&self, settled: &Settled) -> Result<(), LogError> {
        let id = self.line.id.as_str();
        let propose = |state: &crate::session::State, _now_us: i64| {
            if !state.is_open(id) {
                return Err(());
            }
            let mut entry = settled.entry(&self.line);
            entry.delta.retain(|delta| !state.knows(delta));
            Ok((entry, ()))
        };
        match self.shared.log.commit(self.shared.durability, propose) {
            Ok(_) => {
                let effect = settled.effect().map_or("none", Effect::as_str);
                info!(code = settled.code().as_str(), effect, duration_ms = self.age_us() / 1000, "call settled");
                Ok(())
            }
            Err(CommitError::Refused(())) => Err(LogError::NoIntent(id.to_owned())),
            Err(CommitError::Log(error)) => Err(error),
        }
    }

    fn age_us(&self) -> u64 {
        self.shared.clock.monotonic_us().saturating_sub(self.begun_us)
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        if self.ended || self.process != std::process::id() {
            return;
        }
        let _span = self.line.span.clone().entered();
        let abandoned = Settled::plain(Kind::Abandoned, Err((code::ABANDONED, String::new())));
        if let Err(error) = self.commit_end(&abandoned) {
            warn!(%error, "an abandoned call could not be recorded");
        }
    }
}

impl std::fmt::Debug for OpenCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OpenCall({})", self.line.id)
    }
}

impl Settled {
    /// Whether the tool's effect happened; `None` for a call that never started.
    pub(crate) fn effect(&self) -> Option<Effect> {
        match self.completed.as_ref().ok()? {
            Completed::Released { effect, .. }
            | Completed::Failed { effect, .. }
            | Completed::Withheld { effect, .. } => Some(*effect),
        }
    }

    /// What the caller gets: a completed call, or a refusal that proves nothing started.
    pub(crate) fn into_end(self, call: &CallId) -> Result<Completed, Refused> {
        self.completed.map_err(|(code, reason)| {
            // What is said about a path that was exchanged is a denial; anything else that kept the tool from starting is not.
            let kind = if code == code::PATH_CHANGED { Refusal::Denied } else { Refusal::EnforcementFailed };
            Refused { call: call.clone(), kind, code, reason, rules: Vec::new(), recorded: true }
        })
    }

    fn plain(kind: Kind, completed: Result<Completed, (Code, String)>) -> Settled {
        Settled { kind, completed, redactions: BTreeMap::new(), delta: Vec::new() }
    }

    fn failed(code: Code, message: &str, effect: Effect) -> Settled {
        let message = message.to_owned();
        Settled::plain(Kind::Outcome, Ok(Completed::Failed { code, message, value: None, effect }))
    }

    fn withheld(code: Code, reason: &str, effect: Effect) -> Settled {
        let reason = reason.to_owned();
        Settled::plain(Kind::Outcome, Ok(Completed::Withheld { code, reason, effect }))
    }

    /// A result whose placeholders got no numbers.
    fn unnumbered(error: &NotNumbered, effect: Effect) -> Settled {
        Settled::withheld(code::UNREDACTABLE_RESULT, &error.to_string(), effect)
    }

    fn code(&self) -> Code {
        match &self.completed {
            Ok(Completed::Released { .. }) => code::RELEASED,
            Ok(Completed::Failed { code, .. } | Completed::Withheld { code, .. }) | Err((code, _)) => *code,
        }
    }

    fn entry(&self, line: &Line) -> Entry {
        Entry {
            kind: self.kind.clone(),
            call: Some(line.id.to_string()),
            session: Some(line.session.clone()),
            code: Some(self.code().to_string()),
            effect: self.effect(),
            redactions: self.redactions.iter().map(|(class, n)| (class.as_str().to_owned(), *n)).collect(),
            delta: self.delta.clone(),
            ..Entry::default()
        }
    }
}
