//! What becomes of a call: refused before it started, or completed one way or another.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::audit::{Clock, EffectStatus, Mode};
use crate::call::{CallId, FrozenCall, Malformed};
use crate::characters::Replaced;
use crate::codes::Code;
use crate::codes::call as code;
use crate::decision::Deadline;
use crate::explanation::Explanation;
use crate::path::PathResolver;
use crate::value::Value;

/// Proof, by type, that a call was decided, redacted and admitted, and that its intent is acknowledged in the log.
///
/// Only the enforcer makes one, running a tool consumes it, and it cannot be cloned: no effect without it, none with it twice.
#[must_use = "a permit that is dropped without running its tool leaves an intent without an effect"]
pub struct Permit {
    call: FrozenCall,
    due: Option<Due>,
    sets_facts: bool,
    resolver: Arc<dyn PathResolver>,
}

impl Permit {
    pub(crate) fn new(call: FrozenCall, due: Option<Due>, sets_facts: bool, resolver: Arc<dyn PathResolver>) -> Permit {
        Permit { call, due, sets_facts, resolver }
    }

    /// The call to execute: exactly what was decided and committed to.
    pub fn call(&self) -> &FrozenCall {
        &self.call
    }

    /// When the result is due; a later one is withheld.
    pub fn due(&self) -> Option<&Due> {
        self.due.as_ref()
    }

    /// Whether the result sets facts of its session.
    pub fn sets_facts(&self) -> bool {
        self.sets_facts
    }

    /// Looks again where the call's paths lead, and gives the outcome of a call whose tool must not start because one of them
    /// leads elsewhere now. The enforcer looks before it hands out the permit; a host that then waits for something, such as
    /// an interpreter's lock, looks again as the last step before the tool.
    pub fn look_again(&self) -> Option<Outcome> {
        let name = self.call.changed_path(&*self.resolver)?;
        let why = format!("the path in `{name}` leads elsewhere than when the call was decided");
        Some(Outcome::NotStarted { code: code::PATH_CHANGED, why })
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("call", &self.call).field("due", &self.due).finish_non_exhaustive()
    }
}

/// When the result of a running tool is due. Its clones are the same moment.
#[derive(Clone)]
pub struct Due {
    clock: Arc<dyn Clock>,
    each_us: u64,
    last_us: u64,
    withhold_only: bool,
    at_us: Arc<AtomicU64>,
}

impl Due {
    pub(crate) fn new(deadline: Deadline, clock: Arc<dyn Clock>, begun_us: u64) -> Due {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let Deadline { due, at_most, withhold_only } = deadline;
        let at_us = Arc::new(AtomicU64::new(begun_us.saturating_add(micros(due))));
        Due { clock, each_us: micros(due), last_us: begun_us.saturating_add(micros(at_most)), withhold_only, at_us }
    }

    /// The tool made progress, so its time begins again, within the bound of the deadline. What is over stays over.
    pub fn extend(&self) {
        let now_us = self.clock.monotonic_us();
        let later_us = now_us.saturating_add(self.each_us).min(self.last_us);
        let extended = |at_us: u64| (now_us <= at_us).then_some(at_us.max(later_us));
        let _ = self.at_us.fetch_update(Ordering::AcqRel, Ordering::Acquire, extended);
    }

    /// The time that is left.
    pub fn left(&self) -> Duration {
        Duration::from_micros(self.at_us.load(Ordering::Acquire).saturating_sub(self.clock.monotonic_us()))
    }

    /// Whether the tool is overdue.
    pub fn is_over(&self) -> bool {
        self.clock.monotonic_us() > self.at_us.load(Ordering::Acquire)
    }

    /// Whether an overdue tool is left running.
    pub fn only_withholds(&self) -> bool {
        self.withhold_only
    }
}

impl fmt::Debug for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Due").field("left", &self.left()).finish_non_exhaustive()
    }
}

/// Who runs the tool of a call between begin and finish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeginMode {
    /// The host.
    Split,
    /// Another program, which asked by a hook.
    Hook,
    /// The face itself, which awaits it.
    Awaited,
}

impl BeginMode {
    /// What the log says of it: each time no more than *decided and recorded*. The log has no word for an awaited call.
    pub(crate) fn recorded(self) -> Mode {
        match self {
            BeginMode::Split | BeginMode::Awaited => Mode::Split,
            BeginMode::Hook => Mode::Hook,
        }
    }
}

