//! The compiled rules: what every document means once places and spelling are gone. One evaluator reads them (`eval`).

use std::collections::{BTreeMap, HashMap};

use indexmap::IndexMap;

use super::ast::{InlineTest, OnPlaceholder, Operand, PathDecl, Reference, Subject, Verb};
use super::comparators::Check;
use super::effects::{ToolEffect, ToolEffects};
use super::types::Type;
use crate::capabilities::Capability;
use crate::decision::{Approval, Obligations, Over, Trust, Window};
use crate::diagnostic::Span;

/// A policy: every document's rules over one table of tools.
#[derive(Debug, Default)]
pub(crate) struct Core {
    pub(crate) tools: HashMap<String, Tool>,
    /// The declared tool for each skeleton, so that a look-alike is recognised.
    pub(crate) skeletons: HashMap<String, String>,
    pub(crate) documents: Vec<CoreDocument>,
    pub(crate) approvals: BTreeMap<String, Approval>,
    pub(crate) tests: Vec<InlineTest>,
    pub(crate) needs: Needs,
    /// A server that was ended because a call was overdue is started again.
    pub(crate) restarts: bool,
}

/// A tool as all documents together declare it: effects unite, argument checks all hold.
#[derive(Clone, Debug)]
pub(crate) struct Tool {
    /// The first document that declares it.
    pub(crate) document: usize,
    pub(crate) undeclared: bool,
    pub(crate) effects: ToolEffects,
    pub(crate) args: IndexMap<String, Arg>,
    pub(crate) returns: Trust,
    pub(crate) facts: Vec<(String, String)>,
    pub(crate) obligations: Obligations,
    /// Arguments that entries repeat, of any document.
    pub(crate) record: Vec<String>,
    /// Protected names that every document permits to it.
    pub(crate) unprotected: Vec<&'static str>,
}

/// An argument.
#[derive(Clone, Debug)]
pub(crate) struct Arg {
    pub(crate) ty: Type,
    pub(crate) required: bool,
    pub(crate) fits: Vec<Check>,
    /// How its tool reads it, if it is a path.
    pub(crate) path: PathDecl,
    pub(crate) on_placeholder: OnPlaceholder,
}

/// One document's rules, sliced by tool.
#[derive(Debug)]
pub(crate) struct CoreDocument {
    pub(crate) name: String,
    /// Permits nothing, only restricts.
    pub(crate) guardrail: bool,
    /// Whether a caller may read why it refuses.
    pub(crate) explained: bool,
    pub(crate) base: Obligations,
    pub(crate) rules: Vec<CoreRule>,
    pub(crate) rules_of: HashMap<String, Vec<Selected>>,
    pub(crate) budgets: Vec<CoreBudget>,
    pub(crate) budgets_of: HashMap<String, Vec<Taking>>,
}

/// A rule that selects a tool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Selected {
    pub(crate) rule: usize,
    /// Selected because it is declared so. Otherwise only because nothing says that it is not: an error, which restricts
    /// and never permits.
    pub(crate) certain: bool,
}

/// A rule.
#[derive(Debug)]
pub(crate) struct CoreRule {
    pub(crate) verb: Verb,
    pub(crate) id: String,
    pub(crate) when: Vec<Test>,
    pub(crate) unless: Option<Vec<Test>>,
    pub(crate) approval: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) obligations: Obligations,
}

/// One subject with everything that must be true of it.
#[derive(Clone, Debug)]
pub(crate) struct Test {
    pub(crate) subject: Subject,
    pub(crate) checks: Vec<Check>,
}

/// A budget.
#[derive(Debug)]
pub(crate) struct CoreBudget {
    pub(crate) id: String,
    /// What is counted: `calls`, a currency, or an argument's name.
    pub(crate) unit: String,
    pub(crate) at_most: Operand,
    pub(crate) window: Window,
    pub(crate) for_each: Vec<Reference>,
    pub(crate) over: Over,
}

/// What one call of a tool takes from a budget.
#[derive(Clone, Debug)]
pub(crate) struct Taking {
    pub(crate) budget: usize,
    pub(crate) amount: Amount,
}

/// How the amount is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Amount {
    OneCall,
    /// The sum of these arguments.
    Args(Vec<String>),
    /// Unknown, or another currency: the budget restricts.
    Unknown,
}

/// What the policy needs of a face, each with the first place that obliges to it.
pub(crate) type Needs = BTreeMap<Capability, Span>;

impl Tool {
    /// What the tool reaches is not found by looking at its arguments.
    pub(crate) fn is_unknown(&self) -> bool {
        self.undeclared || self.effects.has(ToolEffect::Executes)
    }

    pub(crate) fn has_arg_of(&self, wanted: impl Fn(&Type) -> bool) -> bool {
        self.args.values().any(|arg| wanted(&arg.ty))
    }
}

impl Arg {
    /// Whether redaction may rewrite it.
    pub(crate) fn is_rewritable(&self) -> bool {
        self.ty.is_rewritable(!self.fits.is_empty())
    }
}
