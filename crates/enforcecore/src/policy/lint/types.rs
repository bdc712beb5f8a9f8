//! Conditions: subjects exist, comparators fit their types, and literals are of them.

use super::super::ast::{Operand, Root, Subject};
use super::super::comparators::{Check, Compared, End};
use super::super::compiled::Tool;
use super::super::matchers::{ascii_name, is_read_differently};
use super::super::parse::condition::WrittenTest;
use super::super::source::report::At;
use super::super::source::yaml::quoted;
use super::super::types::{Aspect, ItemKind, NamePart, Type};
use super::checker::Checker;
use crate::codes::policy as code;
use crate::value::Value;

impl Checker<'_> {
    pub(super) fn test(&mut self, test: &WrittenTest, concerned: &[(&str, &Tool)]) {
        match &test.subject.value {
            Subject::Arg(name) => self.argument_test(test, name, concerned),
            Subject::Reference(reference) => {
                let set_by_result = reference.root == Root::Fact
                    && self.tools.values().any(|tool| tool.facts.iter().any(|(fact, _)| *fact == reference.path));
                for check in &test.checks {
                    if set_by_result && check.value.row.on != Aspect::Whole {
                        let message = format!("only equality is known of `{reference}`, which a result sets");
                        self.report
                            .error(code::WRONG_COMPARATOR, check.place, message)
                            .help("use `equals`, `in` or `same_as`");
                    } else if matches!(check.value.row.on, Aspect::Url | Aspect::Host | Aspect::Path) {
                        let message = format!("a comparator of URLs or paths does not apply to `{reference}`");
                        self.report.error(code::WRONG_COMPARATOR, check.place, message);
                    }
                }
            }
            Subject::Quantified { kind, .. } => {
                for check in &test.checks {
                    self.check_kind(*kind, check);
                }
            }
        }
    }

    /// Rule 6: a bare argument name exists in every tool that is selected.
    fn argument_test(&mut self, test: &WrittenTest, name: &str, concerned: &[(&str, &Tool)]) {
        let wide = concerned.len() > 1;
        for (tool_name, tool) in concerned {
            if tool.undeclared {
                let message = format!("the arguments of `{tool_name}` are not declared, so `{name}` may not exist");
                self.report
                    .error(code::UNSHARED_ARGUMENT, test.subject.place, message)
                    .help("declare the tool, or speak about `every_string` or `any_string`");
                return;
            }
            let Some(arg) = tool.args.get(name) else {
                let (code, message) = if wide {
                    (
                        code::UNSHARED_ARGUMENT,
                        format!("`{tool_name}`, which is selected too, takes no argument `{name}`"),
                    )
                } else {
                    (code::UNKNOWN_ARGUMENT, format!("the tool `{tool_name}` takes no argument `{name}`"))
                };
                self.report
                    .error(code, test.subject.place, message)
                    .suggest(name, tool.args.keys().map(String::as_str));
                return;
            };
            let before = self.report.found.len();
            for check in &test.checks {
                self.check_type(&arg.ty, name, check);
            }
            if self.report.found.len() > before {
                return;
            }
        }
    }

    /// Whether the comparator applies to the type, and its literals are of it.
    pub(super) fn check_type(&mut self, ty: &Type, name: &str, check: &At<Check>) {
        if !check.value.applies(ty) {
            let is_of_text = matches!(check.value.row.on, Aspect::Start | Aspect::Text);
            match ty.row.instead_of_text.filter(|_| is_of_text) {
                Some((why, help)) => {
                    self.report.error(code::WRONG_COMPARATOR, check.place, format!("`{name}` is {why}")).help(help);
                }
                None => {
                    let message = format!("the comparator does not apply to `{name}`, which is {}", ty.row.noun);
                    self.report.error(code::WRONG_COMPARATOR, check.place, message);
                }
            }
            return;
        }
        self.check_name_part(ty.row.name_part, name, check);
        self.check_literals(ty, name, check);
    }

    /// What is compared with a name in DNS can stand in one.
    fn check_name_part(&mut self, name_part: NamePart, name: &str, check: &At<Check>) {
        match &check.value.compared {
            Compared::Part(end, _, part) => {
                let is_of_name = match (name_part, end) {
                    (NamePart::None, _) => false,
                    // Before its `@` an address has what its own server reads.
                    (NamePart::BehindAt, End::Start) => part.contains('@'),
                    (NamePart::BehindAt, End::End) | (NamePart::Whole, _) => true,
                };
                if is_of_name {
                    self.check_part(*end, part, check);
                }
            }
            Compared::Pattern(pattern) => {
                let can_match = match name_part {
                    NamePart::None => true,
                    NamePart::BehindAt => pattern.has_ascii_host(),
                    NamePart::Whole => pattern.is_ascii(),
                };
                self.check_pattern(can_match, name, check);
            }
            Compared::True | Compared::Value(_) | Compared::Values(_) | Compared::List(_) | Compared::Same(_) => {}
            Compared::Bound(..) | Compared::Folder(_) | Compared::Words(..) | Compared::Host(_) => {}
            Compared::Ports(_) | Compared::UrlPath(_) => {}
        }
    }

    fn check_literals(&mut self, ty: &Type, name: &str, check: &At<Check>) {
        let operands = check.value.listed().unwrap_or_default();
        for operand in operands {
            let Operand::Literal(literal) = operand else { continue };
            self.check_literal(ty, name, literal, check);
        }
    }

    /// A name is compared as it stands in DNS: a part of it in other letters, in capital letters or with a final dot would never
    /// hold.
    fn check_part(&mut self, end: End, part: &str, check: &At<Check>) {
        let host = written_host(part);
        let is_end = end == End::End;
        let ends_in_dot = is_end && host.ends_with('.');
        if host.is_ascii() && !ends_in_dot && !host.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return;
        }
        let message = format!("`{host}` is compared with the name as it stands in DNS, and would never hold");
        let finding = self.report.error(code::BAD_LOCATION, check.place, message);
        let (word, written) = if is_end { ("suffix", host.trim_end_matches('.')) } else { ("prefix", host) };
        let name = match written.trim_start_matches('.') {
            ascii if ascii.is_ascii() => Some(written.to_ascii_lowercase()),
            // The beginning of a name in other letters is not the beginning of what stands in DNS.
            _ if !is_end => None,
            other => ascii_name(other).map(|name| written.replace(other, &name)),
        };
        let before = part.strip_suffix(host).unwrap_or_default();
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            let mended = format!("{word}: \"{before}{name}\"");
            finding.help(format!("write `{mended}`")).fix(mended);
        }
    }

    /// A pattern with a letter that no name has in DNS would never hold where it has that letter.
    fn check_pattern(&mut self, is_ascii: bool, name: &str, check: &At<Check>) {
        if !is_ascii {
            let message = format!("`{name}` is compared as it stands in DNS, which has none of these letters");
            self.report
                .error(code::BAD_LOCATION, check.place, message)
                .help("write the name as it stands in DNS: `xn--..`");
        }
    }

    fn check_literal(&mut self, ty: &Type, name: &str, literal: &Value, check: &At<Check>) {
        if (ty.row.compares)(literal) {
            return;
        }
        let (noun, written) = (ty.row.noun, literal.to_json());
        if ty.row.is_text && matches!(literal, Value::Number(_) | Value::Bool(_)) {
            let message = format!("`{name}` is {noun}, and `{written}` is not text");
            let finding = self.report.error(code::NOT_TEXT, check.place, message);
            let finding = finding.help(format!("write `{}`", quoted(&written)));
            if let Compared::Value(_) = check.value.compared {
                finding.fix(format!("equals: {}", quoted(&written)));
            }
            return;
        }
        let message = format!("`{name}` is {noun}, and `{written}` is not");
        let finding = self.report.error(code::WRONG_LITERAL, check.place, message);
        if let Some(host) = literal.as_text().map(written_host).filter(|host| is_read_differently(host)) {
            let name = ascii_name(host).unwrap_or_else(|| "xn--..".to_owned());
            finding.help(format!(
                "old and new programs look `{host}` up as different names: write the one you mean, `{name}` for this one"
            ));
        }
    }

    fn check_kind(&mut self, kind: ItemKind, check: &At<Check>) {
        let (noun, aspects) = kind.nature();
        let on = check.value.row.on;
        if on != Aspect::Whole && !aspects.contains(&on) {
            self.report.error(code::WRONG_COMPARATOR, check.place, format!("the comparator does not apply to {noun}"));
        } else if kind == ItemKind::Host {
            self.check_literals(&Type::host_name(), "a host", check);
        }
    }
}

/// The part of an address, a URL or a name that names a host.
fn written_host(text: &str) -> &str {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}
