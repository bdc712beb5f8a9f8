//! The end of a call: what may be seen of it, and the one entry that ends it.

use std::collections::BTreeMap;
use std::sync::Arc;

use tracing::{info, warn};

use super::context::{CallContext, Shared};
use crate::audit::{Body, CommitError, Delta, EffectStatus, EndRecord, Entry, LogError, OutcomeRecord};
use crate::call::CallId;
use crate::characters::Replaced;
use crate::codes::Code;
use crate::codes::call as code;
use crate::decision::Decision;
use crate::outcome::{Completed, Due, Outcome, Refusal, Refused, Stopped};
use crate::redact::{Class, redact_text_in, redact_value_in, shown_error};
use crate::state::numbering::{NotNumbered, Numbering};
use crate::state::session::State;
use crate::value::Value;

/// Age of an admitted call at most, in microseconds: a day. Later than that, its host has lost track of it.
pub const ADMITTED_AGE_MAX_US: u64 = 24 * 60 * 60 * 1_000_000;

/// A call whose intent stands in the log and whose end does not. Ends exactly once; dropped, it ends as abandoned.
pub(super) struct OpenCall {
    pub(super) context: CallContext,
    pub(super) decision: Decision,
    shared: Arc<Shared>,
    process: u32,
    begun_us: u64,
    due: Option<Due>,
    ended: bool,
}

/// Why a call cannot be finished. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FinishError {
    /// It was finished, voided or abandoned before.
    #[error("this call was finished before")]
    AlreadyFinished,
    /// It was admitted in another process, before a fork.
    #[error("this call was admitted in another process")]
    OtherProcess,
    /// It was admitted too long ago; it is recorded as abandoned.
    #[error("this call was admitted too long ago")]
    Expired,
}

/// How a call ends: what is to be recorded of it, and what its caller gets.
pub(super) struct Ending {
    completed: Result<Completed, GivenUp>,
    redactions: BTreeMap<Class, u64>,
    /// Characters of the result that were replaced.
    replaced: Replaced,
    delta: Vec<Delta>,
    /// What was done about an overdue tool.
    stopped: Option<Stopped>,
}

/// The end of a call whose tool did not start, or that was never finished: the code, why, and the kind of its entry.
type GivenUp = (Code, String, fn(EndRecord) -> Body);

impl OpenCall {
    pub(super) fn new(shared: &Arc<Shared>, context: CallContext, decision: Decision) -> OpenCall {
        let begun_us = shared.clock.monotonic_us();
        let deadline = decision.obligations.deadline;
        let due = deadline.map(|deadline| Due::new(deadline, Arc::clone(&shared.clock), begun_us));
        let (shared, process) = (Arc::clone(shared), std::process::id());
        OpenCall { context, decision, shared, process, begun_us, due, ended: false }
    }

    /// When the result is due.
    pub(super) fn due(&self) -> Option<&Due> {
        self.due.as_ref()
    }

    /// Whether this process may still end the call.
    pub(super) fn check_finishable(&mut self) -> Result<(), FinishError> {
        if self.process != std::process::id() {
            self.ended = true; // The parent's to end, not ours: leave its log alone.
            return Err(FinishError::OtherProcess);
        }
        if !self.shared.log.view(|state| state.is_open(self.context.id.as_str())) {
            self.ended = true;
            return Err(FinishError::AlreadyFinished);
        }
        if self.age_us() > ADMITTED_AGE_MAX_US { Err(FinishError::Expired) } else { Ok(()) }
    }

    /// What may be seen of an outcome. Nothing is written yet.
    pub(super) fn ending(&self, outcome: Outcome) -> Ending {
        let late = self.due.as_ref().is_some_and(Due::is_over);
        match outcome {
            Outcome::Mended { replaced, outcome } => {
                let ending = self.ending(*outcome);
                Ending { replaced: ending.replaced.and(replaced), ..ending }
            }
            Outcome::NotStarted { code, why } => Ending::plain(Err((code, why, Body::Void))),
            Outcome::Crashed => Ending::failed(code::TOOL_CRASHED, "the tool crashed", EffectStatus::Unknown),
            Outcome::Overdue(stopped) => Ending {
                stopped: Some(stopped),
                ..Ending::failed(code::DEADLINE_EXCEEDED, stopped.sentence(), EffectStatus::Unknown)
            },
            Outcome::Done(_) | Outcome::DoneWith { .. } if late => {
                Ending::withheld(code::DEADLINE_EXCEEDED, "the result came after its deadline", EffectStatus::Happened)
            }
            Outcome::Unreadable(malformed) => {
                Ending::withheld(malformed.code, &malformed.message, EffectStatus::Happened)
            }
            Outcome::Failed(message) => self.release_message(&message),
            Outcome::Cancelled => self.release_message("the call was cancelled after its tool had started"),
            Outcome::FailedWith(value) => self.release_failure(value),
            Outcome::Done(value) => self.release(value, None),
            Outcome::DoneWith { value, structured } => self.release(value, Some(structured)),
        }
    }

