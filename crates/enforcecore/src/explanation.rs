//! Why a call did not run: what its caller, a model and a program may know of it.
//!
//! Shown are names and literals of the policy, and the caller's own budget. These types have no place for the value of a fact,
//! a principal, a session or an argument: what a condition compares with is a literal, or the name of a reference. What a
//! document with `explain: none` says is not shown either; where it stands is kept for the log ([`Grounds`]).

use std::fmt::Write as _;

use crate::diagnostic::one_line;
use crate::value::{Map, Value};

/// Conditions that an explanation has at most.
pub(crate) const CONDITIONS_MAX: usize = 16;
/// Literals that one condition shows at most.
pub(crate) const LITERALS_MAX: usize = 10;
/// Characters of a literal at most.
pub(crate) const LITERAL_CHARS_MAX: usize = 200;
/// Characters of a place at most: a pointer through names that a policy chose.
pub(crate) const PLACE_CHARS_MAX: usize = 300;
/// Conditions that the sentence has at most: a model reads them before it tries again.
const SAID_MAX: usize = 3;
/// Characters of one condition in the sentence at most.
const SAID_CHARS_MAX: usize = 200;
/// Characters of the sentence at most.
pub const SENTENCE_CHARS_MAX: usize = 1000;

/// Why a call did not run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    /// The rule that came nearest to permitting the call, or the one that denies it or asks.
    pub rule: Option<NamedRule>,
    /// What of the rule, or of the tool's declaration, is not as it would have to be.
    pub conditions: Vec<Condition>,
    /// How many more there are.
    pub more_conditions: usize,
    /// Whether all conditions have to change or one of them is enough.
    pub change: Change,
    /// Whether the rules let the call through once that is changed, or ask for an approval, as far as it is known now.
    pub enough: bool,
    /// The budget that the call is beyond.
    pub budget: Option<Left>,
    /// The approvals that are needed.
    pub approvals: Vec<String>,
}

/// A rule by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedRule {
    /// Its id.
    pub id: String,
    /// `allow`, `ask` or `deny`; `budget` for a budget that asks.
    pub verb: &'static str,
    /// Where it stands: the document's name, and a JSON Pointer (RFC 6901) into it.
    pub place: String,
}

/// One condition that is not as it would have to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Where it stands: the document's name, and a JSON Pointer (RFC 6901) into it.
    pub place: String,
    /// The argument, the reference, or `any_K` and `every_K`; none where it is about several.
    pub subject: Option<String>,
    /// The comparator; none where there are several.
    pub comparator: Option<&'static str>,
    /// The literals that it compares with.
    pub literals: Vec<Value>,
    /// How many more there are.
    pub more_literals: usize,
    /// The references that it compares with, by name.
    pub references: Vec<String>,
    /// What would be allowed, in words.
    pub must: String,
    /// What it is now.
    pub state: Truth,
}

/// What a condition is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It holds, and would have to fail.
    True,
    /// It fails, and would have to hold.
    False,
    /// It cannot be decided, for this reason.
    Unknown(String),
}

/// How much of it has to change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Change {
    /// All of the conditions.
    #[default]
    All,
    /// One of them.
    One,
}

/// What is left of a budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The budget's id.
    pub id: String,
    /// Where it stands.
    pub place: String,
    /// The window: `day UTC`, `24h`, `session`, `ever`.
    pub window: String,
    /// When the window moves on, in microseconds since 1970; none where it does not.
    pub moves_on_us: Option<i64>,
    /// More of it, where it is the caller's own.
    pub own: Option<Own>,
}

/// What is left of the caller's own budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    /// What is counted: `calls`, a currency, or an argument's name.
    pub unit: String,
    /// The most that may be taken in one window, in micro-units.
    pub at_most_micros: i64,
    /// What is left of that, in micro-units.
    pub left_micros: i64,
    /// When this call fits, in microseconds since 1970, if it does at all and that is known.
    pub fits_us: Option<i64>,
}

/// What the log says of a refusal beside its code: where the policy says so. Names only, also of documents that are not
/// explained.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grounds {
    /// The id of the rule or budget.
    pub rule: Option<String>,
    /// The place of the first condition.
    pub condition: Option<String>,
}

