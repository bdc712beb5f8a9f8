//! The tree -> a typed document, every finding collected.
//!
//! `parse` knows the grammar and nothing else: whether a name exists, a comparator fits a type or a rule can ever match is
//! decided in `lint`, once all documents are there. A document that is read here holds only what can be enforced; a key of
//! the language that cannot be enforced yet is an error, never ignored.

use std::time::Duration;

use super::super::ast::InlineTest;
use super::super::source::fields::{self, Fields, bool, duration, key_name, list, name, text};
use super::super::source::report::{At, Place, Report};
use super::super::source::yaml::{Node, NodeKind};
use super::budget::{self, Budget};
use super::deadline;
use super::rule::{self, Rule};
use super::test_cases;
use super::tool::{self, Redact, ToolDecl};
use crate::codes::policy as code;
use crate::decision::{ApprovalFrom, Deadline};
use crate::value::Value;

/// Rules in a document at most: beyond it a list belongs into a store, not into a policy.
const RULES_MAX: usize = 100_000;

/// Keys of a document that are not supported yet.
pub(super) const LATER: &[&str] = &["servers", "sequences", "prove", "isolation", "shadow", "unenforced", "limit"];

/// What a document says, with places.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) file: String,
    pub(crate) name: At<String>,
    pub(crate) version: String,
    pub(crate) guardrail: bool,
    /// Whether a caller may read why it refuses.
    pub(crate) explained: bool,
    pub(crate) bound_by: Vec<At<String>>,
    pub(crate) tools: Vec<ToolDecl>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) budgets: Vec<Budget>,
    pub(crate) approvals: Vec<ApprovalDecl>,
    pub(crate) redact: Redact,
    /// Protected names that are opened, by tool.
    pub(crate) unprotected: Vec<(At<String>, Vec<At<String>>)>,
    pub(crate) deadline: Option<At<Deadline>>,
    /// Whether a server that was ended because a call was overdue is started again.
    pub(crate) restart: Option<bool>,
    pub(crate) tests: Vec<InlineTest>,
    /// All of the above but the tests, as one value: what the digest is over.
    pub(crate) core: Value,
}

impl Document {
    /// Whether this document permits a protected name to a tool.
    pub(crate) fn permits(&self, tool: &str, name: &str) -> bool {
        let own = self.unprotected.iter().filter(|(own, _)| own.value == tool);
        own.flat_map(|(_, names)| names).any(|own| own.value == name)
    }
}

/// Who may say yes, and how long that holds.
#[derive(Clone, Debug)]
pub(crate) struct ApprovalDecl {
    pub(crate) name: At<String>,
    pub(crate) from: ApprovalFrom,
    pub(crate) valid: Duration,
}

/// Reads a document from its tree. `None` means that the report has errors.
pub(crate) fn read(root: &Node, report: &mut Report) -> Option<Document> {
    check_language(root, report)?;
    let mut fields = Fields::of(root, "a policy", LATER, report)?;
    fields.get("enforcecore");
    let doc_name = fields.require("name", "a policy", report).and_then(|node| name(node, "`name`", report));
    let version = fields.require("version", "a policy", report).and_then(|node| text(node, "`version`", report));
    let guardrail = fields.get("kind").is_some_and(|node| is_guardrail(node, report));
    let explained = fields.get("explain").is_none_or(|node| is_explained(node, report));
    let bound_by = fields.get("bound_by").map(|node| names(node, "`bound_by`", report)).unwrap_or_default();
    let tools = fields.get("tools").map(|node| tool::read_all(node, report)).unwrap_or_default();
    let rules = match fields.get("rules") {
        Some(node) => rules(node, report),
        None if guardrail => Vec::new(),
        None => {
            report
                .error(code::MISSING_KEY, Place::START, "a policy without `rules`")
                .help("without rules nothing is allowed");
            Vec::new()
        }
    };
    let budgets = fields.get("budgets").map(|node| budget::read_all(node, report)).unwrap_or_default();
    let approvals = fields.get("approvals").map(|node| approvals(node, report)).unwrap_or_default();
    let redact = fields.get("redact").map(|node| tool::read_redact(node, report)).unwrap_or_default();
    let unprotected = fields.get("unprotected").map(|node| unprotected(node, report)).unwrap_or_default();
    let deadline = deadline::read(&mut fields, report);
    let restart = fields.get("restart").and_then(|node| bool(node, "`restart`", report));
    let inline = fields.get("tests").map(|node| test_cases::read_all(node, report)).unwrap_or_default();
    fields.finish("a policy", report);
    Some(Document {
        file: report.file.clone(),
        name: doc_name?,
        version: version?.value,
        guardrail,
        explained,
        bound_by,
        tools,
        rules,
        budgets,
        approvals,
        redact,
        unprotected,
        deadline,
        restart,
        tests: inline,
        core: core_value(root),
    })
}

