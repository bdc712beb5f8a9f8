//! Conditions: subjects exist, comparators fit their types, and all tests together can be true.

use super::super::core::Tool;
use super::super::document::{Check, Comparison, Kind, Operand, Root, Rule, Subject, Test, Type, condition::place_of};
use super::super::evaluate::literal_fits;
use super::super::matchers::{UrlView, ascii_name, host_literal, is_email, is_read_differently, path_literal};
use super::super::report::At;
use super::super::source::quoted;
use super::Checker;
use crate::codes::policy as code;
use crate::number::Decimal;
use crate::value::Value;

impl Checker<'_> {
    pub(super) fn test(&mut self, test: &Test, concerned: &[(&str, &Tool)]) {
        match &test.subject.value {
            Subject::Arg(name) => self.argument_test(test, name, concerned),
            Subject::Reference(reference) => {
                let set_by_result = reference.root == Root::Fact
                    && self.tools.values().any(|tool| tool.facts.iter().any(|(fact, _)| *fact == reference.path));
                for check in &test.checks {
                    if set_by_result && !is_equality(&check.value) {
                        let message = format!("only equality is known of `{reference}`, which a result sets");
                        self.report
                            .error(code::WRONG_COMPARATOR, check.place, message)
                            .help("use `equals`, `in` or `same_as`");
                    } else if is_of_url(&check.value) || matches!(check.value, Check::Under(_)) {
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
    fn argument_test(&mut self, test: &Test, name: &str, concerned: &[(&str, &Tool)]) {
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
        if let (Type::Url, Check::Prefix(_) | Check::Suffix(_) | Check::Pattern(_)) = (ty, &check.value) {
            self.report
                .error(
                    code::WRONG_COMPARATOR,
                    check.place,
                    format!("`{name}` is a URL, and its text does not say where it leads"),
                )
                .help("compare its parts: `scheme`, `host`, `port`, `path`");
            return;
        }
        if let (Type::Path, Check::Prefix(_)) = (ty, &check.value) {
            self.report
                .error(
                    code::WRONG_COMPARATOR,
                    check.place,
                    format!("`{name}` is a path, and a prefix of its text is not a folder"),
                )
                .help("use `under`");
            return;
        }
        if !applies(ty, &check.value) {
            let message = format!("the comparator does not apply to `{name}`, which is {}", ty.noun());
            self.report.error(code::WRONG_COMPARATOR, check.place, message);
            return;
        }
        match (ty, &check.value) {
            (Type::Email | Type::Domain, Check::Suffix(part)) | (Type::Domain, Check::Prefix(part)) => {
                self.check_part(part, check);
            }
            // Before its `@` an address has what its own server reads.
            (Type::Email, Check::Prefix(part)) if part.contains('@') => self.check_part(part, check),
            (Type::Domain, Check::Pattern(pattern)) => self.check_pattern(pattern.is_ascii(), name, check),
            (Type::Email, Check::Pattern(pattern)) => self.check_pattern(pattern.has_ascii_host(), name, check),
            _ => {}
        }
        self.check_literals(ty, name, check);
    }

    fn check_literals(&mut self, ty: &Type, name: &str, check: &At<Check>) {
        let operands = match &check.value {
            Check::Equals(operand) => std::slice::from_ref(operand),
            Check::In(operands) => operands.as_slice(),
            _ => return,
        };
        for operand in operands {
            let Operand::Literal(literal) = operand else { continue };
            self.check_literal(ty, name, literal, check);
        }
    }

    /// A name is compared as it stands in DNS: a part of it in other letters, in capital letters or with a final dot would never
    /// hold.
    fn check_part(&mut self, part: &str, check: &At<Check>) {
        let host = written_host(part);
        let is_end = matches!(check.value, Check::Suffix(_));
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
        let fits = match (ty, literal) {
            (Type::Email, Value::Text(text)) => is_email(text),
            (Type::Domain, Value::Text(text)) => host_literal(text).is_some(),
            (Type::Url, Value::Text(text)) => UrlView::parse(text).is_ok(),
            (Type::Path, Value::Text(text)) => path_literal(text).is_some(),
            (Type::String | Type::Text, Value::Text(_)) | (Type::Decimal, Value::Number(_)) => true,
            (Type::Integer, Value::Number(number)) => number.decimal().is_integer(),
            (Type::Money(_), Value::Number(number)) => !number.decimal().is_negative(),
            (Type::Bool, Value::Bool(_)) => true,
            _ => false,
        };
        if fits {
            return;
        }
        let wants_text = !ty.is_number() && *ty != Type::Bool;
        match literal {
            Value::Number(_) | Value::Bool(_) if wants_text => {
                let written = literal.to_json();
                let message = format!("`{name}` is {}, and `{written}` is not text", ty.noun());
                let help = format!("write `{}`", quoted(&written));
                let finding = self.report.error(code::NOT_TEXT, check.place, message).help(help);
                if let Check::Equals(_) = check.value {
                    finding.fix(format!("equals: {}", quoted(&written)));
                }
            }
            _ => {
                let message = format!("`{name}` is {}, and `{}` is not", ty.noun(), literal.to_json());
                let finding = self.report.error(code::WRONG_LITERAL, check.place, message);
                if let Some(host) = literal.as_text().map(written_host).filter(|host| is_read_differently(host)) {
                    let name = ascii_name(host).unwrap_or_else(|| "xn--..".to_owned());
                    finding.help(format!(
                        "old and new programs look `{host}` up as different names: write the one you mean, `{name}` for this one"
                    ));
                }
            }
        }
    }

    fn check_kind(&mut self, kind: Kind, check: &At<Check>) {
        let (noun, fits) = match kind {
            Kind::String => ("text", applies(&Type::String, &check.value)),
            Kind::Path | Kind::Read | Kind::Write => {
                ("a path", applies(&Type::Path, &check.value) && !matches!(check.value, Check::Prefix(_)))
            }
            Kind::Host => ("a host", is_equality(&check.value) || matches!(check.value, Check::Host(_))),
        };
        if !fits {
            self.report.error(code::WRONG_COMPARATOR, check.place, format!("the comparator does not apply to {noun}"));
        } else if kind == Kind::Host {
            self.check_literals(&Type::Domain, "a host", check);
        }
    }

    /// Whether all tests of a rule together can be true.
    pub(super) fn conditions_satisfiable(&mut self, rule: &Rule, concerned: &[(&str, &Tool)]) {
        for (index, test) in rule.when.iter().enumerate() {
            let earlier = rule.when.iter().take(index).any(|other| other.subject.value == test.subject.value);
            if earlier || matches!(test.subject.value, Subject::Quantified { .. }) {
                continue;
            }
            let Subject::Arg(name) = &test.subject.value else {
                self.check_satisfiable(&subject_name(test), &test.checks.iter().collect::<Vec<_>>(), None);
                continue;
            };
            let mut can = concerned.is_empty();
            let mut ty = None;
            for arg in concerned.iter().filter_map(|(_, tool)| tool.args.get(name)) {
                let fits: Vec<At<Check>> =
                    arg.fits.iter().map(|check| At::new(test.subject.place, check.clone())).collect();
                let checks: Vec<_> = test.checks.iter().chain(&fits).collect();
                can |= satisfiable(&checks, Some(&arg.ty));
                ty = Some(&arg.ty);
            }
            if !can && ty.is_some() {
                self.report.error(
                    code::NEVER_TRUE,
                    place_of(test),
                    format!("nothing that `{name}` can be makes this true"),
                );
            }
        }
    }

    pub(super) fn check_satisfiable(&mut self, name: &At<String>, checks: &[&At<Check>], ty: Option<&Type>) {
        if !satisfiable(checks, ty) {
            self.report.error(
                code::NEVER_TRUE,
                name.place,
                format!("nothing that `{}` can be makes this true", name.value),
            );
        }
    }
}

fn subject_name(test: &Test) -> At<String> {
    let name = match &test.subject.value {
        Subject::Arg(name) => name.clone(),
        Subject::Reference(reference) => reference.to_string(),
        Subject::Quantified { .. } => String::new(),
    };
    At::new(place_of(test), name)
}

/// Whether bounds leave room and some listed literal passes all other checks. References are taken to allow anything.
fn satisfiable(checks: &[&At<Check>], ty: Option<&Type>) -> bool {
    let mut candidates: Option<Vec<&Value>> = None;
    let mut low: Option<(Decimal, bool)> = matches!(ty, Some(Type::Money(_))).then_some((Decimal::ZERO, true));
    let mut high: Option<(Decimal, bool)> = None;
    for check in checks {
        let listed: Vec<&Operand> = match &check.value {
            Check::Equals(operand) => vec![operand],
            Check::In(operands) => operands.iter().collect(),
            Check::Compare(comparison, Operand::Literal(Value::Number(bound))) => {
                let (bound, closed) = (bound.decimal(), matches!(comparison, Comparison::AtLeast | Comparison::AtMost));
                match comparison {
                    Comparison::AtLeast | Comparison::MoreThan => {
                        if low.is_none_or(|(own, own_closed)| bound > own || (bound == own && own_closed)) {
                            low = Some((bound, closed));
                        }
                    }
                    Comparison::AtMost | Comparison::LessThan => {
                        if high.is_none_or(|(own, own_closed)| bound < own || (bound == own && own_closed)) {
                            high = Some((bound, closed));
                        }
                    }
                }
                continue;
            }
            _ => continue,
        };
        let literals: Option<Vec<&Value>> = listed
            .into_iter()
            .map(|operand| match operand {
                Operand::Literal(value) => Some(value),
                Operand::Reference(_) => None,
            })
            .collect();
        candidates = match (candidates, literals) {
            (Some(known), Some(more)) => Some(known.into_iter().filter(|value| more.contains(value)).collect()),
            (known, more) => known.or(more),
        };
    }
    let room = match (low, high) {
        (Some((low, low_closed)), Some((high, high_closed))) => {
            low < high || (low == high && low_closed && high_closed)
        }
        _ => true,
    };
    let passes = |value: &&Value| checks.iter().all(|check| literal_fits(value, ty, &check.value) != Some(Ok(false)));
    room && candidates.is_none_or(|values| values.iter().any(passes))
}

fn applies(ty: &Type, check: &Check) -> bool {
    match check {
        Check::Any | Check::Equals(_) | Check::In(_) | Check::InList(_) | Check::SameAs(_) => true,
        Check::Compare(..) => ty.is_number(),
        Check::Prefix(_) => matches!(ty, Type::String | Type::Text | Type::Email | Type::Domain),
        Check::Suffix(_) | Check::Pattern(_) => {
            matches!(ty, Type::String | Type::Text | Type::Email | Type::Domain | Type::Path)
        }
        Check::Under(_) => *ty == Type::Path,
        Check::Scheme(_) | Check::Port(_) | Check::UrlPath(_) => *ty == Type::Url,
        Check::Host(_) => matches!(ty, Type::Url | Type::Domain),
    }
}

fn is_of_url(check: &Check) -> bool {
    matches!(check, Check::Scheme(_) | Check::Port(_) | Check::UrlPath(_) | Check::Host(_))
}

fn is_equality(check: &Check) -> bool {
    matches!(check, Check::Any | Check::Equals(_) | Check::In(_) | Check::InList(_) | Check::SameAs(_))
}

/// The part of an address, a URL or a name that names a host.
fn written_host(text: &str) -> &str {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}