impl Explanation {
    /// The explanation in plain words, for a person and a model; empty where there is no more to say than the reason says.
    pub fn sentence(&self) -> String {
        let mut said = String::new();
        if let Some(rule) = &self.rule {
            self.say_rule(rule, &mut said);
        } else if self.conditions.iter().any(Condition::says_more) {
            let _ = write!(said, "{}.", capital(&self.said_conditions()));
        }
        if let Some(budget) = &self.budget {
            budget.say(&mut said);
        }
        cut(&said, SENTENCE_CHARS_MAX)
    }

    fn say_rule(&self, rule: &NamedRule, said: &mut String) {
        let id = cut(&rule.id, SAID_CHARS_MAX);
        let conditions = self.said_conditions();
        // Writing to a string does not fail.
        let _ = match (rule.verb, self.change) {
            _ if !self.approvals.is_empty() => {
                let names: Vec<String> = self.approvals.iter().map(|name| quoted(name)).collect();
                write!(said, "`{id}` asks for the approval {}.", names.join(" and "))
            }
            (_, Change::One) if conditions.is_empty() => write!(said, "Rule `{id}` denies every call of this tool."),
            (_, Change::One) => write!(said, "Rule `{id}` denies it; to pass it, {conditions}."),
            (_, Change::All) => write!(said, "The nearest rule is `{id}`: {conditions}."),
        };
        if rule.verb == "ask" && self.approvals.is_empty() {
            said.push_str(" It then asks for an approval.");
        }
        if !self.enough && !self.conditions.is_empty() {
            said.push_str(" Other rules may still refuse it.");
        }
    }

    fn said_conditions(&self) -> String {
        let (join, more) = match self.change {
            Change::All => ("; and ", "more conditions"),
            Change::One => ("; or ", "other ways"),
        };
        let mut said: Vec<String> = self.conditions.iter().take(SAID_MAX).map(Condition::said).collect();
        let left = self.conditions.len().saturating_sub(SAID_MAX).saturating_add(self.more_conditions);
        if left > 0 {
            said.push(format!("{left} {more}"));
        }
        said.join(join)
    }

    /// The explanation for programs: the member `explanation` of the decision's schema.
    pub fn to_value(&self) -> Value {
        let mut members = vec![("sentence", Value::from(self.sentence()))];
        if let Some(rule) = &self.rule {
            let rule = [
                ("id", Value::from(cut(&rule.id, LITERAL_CHARS_MAX))),
                ("verb", Value::from(rule.verb)),
                ("place", Value::from(rule.place.as_str())),
            ];
            members.push(("rule", object(rule)));
        }
        if !self.conditions.is_empty() {
            members.push(("conditions", Value::List(self.conditions.iter().map(Condition::to_value).collect())));
            members.push(("change", Value::from(self.change.as_str())));
            members.push(("enough", Value::from(self.enough)));
        }
        if self.more_conditions > 0 {
            members.push(("more_conditions", number(self.more_conditions)));
        }
        if let Some(budget) = &self.budget {
            members.push(("budget", budget.to_value()));
        }
        if !self.approvals.is_empty() {
            let names =
                self.approvals.iter().take(CONDITIONS_MAX).map(|name| Value::from(cut(name, LITERAL_CHARS_MAX)));
            members.push(("approvals", Value::List(names.collect())));
        }
        object(members)
    }
}

impl Change {
    /// The word in machine output.
    pub fn as_str(self) -> &'static str {
        match self {
            Change::All => "all",
            Change::One => "one",
        }
    }
}

impl Condition {
    /// A condition of which nothing is said yet.
    pub(crate) fn new(place: String, state: Truth) -> Condition {
        Condition {
            place,
            subject: None,
            comparator: None,
            literals: Vec::new(),
            more_literals: 0,
            references: Vec::new(),
            must: String::new(),
            state,
        }
    }

    /// Whether the reason of a call that does not fit its tool leaves it out.
    fn says_more(&self) -> bool {
        self.comparator.is_some() || self.subject.is_none()
    }

    fn said(&self) -> String {
        let must = cut(&self.must, SAID_CHARS_MAX);
        match &self.state {
            Truth::Unknown(why) => format!("{must} ({})", cut(why, SAID_CHARS_MAX)),
            Truth::True | Truth::False => must,
        }
    }

