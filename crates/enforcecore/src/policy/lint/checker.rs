//! One document, held against what all documents declare, and what is looked up for every kind of finding.

use super::super::compile::unite::{Tools, selected};
use super::super::parse::document::Document;
use super::super::parse::rule::{Select, Selector};
use super::super::source::report::{At, Report};
use crate::codes::policy as code;

/// Pairs of a wide rule and a tool in one document at most: each is kept in memory, and none is looked at for another tool.
const SELECTIONS_MAX: usize = 2_000_000;

/// The checks of one document.
pub(super) struct Checker<'a> {
    pub(super) document: &'a Document,
    pub(super) documents: &'a [Document],
    pub(super) tools: &'a Tools,
    pub(super) report: &'a mut Report,
    /// How often rules and budgets have selected a tool by more than its name.
    pub(super) selections: usize,
}

impl<'a> Checker<'a> {
    /// The tools selected; reports undeclared names and selectors that choose nothing.
    pub(super) fn selected(&mut self, select: &Selector) -> Vec<(&'a str, bool)> {
        if let Select::Tools(names) = &select.value {
            for name in names {
                if !self.tools.contains_key(&name.value) {
                    let mut known: Vec<&str> = self.tools.keys().map(String::as_str).collect();
                    known.sort_unstable();
                    self.report
                        .error(
                            code::UNKNOWN_TOOL,
                            name.place,
                            format!("no document declares the tool `{}`", name.value),
                        )
                        .suggest(&name.value, known);
                }
            }
            return selected(&select.value, self.tools);
        }
        let chosen = selected(&select.value, self.tools);
        if chosen.is_empty() {
            self.report
                .error(code::EMPTY_SELECTION, select.place, "no declared tool is selected")
                .help("the rule can never match");
        }
        self.selections = self.selections.saturating_add(chosen.len());
        if self.selections > SELECTIONS_MAX {
            let message = format!("rules and budgets select tools more than {SELECTIONS_MAX} times");
            self.report.error(code::TOO_MANY_RULES, select.place, message);
            self.selections = 0;
        }
        chosen
    }

    pub(super) fn approval(&mut self, name: &At<String>) {
        let known: Vec<&str> = self.document.approvals.iter().map(|own| own.name.value.as_str()).collect();
        if !known.contains(&name.value.as_str()) {
            let message = format!("the approval `{}` is not defined in this document", name.value);
            self.report.error(code::UNDEFINED_APPROVAL, name.place, message).suggest(&name.value, known);
        }
    }
}