    /// Writes the end of the call. A failure to write cannot undo the effect, so it withholds the result.
    pub(super) fn settle(mut self, ending: Ending) -> Result<Completed, Refused> {
        self.ended = true;
        let call = self.context.id.clone();
        let Err(error) = self.record(&ending) else { return ending.into_end(&call) };
        warn!(%error, "the end of a call could not be recorded");
        match ending.effect() {
            None => ending.into_end(&call).map_err(|refused| Refused { recorded: false, ..refused }),
            Some(effect) => {
                let reason = format!("the tool ran, but its outcome could not be recorded: {error}");
                Ok(Completed::Withheld { code: code::LOG_UNAVAILABLE, reason, effect })
            }
        }
    }

    /// The refusal of a call whose tool was not started after all. What it took is given back.
    pub(super) fn refuse(self, not_started: Outcome) -> Refused {
        let (call, ending) = (self.context.id.clone(), self.ending(not_started));
        match self.settle(ending) {
            Err(refused) => refused,
            Ok(_) => {
                let (kind, reason) =
                    (Refusal::EnforcementFailed, "the call was given up before its tool started".to_owned());
                Refused {
                    call,
                    kind,
                    code: code::NOT_STARTED,
                    reason,
                    rules: Vec::new(),
                    recorded: true,
                    explanation: None,
                }
            }
        }
    }

    fn release(&self, value: Value, structured: Option<Value>) -> Ending {
        let released = |value| Completed::Released { value, effect: EffectStatus::Happened };
        self.redacted(value, EffectStatus::Happened, structured, released)
    }

    fn release_failure(&self, value: Value) -> Ending {
        let message = "the tool reported a failure".to_owned();
        let failed = |value| Completed::Failed {
            code: code::TOOL_FAILED,
            message,
            value: Some(value),
            effect: EffectStatus::Unknown,
        };
        self.redacted(value, EffectStatus::Unknown, Some(Value::Null), failed)
    }

    fn release_message(&self, message: &str) -> Ending {
        let classes = self.decision.obligations.redact_result;
        let redacted = match self.numbering().redact(|placeholders| redact_text_in(message, classes, placeholders)) {
            Ok(redacted) => redacted,
            Err(error) => return Ending::unnumbered(&error, EffectStatus::Unknown),
        };
        let mut redactions = BTreeMap::new();
        redacted.findings.iter().for_each(|finding| *redactions.entry(finding.class).or_default() += 1);
        let message = redacted.text;
        let failed = Completed::Failed { code: code::TOOL_FAILED, message, value: None, effect: EffectStatus::Unknown };
        let delta = self.observed(&Value::Null);
        Ending { completed: Ok(failed), redactions, replaced: Replaced::default(), delta, stopped: None }
    }

    /// The end of a call whose tool gave a value: redacted, or withheld where that cannot be done. Facts are taken from
    /// `structured`, or from the value itself.
    fn redacted(
        &self,
        mut value: Value,
        effect: EffectStatus,
        mut structured: Option<Value>,
        complete: impl FnOnce(Value) -> Completed,
    ) -> Ending {
        if let Err(error) = value.within_result_limits() {
            return Ending::withheld(code::RESULT_BEYOND_LIMITS, &shown_error(&error), effect);
        }
        let seen = structured.as_mut().map_or(Ok(0), Value::replace_nul);
        let nul = match value.replace_nul().and_then(|nul| seen.map(|_| nul)) {
            Ok(nul) => nul,
            Err(error) => return Ending::withheld(error.code(), &shown_error(&error), effect),
        };
        let classes = self.decision.obligations.redact_result;
        match self.numbering().redact(|placeholders| redact_value_in(&value, classes, placeholders)) {
            Err(error) => Ending::unnumbered(&error, effect),
            Ok(Err(withheld)) => Ending::withheld(code::UNREDACTABLE_RESULT, &withheld.to_string(), effect),
            Ok(Ok(redacted)) => {
                let delta = self.observed(structured.as_ref().unwrap_or(&value));
                let replaced = Replaced { nul, ..Replaced::default() };
                let seen = redacted.value.unwrap_or(value);
                let (completed, redactions) = (Ok(complete(seen)), redacted.counts);
                Ending { completed, redactions, replaced, delta, stopped: None }
            }
        }
    }