    fn to_value(&self) -> Value {
        let mut members = vec![("place", Value::from(self.place.as_str()))];
        members
            .extend(self.subject.as_deref().map(|subject| ("subject", Value::from(cut(subject, LITERAL_CHARS_MAX)))));
        members.extend(self.comparator.map(|word| ("comparator", Value::from(word))));
        if !self.literals.is_empty() {
            members.push(("literals", Value::List(self.literals.clone())));
        }
        if self.more_literals > 0 {
            members.push(("more_literals", number(self.more_literals)));
        }
        if !self.references.is_empty() {
            let names = self.references.iter().map(|name| Value::from(cut(name, LITERAL_CHARS_MAX)));
            members.push(("references", Value::List(names.collect())));
        }
        members.push(("must", Value::from(cut(&self.must, SENTENCE_CHARS_MAX))));
        match &self.state {
            Truth::True => members.push(("state", Value::from("true"))),
            Truth::False => members.push(("state", Value::from("false"))),
            Truth::Unknown(why) => {
                members.push(("state", Value::from("unknown")));
                members.push(("why", Value::from(cut(why, SAID_CHARS_MAX))));
            }
        }
        object(members)
    }
}

impl Left {
    fn say(&self, said: &mut String) {
        let id = cut(&self.id, SAID_CHARS_MAX);
        let _ = match &self.own {
            Some(Own { unit, at_most_micros, left_micros, .. }) => {
                let (left, most) = (decimal(*left_micros), decimal(*at_most_micros));
                let unit = cut(unit, SAID_CHARS_MAX);
                write!(said, "Of the budget `{id}`, {left} of {most} {unit} is left")
            }
            None => write!(said, "The budget `{id}` is used up for this call"),
        };
        let _ = match (self.moves_on_us.and_then(time), self.window.as_str()) {
            (Some(at), _) => write!(said, "; its window moves on at {at}"),
            (None, "ever") => write!(said, "; it is not renewed"),
            (None, "session") => write!(said, "; it is not renewed in this session"),
            (None, _) => Ok(()),
        };
        if let Some(at) = self.own.as_ref().and_then(|own| own.fits_us).and_then(time) {
            let _ = write!(said, ", and this call fits from {at} on");
        }
        said.push('.');
    }

    fn to_value(&self) -> Value {
        let mut members = vec![
            ("id", Value::from(cut(&self.id, LITERAL_CHARS_MAX))),
            ("place", Value::from(self.place.as_str())),
            ("window", Value::from(self.window.as_str())),
            ("own", Value::from(self.own.is_some())),
        ];
        members.extend(self.moves_on_us.and_then(time).map(|at| ("moves_on", Value::from(at))));
        if let Some(own) = &self.own {
            members.push(("unit", Value::from(cut(&own.unit, LITERAL_CHARS_MAX))));
            members.push(("at_most", Value::from(decimal(own.at_most_micros))));
            members.push(("left", Value::from(decimal(own.left_micros))));
            members.extend(own.fits_us.and_then(time).map(|at| ("fits", Value::from(at))));
        }
        object(members)
    }
}

/// At most so many characters of a text of the policy's, on one line.
pub(crate) fn cut(text: &str, chars_max: usize) -> String {
    let line = one_line(text);
    match line.char_indices().nth(chars_max) {
        Some((at, _)) => format!("{}..", line.get(..at).unwrap_or_default()),
        None => line,
    }
}

/// A name or a literal of the policy's in a sentence.
pub(crate) fn quoted(text: &str) -> String {
    format!("`{}`", cut(text, SAID_CHARS_MAX))
}

/// The time of RFC 3339, to the second, and never too early.
fn time(us: i64) -> Option<String> {
    let seconds = us.div_euclid(1_000_000).checked_add(i64::from(us.rem_euclid(1_000_000) > 0))?;
    Some(jiff::Timestamp::from_second(seconds).ok()?.to_string())
}

/// Micro-units as a decimal: `40.5`.
fn decimal(micros: i64) -> String {
    let (sign, micros) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs());
    let fraction = format!("{:06}", micros % 1_000_000);
    match fraction.trim_end_matches('0') {
        "" => format!("{sign}{}", micros / 1_000_000),
        fraction => format!("{sign}{}.{fraction}", micros / 1_000_000),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn number(count: usize) -> Value {
    Value::from(i64::try_from(count).unwrap_or(i64::MAX))
}

fn object<'a>(members: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::Map(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Map>())
}
