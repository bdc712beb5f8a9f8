//! Rules and budgets by their ids, for what is said of a refusal once it is one. An id names one of them in the whole policy.

use super::super::ast::{Operand, Root, Verb};
use super::super::compiled::{Core, CoreBudget, CoreDocument};
use super::explain::Explained;
use crate::call::Context;
use crate::decision::{Ask, Window};
use crate::explanation::{Explanation, Grounds, Left, NamedRule, Own};

/// What is said of a budget.
pub(crate) struct Terms<'a> {
    document: &'a CoreDocument,
    index: usize,
    budget: &'a CoreBudget,
}

/// What the log knows of a budget at a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted {
    pub(crate) at_most_micros: i64,
    pub(crate) left_micros: i64,
    pub(crate) moves_on_us: Option<i64>,
    pub(crate) fits_us: Option<i64>,
}

/// Whether a caller may read this id: no document has it that is not explained.
pub(crate) fn is_shown(core: &Core, id: &str) -> bool {
    let hidden = core.documents.iter().filter(|document| !document.explained);
    !hidden.into_iter().any(|document| {
        document.rules.iter().any(|rule| rule.id == id) || document.budgets.iter().any(|budget| budget.id == id)
    })
}

/// Who has to approve what, of the documents that are explained.
pub(crate) fn asks(core: &Core, asks: &[Ask]) -> Explained {
    let found: Vec<(&Ask, &CoreDocument, NamedRule)> = asks.iter().filter_map(|ask| asking(core, ask)).collect();
    let grounds =
        found.first().map(|(_, _, rule)| Grounds { rule: Some(rule.id.clone()), condition: Some(rule.place.clone()) });
    let mut shown = found.into_iter().filter(|(_, document, _)| document.explained).peekable();
    let rule = shown.peek().map(|(.., rule)| rule.clone());
    let mut approvals: Vec<String> = shown.filter_map(|(ask, ..)| ask.approval.clone()).collect();
    approvals.dedup();
    let explanation = rule.map(|rule| Explanation { rule: Some(rule), approvals, ..Explanation::default() });
    (explanation, grounds.unwrap_or_default())
}

fn asking<'a>(core: &'a Core, ask: &'a Ask) -> Option<(&'a Ask, &'a CoreDocument, NamedRule)> {
    core.documents.iter().find_map(|document| {
        let rule = document.rules.iter().position(|rule| rule.verb == Verb::Ask && rule.id == ask.rule);
        let budget = || document.budgets.iter().position(|budget| budget.id == ask.rule);
        let (verb, pointer) = match rule {
            Some(index) => (Verb::Ask.word(), format!("/rules/{index}")),
            None => ("budget", format!("/budgets/{}", budget()?)),
        };
        Some((ask, document, NamedRule { id: ask.rule.clone(), verb, place: document.place(&pointer) }))
    })
}

/// What is said of this budget.
pub(crate) fn budget<'a>(core: &'a Core, id: &str) -> Option<Terms<'a>> {
    core.documents.iter().find_map(|document| {
        let (index, budget) = document.budgets.iter().enumerate().find(|(_, budget)| budget.id == id)?;
        Some(Terms { document, index, budget })
    })
}

impl Terms<'_> {
    /// Whether a caller may read of it.
    pub(crate) fn is_shown(&self) -> bool {
        self.document.explained
    }

    /// Why a call is beyond it. What is left is said where it is the caller's own, and its bound the policy's own word: a bound
    /// that the host sets is a value of its principal, session or fact.
    pub(crate) fn explained(&self, caller: &Context, window: &Window, counted: Option<Counted>) -> Explained {
        let place = self.document.place(&format!("/budgets/{}", self.index));
        let grounds = Grounds { rule: Some(self.budget.id.clone()), condition: Some(place.clone()) };
        // Of what cannot be counted there is nothing to say that waiting would change.
        let Some(counted) = counted.filter(|_| self.document.explained) else { return (None, grounds) };
        let is_literal = matches!(self.budget.at_most, Operand::Literal(_));
        let own = (is_literal && self.is_own(caller, window)).then(|| Own {
            unit: self.budget.unit.clone(),
            at_most_micros: counted.at_most_micros,
            left_micros: counted.left_micros,
            fits_us: counted.fits_us,
        });
        let left =
            Left { id: self.budget.id.clone(), place, window: window.word(), moves_on_us: counted.moves_on_us, own };
        (Some(Explanation { budget: Some(left), ..Explanation::default() }), grounds)
    }

    /// Whether no other caller takes from what this caller's calls are counted in. A principal is known by its `id`, which says
    /// nothing across tenants; any other property may be others' too. Calls without a session have one window together.
    fn is_own(&self, caller: &Context, window: &Window) -> bool {
        let by_principal = self.budget.for_each.iter().any(|key| key.root == Root::Principal && key.path == "id")
            && caller.tenant.is_empty();
        by_principal || (*window == Window::Session && !caller.session_id.is_empty())
    }
}