/// `enforcecore: 1`, before anything else is read: another language's keys would only make noise.
fn check_language(root: &Node, report: &mut Report) -> Option<()> {
    let entries = fields::entries(root, "a policy", report)?;
    let Some((_, version)) = entries.iter().find(|(key, _)| key.value == "enforcecore") else {
        report
            .error(
                code::NO_VERSION,
                root.place,
                "a document without `enforcecore: 1`: policies of version 1.14 are not supported yet",
            )
            .help("begin the document with `enforcecore: 1`");
        return None;
    };
    if !version.is_one() {
        report
            .error(code::UNKNOWN_VERSION, version.place, "this is version 1 of the policy language")
            .help("write `enforcecore: 1`")
            .fix("1");
    }
    version.is_one().then_some(())
}

fn is_guardrail(node: &Node, report: &mut Report) -> bool {
    let Some(word) = text(node, "`kind`", report) else { return false };
    let known = ["policy", "guardrail"];
    if !known.contains(&word.value.as_str()) {
        fields::unknown_word("kind", &word, known, &[], report);
    }
    word.value == "guardrail"
}

fn is_explained(node: &Node, report: &mut Report) -> bool {
    let Some(word) = text(node, "`explain`", report) else { return false };
    let known = ["full", "none"];
    if !known.contains(&word.value.as_str()) {
        report
            .error(code::UNKNOWN_WORD, word.place, format!("unknown word `{}` for `explain`", word.value))
            .suggest(&word.value, known);
    }
    word.value == "full"
}

fn names(node: &Node, what: &str, report: &mut Report) -> Vec<At<String>> {
    let items = list(node, what, report).unwrap_or_default();
    report.each(items, |item, report| text(item, what, report))
}

fn unprotected(node: &Node, report: &mut Report) -> Vec<(At<String>, Vec<At<String>>)> {
    let entries = fields::entries(node, "`unprotected`", report).unwrap_or_default();
    let tool =
        |(key, node): &(_, _)| Some((key_name(key, "a tool's name", report)?, names(node, "protected names", report)));
    entries.iter().filter_map(tool).collect()
}

fn rules(node: &Node, report: &mut Report) -> Vec<Rule> {
    let items = list(node, "`rules`", report).unwrap_or_default();
    if items.len() > RULES_MAX {
        let message = format!("{} rules, more than the {RULES_MAX} allowed", items.len());
        report.error(code::TOO_MANY_RULES, node.place, message);
        return Vec::new();
    }
    report.each(items, rule::read)
}

fn approvals(node: &Node, report: &mut Report) -> Vec<ApprovalDecl> {
    let entries = fields::entries(node, "`approvals`", report).unwrap_or_default();
    report.each(entries, |(key, node), report| {
        let name = key_name(key, "an approval's name", report)?;
        let mut fields = Fields::of(node, "an approval", &["wait"], report)?;
        let from = fields.require("from", "an approval", report).and_then(|node| approval_from(node, report));
        let valid = fields.require("valid", "an approval", report).and_then(|node| duration(node, "`valid`", report));
        if let Some(people) = fields.get("people")
            && !people.is_one()
        {
            fields::not_supported_yet(people.place, "people: more than one", report);
        }
        fields.finish("an approval", report);
        Some(ApprovalDecl { name, from: from?, valid: valid?.value })
    })
}

fn approval_from(node: &Node, report: &mut Report) -> Option<ApprovalFrom> {
    if let NodeKind::Map(_) = node.kind {
        let mut fields = Fields::of(node, "`from`", &[], report)?;
        let role = fields.require("role", "`from`", report).and_then(|node| name(node, "a role", report));
        fields.finish("`from`", report);
        return Some(ApprovalFrom::Role(role?.value));
    }
    let word = text(node, "`from`", report)?;
    if word.value == "local_user" {
        return Some(ApprovalFrom::LocalUser);
    }
    report
        .error(code::UNKNOWN_WORD, word.place, format!("unknown approver `{}`", word.value))
        .help("write `{role: NAME}` or `local_user`");
    None
}

/// Everything a decision can depend on. Tests are left out: adding one must not void grants for the policy.
fn core_value(root: &Node) -> Value {
    let mut value = root.to_value();
    if let Value::Map(map) = &mut value {
        map.shift_remove("tests");
    }
    value
}