/// What a tool did with its permit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It returned this.
    Done(Value),
    /// It returned `value` to show, and `structured` to take facts from (the Model Context Protocol has both).
    DoneWith {
        /// What the model sees.
        value: Value,
        /// What `facts:` looks into.
        structured: Value,
    },
    /// What it returned had characters that programs read differently, which the face replaced by U+FFFD.
    Mended {
        /// How many.
        replaced: Replaced,
        /// What it did, with the value as it is now.
        outcome: Box<Outcome>,
    },
    /// It returned a value that the face cannot read, so its content is unknown.
    Unreadable(Malformed),
    /// It said that it failed, in these words.
    Failed(String),
    /// It said that it failed, in a value with parts (a protocol's error).
    FailedWith(Value),
    /// Its caller gave it up after it had started: how far it came is not known.
    Cancelled,
    /// It panicked or its process died.
    Crashed,
    /// It was still running when its deadline came.
    Overdue(Stopped),
    /// It provably never started: nothing was executed, sent or written.
    NotStarted {
        /// The stable code: `not_started`, `path_changed`, `cancelled`.
        code: Code,
        /// Why, in one sentence without any argument's value.
        why: String,
    },
}

/// What was done about a tool that was still running when its deadline came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// It was told to stop, and its program goes on with other calls.
    Cancelled,
    /// Its program was ended.
    Killed,
    /// Nothing: it runs on.
    RunsOn,
}

impl Stopped {
    /// The word in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Stopped::Cancelled => "cancelled",
            Stopped::Killed => "killed",
            Stopped::RunsOn => "runs_on",
        }
    }

    /// What is said of a call that ended so.
    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Stopped::Cancelled => {
                "the tool did not end before its deadline; it was told to stop, and what it did by then is unknown"
            }
            Stopped::Killed => {
                "the tool did not end before its deadline and did not stop when told to; its program was ended, and what it \
                 did by then is unknown"
            }
            Stopped::RunsOn => {
                "the tool did not end before its deadline; it was not stopped, and may still take effect"
            }
        }
    }
}

/// The end of a call whose tool started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completed {
    /// The result, with what is classified taken out.
    Released {
        /// What may be seen.
        value: Value,
        /// Whether the effect happened.
        effect: EffectStatus,
    },
    /// The tool failed.
    Failed {
        /// The stable code.
        code: Code,
        /// A message with what is classified taken out.
        message: String,
        /// The failure in parts, if the tool gave it so, with what is classified taken out.
        value: Option<Value>,
        /// Whether the effect happened.
        effect: EffectStatus,
    },
    /// The tool ran, but its result may not be seen. Not something to try again.
    Withheld {
        /// The stable code.
        code: Code,
        /// Why, without any of the result.
        reason: String,
        /// Whether the effect happened.
        effect: EffectStatus,
    },
}

/// A call that did not start. That is what the type guarantees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The call.
    pub call: CallId,
    /// Which kind of refusal.
    pub kind: Refusal,
    /// The stable code.
    pub code: Code,
    /// One sentence for a person and a model, without any argument's value.
    pub reason: String,
    /// The rules that refused.
    pub rules: Vec<String>,
    /// Whether the refusal itself stands in the log.
    pub recorded: bool,
    /// More of why, where there is more: what would be allowed, and what is left of a budget.
    pub explanation: Option<Box<Explanation>>,
}

/// Kinds of refusal. A new one must break every caller that decides by them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The call does not fit its tool.
    Malformed,
    /// The policy says no.
    Denied,
    /// It needs an approval; the same call may come again until then.
    Pending {
        /// Wall time in microseconds.
        expires_us: i64,
    },
    /// Enforcement itself failed, so nothing ran.
    EnforcementFailed,
}

impl Refusal {
    /// The word in machine output.
    pub fn as_str(self) -> &'static str {
        match self {
            Refusal::Malformed => "malformed",
            Refusal::Denied => "denied",
            Refusal::Pending { .. } => "pending",
            Refusal::EnforcementFailed => "enforcement_failed",
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused: {} ({}", self.reason, self.code)?;
        if !self.rules.is_empty() {
            write!(f, ", by {}", self.rules.join(", "))?;
        }
        f.write_str(")")?;
        let more = self.explanation.as_deref().map(Explanation::sentence).unwrap_or_default();
        if more.is_empty() { Ok(()) } else { write!(f, ". {}", more.trim_end_matches('.')) }
    }
}

impl std::error::Error for Refused {}
