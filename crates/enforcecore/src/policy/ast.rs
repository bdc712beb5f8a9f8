//! The words of the policy language that outlive its text: what documents, compiled rules and the evaluator all speak of.
//!
//! Absent on purpose: places in a document. What needs one holds it beside these, in `parse`.

use super::effects::{ToolEffect, ToolEffects};
use super::types::ItemKind;
use crate::decision::Verdict;
use crate::diagnostic::Span;
use crate::path::{Base, PathArg, Resolve, Send};
use crate::value::{Map, Value};

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Allow,
    Ask,
    Deny,
}

impl Verb {
    /// The word in policies.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Verb::Allow => "allow",
            Verb::Ask => "ask",
            Verb::Deny => "deny",
        }
    }
}

/// What a test is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Arg(String),
    Reference(Reference),
    Quantified { every: bool, kind: ItemKind },
}

/// A value that the host or a trusted result vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) root: Root,
    pub(crate) path: String,
}

/// Whose word a reference is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    Principal,
    Fact,
    Session,
}

/// What a subject is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operand {
    Literal(Value),
    Reference(Reference),
}

impl Reference {
    pub(crate) fn parse(text: &str) -> Option<Reference> {
        let (root, path) = text.split_once('.')?;
        let root = Root::named(root)?;
        (!path.split('.').any(str::is_empty)).then(|| Reference { root, path: path.to_owned() })
    }

    /// Whether the text begins as a reference does.
    pub(crate) fn is_like(text: &str) -> bool {
        text.split_once('.').is_some_and(|(root, _)| Root::named(root).is_some())
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.root.word(), self.path)
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Subject::Arg(name) => f.write_str(name),
            Subject::Reference(reference) => write!(f, "{reference}"),
            Subject::Quantified { every, kind } => {
                write!(f, "{}_{}", if *every { "every" } else { "any" }, kind.word())
            }
        }
    }
}

impl Root {
    fn word(self) -> &'static str {
        match self {
            Root::Principal => "principal",
            Root::Fact => "fact",
            Root::Session => "session",
        }
    }

    fn named(word: &str) -> Option<Root> {
        [Root::Principal, Root::Fact, Root::Session].into_iter().find(|root| root.word() == word)
    }
}

impl Operand {
    pub(crate) fn is_reference(&self) -> bool {
        matches!(self, Operand::Reference(_))
    }
}

/// What becomes of a call in which an argument holds a placeholder that its session was shown. The strictest of all documents
/// holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum OnPlaceholder {
    /// The tool gets the placeholder, and the intent says so.
    Send,
    /// That needs an approval.
    Ask,
    /// It does not run.
    #[default]
    Refuse,
}

impl OnPlaceholder {
    /// Every word of the policy language with its meaning.
    pub(crate) const WORDS: [(&str, OnPlaceholder); 3] =
        [("refuse", OnPlaceholder::Refuse), ("ask", OnPlaceholder::Ask), ("send", OnPlaceholder::Send)];
}

/// What a declaration says about how its tool reads a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PathDecl {
    pub(crate) base: Option<Base>,
    pub(crate) resolve: Option<Resolve>,
    pub(crate) send: Option<Send>,
}

impl PathDecl {
    /// The argument of a tool with these effects. What deletes or moves acts on the name that it is given.
    pub(crate) fn of(&self, name: &str, effects: ToolEffects) -> PathArg {
        let acts_on_names = if effects.has(ToolEffect::Deletes) { Resolve::Parent } else { Resolve::Links };
        PathArg {
            name: name.to_owned(),
            base: self.base.clone(),
            resolve: self.resolve.unwrap_or(acts_on_names),
            send: self.send.unwrap_or(Send::Absolute),
        }
    }
}

/// One inline test: a call with the verdict that its author expects.
#[derive(Clone, Debug)]
pub(crate) struct InlineTest {
    pub(crate) call: TestCall,
    pub(crate) principal: Map,
    pub(crate) facts: Map,
    pub(crate) session: Map,
    /// Microseconds since 1970-01-01T00:00:00Z; the epoch where the test gives no time.
    pub(crate) now_us: i64,
    pub(crate) before: Vec<TestCall>,
    pub(crate) expect: Expectation,
    /// Where the expectation stands, for the report of the tests.
    pub(crate) span: Span,
}

/// A call in a test.
#[derive(Clone, Debug)]
pub(crate) struct TestCall {
    pub(crate) tool: String,
    pub(crate) args: Map,
}

/// What a test expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expectation {
    Malformed,
    Verdict {
        verdict: Verdict,
        /// `by ID`, `by no rule`, or nothing said.
        by: Option<Option<String>>,
    },
}
