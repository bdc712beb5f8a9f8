//! One rule: whom it concerns, and what is said of it.

use super::super::ast::Verb;
use super::super::compiled::Tool;
use super::super::parse::rule::Rule;
use super::checker::Checker;
use crate::codes::policy as code;

impl Checker<'_> {
    pub(super) fn rule(&mut self, rule: &Rule) {
        if self.document.guardrail && rule.verb == Verb::Allow {
            self.report
                .error(code::GUARDRAIL_ALLOWS, rule.select.place, "a guardrail never opens")
                .help("remove the `allow`, or leave out `kind: guardrail`");
        }
        let chosen = self.selected(&rule.select);
        // An allow cannot open what it selects only because nothing rules it out, so it need not speak about it.
        let concerned: Vec<(&str, &Tool)> = chosen
            .iter()
            .filter(|(_, certain)| *certain || rule.verb != Verb::Allow)
            .filter_map(|(name, _)| Some((*name, self.tools.get(*name)?)))
            .collect();
        if concerned.is_empty() && !chosen.is_empty() {
            self.report
                .error(
                    code::EMPTY_SELECTION,
                    rule.select.place,
                    "every tool that is selected is selected because it is unknown",
                )
                .help("an allow opens no tool that does not declare the effect");
        }
        for test in rule.when.iter().chain(rule.unless.iter().flatten()) {
            self.test(test, &concerned);
        }
        self.conditions_satisfiable(rule, &concerned);
        if rule.verb == Verb::Allow {
            self.constrained(rule, &concerned);
        }
        let names: Vec<&str> = chosen.iter().map(|(name, _)| *name).collect();
        self.redact(&rule.redact, &|tool| names.contains(&tool));
        if let Some(approval) = &rule.approval {
            self.approval(approval);
        }
    }
}
