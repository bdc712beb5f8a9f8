//! What a check says of its operand: the policy's own literals, and references by their names. Never a value that a reference
//! stands for.

use super::super::ast::{Operand, Reference};
use super::row::{Check, Compared, HostTest};
use crate::explanation::{LITERAL_CHARS_MAX, LITERALS_MAX, cut, quoted};
use crate::value::Value;

/// Literals that a sentence names at most.
const SAID_MAX: usize = 4;

/// What a check compares with.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    /// Literals, as many as are shown.
    pub(crate) literals: Vec<Value>,
    /// How many more there are.
    pub(crate) more: usize,
    /// The names of references.
    pub(crate) references: Vec<String>,
}

impl Shown {
    fn literal(&mut self, value: &Value) {
        if self.literals.len() >= LITERALS_MAX {
            self.more += 1;
            return;
        }
        let text = value.as_text().map(|text| Value::from(cut(text, LITERAL_CHARS_MAX)));
        self.literals.push(text.unwrap_or_else(|| value.clone()));
    }

    fn text(&mut self, text: &str) {
        self.literal(&Value::from(text));
    }

    fn reference(&mut self, reference: &Reference) {
        if self.references.len() < LITERALS_MAX {
            self.references.push(reference.to_string());
        } else {
            self.more += 1;
        }
    }

    fn operand(&mut self, operand: &Operand) {
        match operand {
            Operand::Literal(value) => self.literal(value),
            Operand::Reference(reference) => self.reference(reference),
        }
    }
}

impl Check {
    /// What it compares with.
    pub(crate) fn shown(&self) -> Shown {
        let mut shown = Shown::default();
        self.show(&mut shown);
        shown
    }

    fn show(&self, shown: &mut Shown) {
        match &self.compared {
            Compared::True => {}
            Compared::Value(operand) | Compared::Bound(_, operand) | Compared::Folder(operand) => {
                shown.operand(operand)
            }
            Compared::Values(operands) => operands.iter().for_each(|operand| shown.operand(operand)),
            Compared::List(reference) | Compared::Same(reference) => shown.reference(reference),
            Compared::Part(_, _, part) => shown.text(part),
            Compared::Pattern(pattern) => shown.text(pattern.text()),
            Compared::Words(_, words) => words.iter().for_each(|word| shown.text(word)),
            Compared::Host(HostTest::OneOf(hosts)) => hosts.iter().for_each(|host| shown.text(host.native())),
            Compared::Host(HostTest::Domain(domain)) => shown.text(domain.native()),
            Compared::Ports(ports) => ports.iter().for_each(|port| shown.literal(&Value::from(i64::from(*port)))),
            Compared::UrlPath(checks) => checks.iter().for_each(|check| check.show(shown)),
        }
    }

    /// What it demands, as the end of a sentence: `be at most 50`.
    pub(crate) fn demand(&self) -> String {
        let operand = match &self.compared {
            Compared::True => return self.row.must.to_owned(),
            Compared::UrlPath(checks) => checks.iter().map(Check::demand).collect::<Vec<_>>().join(" and "),
            Compared::Host(HostTest::Domain(domain)) => format!("{} or one below it", quoted(domain.native())),
            Compared::List(reference) => format!("one of {}", quoted(&reference.to_string())),
            Compared::Value(_) | Compared::Values(_) | Compared::Same(_) | Compared::Bound(..) => self.one_of(),
            Compared::Part(..) | Compared::Pattern(_) | Compared::Folder(_) | Compared::Words(..) => self.one_of(),
            Compared::Host(HostTest::OneOf(_)) | Compared::Ports(_) => self.one_of(),
        };
        format!("{} {operand}", self.row.must)
    }

    fn one_of(&self) -> String {
        let shown = self.shown();
        let literals = shown.literals.iter().map(|literal| literal.as_text().map_or_else(|| literal.to_json(), quoted));
        let all: Vec<String> = literals.chain(shown.references.iter().map(|name| quoted(name))).collect();
        let more = shown.more + all.len().saturating_sub(SAID_MAX);
        let said = all.iter().take(SAID_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
        match (all.len(), more) {
            (1, 0) => said,
            (_, 0) => format!("one of {said}"),
            (_, more) => format!("one of {said} and {more} more"),
        }
    }
}
