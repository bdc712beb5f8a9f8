//! What a policy says about a call, and what it may know of the session.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::audit::Keyer;
use crate::call::Malformed;
use crate::codes::Code;
use crate::explanation::{Explanation, Grounds};
use crate::redact::ClassSet;

/// The three verdicts, least to most strict. Composition is the maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// The call may run.
    Allow,
    /// The call may run once it is approved.
    Ask,
    /// The call does not run.
    Deny,
}

impl Verdict {
    /// The word in policies, logs and machine output.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Allow => "allow",
            Verdict::Ask => "ask",
            Verdict::Deny => "deny",
        }
    }
}

/// A verdict with the rules that made it, why, and what else must happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Allow, ask or deny.
    pub verdict: Verdict,
    /// What it follows from.
    pub decided_by: DecidedBy,
    /// The stable code: `allowed`, `approval_required`, `denied_by_rule`, `no_rule`, or why the call is malformed.
    pub code: Code,
    /// One sentence for a person, without any argument's value.
    pub reason: String,
    /// The ids of the rules that made the verdict.
    pub rules: Vec<String>,
    /// What must happen if the call runs.
    pub obligations: Obligations,
    /// The approvals that are needed, one for each ask that restricts.
    pub asks: Vec<Ask>,
    /// What the call takes from budgets.
    pub charges: Vec<Charge>,
    /// Facts a trusted result of this tool sets: the fact's name and the path in the result (`result.email` is `email`).
    pub sets_facts: Vec<(String, String)>,
    /// The label the tool's result carries.
    pub returns: Trust,
    /// Why the call does not run, for its caller; none where it runs, where the reason says all, and where no document says it
    /// that is explained.
    pub explanation: Option<Box<Explanation>>,
    /// Where the policy says so, for the log.
    pub grounds: Option<Box<Grounds>>,
}

impl Decision {
    /// The denial of a call before any rule is looked at.
    pub(crate) fn refused(code: Code, reason: impl Into<String>) -> Decision {
        Decision {
            verdict: Verdict::Deny,
            decided_by: DecidedBy::Policy,
            code,
            reason: reason.into(),
            rules: Vec::new(),
            obligations: Obligations::default(),
            asks: Vec::new(),
            charges: Vec::new(),
            sets_facts: Vec::new(),
            returns: Trust::Untrusted,
            explanation: None,
            grounds: None,
        }
    }

    /// The denial of a call that does not fit its tool, or that cannot be read.
    pub fn malformed(malformed: Malformed) -> Decision {
        Decision { decided_by: DecidedBy::Form, ..Decision::refused(malformed.code, malformed.message) }
    }

    /// Whether the call was refused before any rule, because it does not fit its tool.
    pub fn is_malformed(&self) -> bool {
        self.decided_by == DecidedBy::Form
    }

    /// Adds a denial to a decision: the stricter verdict wins and nothing is dropped.
    pub fn and_deny(mut self, code: Code, reason: impl Into<String>) -> Decision {
        self.verdict = Verdict::Deny;
        self.code = code;
        self.reason = reason.into();
        (self.explanation, self.grounds) = (None, None);
        self
    }

    /// With why the call does not run.
    pub(crate) fn explained(mut self, (explanation, grounds): (Option<Explanation>, Grounds)) -> Decision {
        self.explanation = explanation.map(Box::new);
        self.grounds = Some(Box::new(grounds));
        self
    }

    /// The stricter of two decisions about one call; obligations and asks of both are kept.
    pub fn stricter(self, other: Decision) -> Decision {
        let (mut strict, lax) = if other.verdict > self.verdict { (other, self) } else { (self, other) };
        strict.obligations.tighten(lax.obligations);
        for ask in lax.asks {
            if !strict.asks.contains(&ask) {
                strict.asks.push(ask);
            }
        }
        strict
    }
}

/// What a decision follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecidedBy {
    /// The call alone: it does not fit its tool, or cannot be read.
    Form,
    /// The policy, or what stops every policy.
    Policy,
}

/// The label of what a tool returns. Only a trusted result sets facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The operator answers for it.
    Trusted,
    /// No person is named.
    Untrusted,
    /// Untrusted as well, by the policy's own name for where it comes from: `web`.
    Source(String),
}

impl Trust {
    /// The label that a policy calls so.
    pub(crate) fn labelled(label: String) -> Trust {
        match label.as_str() {
            "trusted" => Trust::Trusted,
            "untrusted" => Trust::Untrusted,
            _ => Trust::Source(label),
        }
    }

    /// The word in policies and logs.
    pub fn as_str(&self) -> &str {
        match self {
            Trust::Trusted => "trusted",
            Trust::Untrusted => "untrusted",
            Trust::Source(label) => label,
        }
    }
}

/// What must happen besides running the tool. Combined by meet: the tighter always wins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Obligations {
    /// Classes to redact in arguments.
    pub redact_args: BTreeMap<ArgScope, ClassSet>,
    /// Classes to redact in the result.
    pub redact_result: ClassSet,
    /// The result is due within a time.
    pub deadline: Option<Deadline>,
}

