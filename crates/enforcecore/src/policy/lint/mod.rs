//! What a document says, held against what all documents declare: names exist, comparators fit types, rules can match.

mod budget;
mod checker;
mod dead;
mod names;
mod rule;
mod types;

use std::collections::HashMap;

use self::checker::Checker;
use super::compile::unite::Tools;
use super::parse::document::Document;
use super::source::report::Report;
use crate::codes::policy as code;
use crate::diagnostic::Diagnostic;

/// Checks all documents of a policy together: what was found, and whether that is not all.
pub(super) fn check(documents: &[Document], tools: &Tools) -> (Vec<Diagnostic>, bool) {
    let (mut found, mut dropped) = (Vec::new(), false);
    let mut ids = HashMap::new();
    let mut skeletons = HashMap::new();
    for document in documents {
        let mut report = Report::new(document.file.clone());
        let mut checker = Checker { document, documents, tools, report: &mut report, selections: 0 };
        checker.tools(&mut skeletons);
        checker.ids(&mut ids);
        for rule in &document.rules {
            if checker.report.is_full() {
                break;
            }
            checker.rule(rule);
        }
        document.budgets.iter().for_each(|budget| checker.budget(budget));
        checker.redact(&document.redact, &|_| true);
        checker.unprotected();
        checker.approvals();
        checker.unreachable_tools();
        found.append(&mut report.found);
        dropped |= report.dropped_any();
    }
    if let Some(root) = documents.first()
        && documents.iter().all(|document| document.guardrail)
    {
        let mut report = Report::new(root.file.clone());
        report
            .warning(code::GUARDRAIL_ALONE, root.name.place, "a guardrail alone opens nothing")
            .help("name it in the `bound_by` of a policy");
        found.append(&mut report.found);
    }
    (found, dropped)
}
