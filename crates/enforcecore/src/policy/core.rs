//! The core rules: what every document means once places and spelling are gone. One evaluator reads them (`decide`).

use std::collections::{BTreeMap, HashMap};

use indexmap::IndexMap;

use super::document::{
    Check, Effects, InlineTest, OnPlaceholder, Operand, OverBudget, PathDecl, Reference, Test, Type, Verb,
};
use crate::capabilities::Capability;
use crate::decision::{Approval, Obligations, Window};
use crate::diagnostic::Span;

/// A policy: every document's rules over one table of tools.
#[derive(Debug, Default)]
pub(super) struct Core {
    pub(super) tools: HashMap<String, Tool>,
    /// The declared tool for each skeleton, so that a look-alike is recognised.
    pub(super) skeletons: HashMap<String, String>,
    pub(super) documents: Vec<CoreDocument>,
    pub(super) approvals: BTreeMap<String, Approval>,
    pub(super) tests: Vec<InlineTest>,
    /// The root document's file, where tests are.
    pub(super) file: String,
    pub(super) needs: Needs,
}

/// A tool as all documents together declare it: effects unite, argument checks all hold.
#[derive(Clone, Debug)]
pub(super) struct Tool {
    pub(super) undeclared: bool,
    pub(super) effects: Effects,
    pub(super) args: IndexMap<String, Arg>,
    pub(super) returns: String,
    pub(super) facts: Vec<(String, String)>,
    pub(super) obligations: Obligations,
    /// Protected names that every document opens to it.
    pub(super) unprotected: Vec<&'static str>,
}

/// An argument.
#[derive(Clone, Debug)]
pub(super) struct Arg {
    pub(super) ty: Type,
    pub(super) required: bool,
    pub(super) fits: Vec<Check>,
    /// How its tool reads it, if it is a path.
    pub(super) path: PathDecl,
    pub(super) on_placeholder: OnPlaceholder,
}

/// One document's rules, sliced by tool.
#[derive(Debug)]
pub(super) struct CoreDocument {
    /// Opens nothing, only brakes.
    pub(super) guardrail: bool,
    pub(super) base: Obligations,
    pub(super) rules: Vec<CoreRule>,
    pub(super) rules_of: HashMap<String, Vec<Selected>>,
    pub(super) budgets: Vec<CoreBudget>,
    pub(super) budgets_of: HashMap<String, Vec<Taking>>,
}

/// A rule that selects a tool.
#[derive(Clone, Copy, Debug)]
pub(super) struct Selected {
    pub(super) rule: usize,
    /// Selected because it is declared so. Otherwise only because nothing says that it is not: an error, which brakes and
    /// never opens.
    pub(super) certain: bool,
}

/// A rule.
#[derive(Debug)]
pub(super) struct CoreRule {
    pub(super) verb: Verb,
    pub(super) id: String,
    pub(super) when: Vec<Test>,
    pub(super) unless: Option<Vec<Test>>,
    pub(super) approval: String,
    pub(super) reason: Option<String>,
    pub(super) obligations: Obligations,
}

/// A budget.
#[derive(Debug)]
pub(super) struct CoreBudget {
    pub(super) id: String,
    pub(super) at_most: Operand,
    pub(super) window: Window,
    pub(super) for_each: Vec<Reference>,
    pub(super) over: OverBudget,
}

/// What one call of a tool takes from a budget.
#[derive(Clone, Debug)]
pub(super) struct Taking {
    pub(super) budget: usize,
    pub(super) amount: Amount,
}

/// How the amount is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Amount {
    OneCall,
    /// The sum of these arguments.
    Args(Vec<String>),
    /// Nobody can say, or another currency: the budget brakes.
    Unknown,
}

/// What the policy needs of a face, each with the first place that obliges to it.
pub(super) type Needs = BTreeMap<Capability, Span>;

impl Tool {
    /// What the tool reaches is not found by looking at its arguments.
    pub(super) fn is_unknown(&self) -> bool {
        self.undeclared || self.effects.has("executes")
    }

    pub(super) fn has_arg_of(&self, wanted: impl Fn(&Type) -> bool) -> bool {
        self.args.values().any(|arg| wanted(&arg.ty))
    }
}