/// How long a tool may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// From its start, and again from each sign of progress.
    pub due: Duration,
    /// From its start at most, whatever the progress. Not less than `due`.
    pub at_most: Duration,
    /// A tool that is overdue is left running, and only its result withheld.
    pub withhold_only: bool,
}

impl Deadline {
    /// How often `due` fits into `at_most` where nothing is said of that.
    pub const AT_MOST_TIMES: u32 = 4;

    /// The deadline that says nothing but when a result is due.
    pub fn of(due: Duration) -> Deadline {
        Deadline { due, at_most: due.saturating_mul(Deadline::AT_MOST_TIMES), withhold_only: false }
    }

    /// The tighter of two, in each respect.
    fn tightened(self, other: Deadline) -> Deadline {
        Deadline {
            due: self.due.min(other.due),
            at_most: self.at_most.min(other.at_most),
            withhold_only: self.withhold_only && other.withhold_only,
        }
    }
}

impl Obligations {
    /// Takes on the other's obligations too.
    pub fn tighten(&mut self, other: Obligations) {
        for (scope, classes) in other.redact_args {
            let known = self.redact_args.entry(scope).or_default();
            *known = known.union(classes);
        }
        self.redact_result = self.redact_result.union(other.redact_result);
        self.deadline = match (self.deadline, other.deadline) {
            (Some(a), Some(b)) => Some(a.tightened(b)),
            (a, b) => a.or(b),
        };
    }
}

/// Which arguments a redaction covers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ArgScope {
    /// One argument by name.
    Named(String),
    /// Every string anywhere in the arguments.
    EveryString,
}

/// One approval that is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// The rule or budget that asks.
    pub rule: String,
    /// The approval's name in the policy; none where the rule names none.
    pub approval: Option<String>,
}

/// An approval: whose yes counts and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Approval {
    /// Whose.
    pub from: ApprovalFrom,
    /// How long a yes may be used from when it was given.
    pub valid: Duration,
}

/// Whose yes counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApprovalFrom {
    /// A person who holds this role.
    Role(String),
    /// The person at this machine.
    LocalUser,
}

/// What one call takes from one budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// The budget's id.
    pub budget: String,
    /// For whom it is counted: the values of `for_each`, canonically encoded; keyed before it is written anywhere.
    pub key: Vec<u8>,
    /// How much this call takes, in micro-units (a call counts 1,000,000).
    pub amount_micros: i64,
    /// The most that may be taken in one window, in micro-units.
    pub at_most_micros: i64,
    /// The window.
    pub window: Window,
    /// What happens to a call beyond the budget.
    pub over: Over,
    /// Whether the amount, the bound and for whom it counts are known. Where one is not, the call is beyond the budget.
    pub known: bool,
}

/// What a budget does with a call that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Over {
    /// Denies it.
    Deny,
    /// Asks for an approval, by its name in the policy if it has one there.
    Ask(Option<String>),
}

/// The time a budget counts over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Window {
    /// The last so many microseconds.
    Sliding {
        /// Length in microseconds.
        us: i64,
    },
    /// A calendar unit in a time zone: `day UTC`.
    Calendar {
        /// Which unit.
        unit: CalendarUnit,
        /// The time zone, found when the policy was read: looking it up takes locks, which a fork in the middle of a call copies.
        zone: TimeZone,
    },
    /// This session.
    Session,
    /// All time.
    Ever,
}

impl Window {
    /// The window as policies write it: `day UTC`, `24h`, `session`, `ever`.
    pub(crate) fn word(&self) -> String {
        const MINUTE_US: i64 = 60_000_000;
        match self {
            Window::Sliding { us } => {
                let minutes = us / MINUTE_US;
                match (minutes % 60, minutes % (24 * 60)) {
                    (_, 0) => format!("{}d", minutes / (24 * 60)),
                    (0, _) => format!("{}h", minutes / 60),
                    _ => format!("{minutes}m"),
                }
            }
            Window::Calendar { unit, zone } => format!("{} {}", unit.as_str(), zone.iana_name().unwrap_or("UTC")),
            Window::Session => "session".to_owned(),
            Window::Ever => "ever".to_owned(),
        }
    }
}

/// Calendar units of a budget's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalendarUnit {
    /// A clock hour.
    Hour,
    /// A day from midnight.
    Day,
    /// A week from Monday.
    Week,
    /// A month from the first.
    Month,
}

impl CalendarUnit {
    /// The word in policies.
    pub fn as_str(self) -> &'static str {
        match self {
            CalendarUnit::Hour => "hour",
            CalendarUnit::Day => "day",
            CalendarUnit::Week => "week",
            CalendarUnit::Month => "month",
        }
    }
}

/// A fact that a trusted result set, once a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// The keyed fingerprint of the value: equality is decided on this, after a restart too.
    pub fingerprint: String,
    /// A second result said otherwise: the fact is an error until the session ends.
    pub contradicted: bool,
}

/// What a decision may know of the session: a borrowed view of the state.
#[derive(Clone, Copy, Debug)]
pub struct SessionView<'a> {
    /// Facts by name, `ticket.email`.
    pub facts: &'a BTreeMap<String, Fact>,
    /// Makes fingerprints to compare with.
    pub keyer: &'a Keyer,
}