    fn numbering(&self) -> Numbering<'_> {
        self.context.numbering(&self.shared.log, true)
    }

    /// What the session has now seen: the result's label, and the facts a trusted result sets.
    fn observed(&self, structured: &Value) -> Vec<Delta> {
        let session = &self.context.session;
        let mut delta =
            vec![Delta::Label { session: session.clone(), label: self.decision.returns.as_str().to_owned() }];
        for (name, path) in &self.decision.sets_facts {
            if let Some(value) = structured.at(path) {
                let fingerprint = self.shared.log.keyer().fingerprint(value);
                delta.push(Delta::Fact { session: session.clone(), name: name.clone(), fingerprint });
            }
        }
        delta
    }

    /// Writes the end unless another was written before: begin and end meet by compare-and-set on the folded state.
    fn record(&self, ending: &Ending) -> Result<(), LogError> {
        let id = self.context.id.as_str();
        let propose = |state: &State, _now_us: i64| {
            if !state.is_open(id) {
                return Err(());
            }
            Ok((ending.entry(&self.context, state), ()))
        };
        match self.shared.log.commit(self.shared.durability, propose) {
            Ok(_) => {
                let effect = ending.effect().map_or("none", EffectStatus::as_str);
                info!(code = ending.code().as_str(), effect, duration_ms = self.age_us() / 1000, "call settled");
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
        let _span = self.context.span.clone().entered();
        let abandoned = Ending::plain(Err((code::ABANDONED, String::new(), Body::Abandoned)));
        if let Err(error) = self.record(&abandoned) {
            warn!(%error, "an abandoned call could not be recorded");
        }
    }
}

impl std::fmt::Debug for OpenCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OpenCall({})", self.context.id)
    }
}

impl Ending {
    /// Whether the tool's effect happened; `None` for a call that never started.
    pub(super) fn effect(&self) -> Option<EffectStatus> {
        match self.completed.as_ref().ok()? {
            Completed::Released { effect, .. }
            | Completed::Failed { effect, .. }
            | Completed::Withheld { effect, .. } => Some(*effect),
        }
    }

    /// What the caller gets: a completed call, or a refusal that proves nothing started.
    pub(super) fn into_end(self, call: &CallId) -> Result<Completed, Refused> {
        self.completed.map_err(|(code, reason, _)| {
            // What is said about a path that was exchanged is a denial; anything else that kept the tool from starting is not.
            let kind = if code == code::PATH_CHANGED { Refusal::Denied } else { Refusal::EnforcementFailed };
            Refused { call: call.clone(), kind, code, reason, rules: Vec::new(), recorded: true, explanation: None }
        })
    }

    fn plain(completed: Result<Completed, GivenUp>) -> Ending {
        let (redactions, replaced, delta) = Default::default();
        Ending { completed, redactions, replaced, delta, stopped: None }
    }

    fn failed(code: Code, message: &str, effect: EffectStatus) -> Ending {
        let message = message.to_owned();
        Ending::plain(Ok(Completed::Failed { code, message, value: None, effect }))
    }

    fn withheld(code: Code, reason: &str, effect: EffectStatus) -> Ending {
        let reason = reason.to_owned();
        Ending::plain(Ok(Completed::Withheld { code, reason, effect }))
    }

    /// A result whose placeholders got no numbers.
    fn unnumbered(error: &NotNumbered, effect: EffectStatus) -> Ending {
        Ending::withheld(code::UNREDACTABLE_RESULT, &error.to_string(), effect)
    }

    fn code(&self) -> Code {
        match &self.completed {
            Ok(Completed::Released { .. }) => code::RELEASED,
            Ok(Completed::Failed { code, .. } | Completed::Withheld { code, .. }) | Err((code, ..)) => *code,
        }
    }

    fn entry(&self, context: &CallContext, state: &State) -> Entry {
        let delta = self.delta.iter().filter(|delta| !state.knows(delta)).cloned().collect();
        let end = EndRecord {
            call: Some(context.id.to_string()),
            session: Some(context.session.clone()),
            code: Some(self.code().to_string()),
            delta,
        };
        let body = match &self.completed {
            Err((.., body)) => body(end),
            Ok(_) => {
                let redactions = self.redactions.iter().map(|(class, n)| (class.as_str().to_owned(), *n)).collect();
                let stopped = self.stopped.map(|stopped| ("stopped".to_owned(), stopped.as_str().to_owned()));
                let replaced = (!self.replaced.is_empty()).then(|| ("replaced".to_owned(), self.replaced.to_string()));
                let note = stopped.into_iter().chain(replaced).collect();
                Body::Outcome(OutcomeRecord { end, effect: self.effect(), note, redactions })
            }
        };
        body.into()
    }
}
