//! The comparators: one row each, with how its operand is written, what of a value it looks at, and what it means.
//!
//! A row is all there is to a comparator whose operand is written like another's: what it means stands in the row, and a row
//! that is not in the table does not exist. An operand of a new form is a variant of [`Takes`] and of [`Compared`], and the
//! compiler names every place that has to know it. Three answers are possible (`kleene`), and an error never opens anything.

mod number;
mod path;
mod seen;
mod set;
#[cfg(test)]
mod tests;
mod text;
mod url;

use std::cmp::Ordering;

pub(crate) use self::seen::Seen;
use self::seen::Spelling;
pub(crate) use self::url::HostTest;
use super::ast::{Operand, Reference};
use super::kleene::{Truth, agreed};
use super::matchers::Pattern;
use super::references::{References, Vouched};
use super::types::{Aspect, Type};
use crate::path::{DecidedPath, composed};
use crate::value::Value;

/// One comparator.
#[derive(Debug)]
pub(crate) struct Comparator {
    /// Its word in policies.
    pub(crate) name: &'static str,
    /// What of a value it looks at, and so to which types it applies.
    pub(crate) on: Aspect,
    /// How its operand is written, and what it means.
    pub(crate) takes: Takes,
    /// When it holds, as the page about the language says it.
    #[cfg_attr(not(test), expect(dead_code, reason = "the page about the language is held to it"))]
    pub(crate) doc: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "the table's own test runs it"))]
    example: Example,
}

/// A use of a comparator, with a value of which it holds and one of which it does not.
#[cfg_attr(not(test), expect(dead_code, reason = "the table's own test runs it"))]
#[derive(Debug)]
struct Example {
    ty: &'static str,
    operand: &'static str,
    holds: &'static str,
    fails: Option<&'static str>,
}

/// How an operand is written.
#[derive(Debug)]
pub(crate) enum Takes {
    /// `true` and nothing else.
    True,
    /// A value or a reference.
    Value,
    /// A list of these, or a reference to a list.
    Values,
    /// A reference.
    Reference,
    /// A number or a reference, and whether a number that compares so with it is within the bound.
    Bound(fn(Ordering) -> bool),
    /// A part of a text, where in the text it stands, and whether a text has it.
    Part(End, fn(&str, &str) -> bool),
    /// A pattern of this kind.
    Pattern(fn(&str) -> Result<Pattern, String>),
    /// An absolute path or a reference.
    Folder,
    /// A word or `{in: [..]}`.
    Words(WordForm),
    /// A host, `{in: [..]}` or `{domain: NAME}`.
    Host,
    /// A number or `{in: [..]}`.
    Ports,
    /// A URL's path, or a map of comparators of text.
    UrlPath,
}

/// Words of one kind, and whether something has one of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WordForm {
    /// One word in messages, and the form that it has.
    pub(crate) noun: &'static str,
    pub(crate) form: &'static str,
    pub(crate) fits: fn(&str) -> bool,
    holds: fn(&Seen<'_>, &[String]) -> Truth,
}

/// An end of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Start,
    End,
}

/// One comparator with its operand.
#[derive(Clone, Debug)]
pub(crate) struct Check {
    pub(crate) row: &'static Comparator,
    pub(crate) compared: Compared,
}

/// An operand as it was read, with what it means where several rows share its form.
#[derive(Clone, Debug)]
pub(crate) enum Compared {
    True,
    Value(Operand),
    Values(Vec<Operand>),
    /// `in: session.regions`: membership in a list the host keeps.
    List(Reference),
    Same(Reference),
    Bound(fn(Ordering) -> bool, Operand),
    Part(End, fn(&str, &str) -> bool, String),
    Pattern(Pattern),
    Folder(Operand),
    Words(WordForm, Vec<String>),
    Host(HostTest),
    Ports(Vec<u16>),
    /// Tests of a URL's path, each of them one for text.
    UrlPath(Vec<Check>),
}

/// Words of comparators that a later version has.
pub(crate) const COMPARATORS_LATER: &[&str] = &[
    "every",
    "some",
    "schema",
    "detector",
    "seen_in",
    "runs",
    "any_runs",
    "kinds",
    "tables",
    "where",
    "functions",
    "address",
];

/// Every comparator, in the order of messages.
pub(crate) fn comparators() -> impl Iterator<Item = &'static Comparator> {
    [&set::ROWS[..], &number::ROWS, &text::ROWS, &path::ROWS, &url::ROWS].into_iter().flatten()
}

impl Comparator {
    pub(crate) fn named(word: &str) -> Option<&'static Comparator> {
        comparators().find(|row| row.name == word)
    }
}

impl Check {
    /// Whether it holds of what is seen.
    pub(crate) fn holds(&self, seen: &Seen<'_>, references: &References<'_>) -> Truth {
        match (seen, self.is_any()) {
            (_, true) => Ok(true),
            (Seen::Path(path), false) => self.holds_of_path(path, references),
            _ => self.holds_of_one(seen, references),
        }
    }

    /// A path is what its tool may take it for: the name and where it leads, as written and composed.
    fn holds_of_path(&self, path: &DecidedPath, references: &References<'_>) -> Truth {
        let readings = path.readings().flat_map(|reading| {
            let composed = composed(reading).map(|path| Seen::Reading(path.into(), Spelling::Composed));
            [Some(Seen::Reading(reading.into(), Spelling::Written)), composed].into_iter().flatten()
        });
        let truths = readings.map(|reading| self.holds_of_one(&reading, references));
        agreed(truths, seen::TWO_NAMES)
    }

    fn holds_of_one(&self, seen: &Seen<'_>, references: &References<'_>) -> Truth {
        match &self.compared {
            Compared::True => Ok(true),
            Compared::Value(operand) => set::equals(seen, operand, references),
            Compared::Values(operands) => set::equals_any(seen, operands, references),
            Compared::List(reference) => set::is_in(seen, reference, references),
            Compared::Same(reference) => set::same(references.keyer(), seen, &references.resolve(reference)?),
            Compared::Bound(within, operand) => number::is_within(seen, *within, &references.value(operand)?),
            Compared::Part(_, has, part) => text::has_part(seen, *has, part),
            Compared::Pattern(pattern) => text::matches(seen, pattern),
            Compared::Folder(operand) => path::is_in_folder(seen, operand, references),
            Compared::Words(form, words) => (form.holds)(seen, words),
            Compared::Host(wanted) => url::has_host(seen, wanted),
            Compared::Ports(ports) => url::has_port(seen, ports),
            Compared::UrlPath(checks) => url::has_path(seen, checks),
        }
    }

    /// A literal against a check that is known to need no reference; none where it may need one.
    pub(crate) fn holds_of_literal(&self, value: &Value, ty: Option<&Type>) -> Option<Truth> {
        let seen = Seen::Value(value, ty);
        match &self.compared {
            Compared::Bound(within, Operand::Literal(bound)) => {
                Some(number::is_within(&seen, *within, &Vouched::Value(bound)))
            }
            Compared::Part(_, has, part) if !ty.is_some_and(Type::is_path) => Some(text::has_part(&seen, *has, part)),
            Compared::Pattern(pattern) if !ty.is_some_and(Type::is_path) => Some(text::matches(&seen, pattern)),
            Compared::True | Compared::Value(_) | Compared::Values(_) | Compared::List(_) | Compared::Same(_) => None,
            Compared::Bound(..) | Compared::Part(..) | Compared::Pattern(_) | Compared::Folder(_) => None,
            Compared::Words(..) | Compared::Host(_) | Compared::Ports(_) | Compared::UrlPath(_) => None,
        }
    }

    /// Whether anything may be there.
    pub(crate) fn is_any(&self) -> bool {
        matches!(self.compared, Compared::True)
    }

    /// Whether it applies to a type.
    pub(crate) fn applies(&self, ty: &Type) -> bool {
        ty.has(self.row.on)
    }

    /// The operands of which the subject equals one.
    pub(crate) fn listed(&self) -> Option<&[Operand]> {
        match &self.compared {
            Compared::Value(operand) => Some(std::slice::from_ref(operand)),
            Compared::Values(operands) => Some(operands),
            Compared::True | Compared::List(_) | Compared::Same(_) | Compared::Bound(..) | Compared::Part(..) => None,
            Compared::Pattern(_) | Compared::Folder(_) | Compared::Words(..) | Compared::Host(_) => None,
            Compared::Ports(_) | Compared::UrlPath(_) => None,
        }
    }

    /// Whether what it means depends on the call's session.
    pub(crate) fn refers(&self) -> bool {
        match &self.compared {
            Compared::Value(operand) | Compared::Bound(_, operand) | Compared::Folder(operand) => {
                operand.is_reference()
            }
            Compared::Values(operands) => operands.iter().any(Operand::is_reference),
            Compared::List(_) | Compared::Same(_) => true,
            Compared::True | Compared::Part(..) | Compared::Pattern(_) | Compared::Words(..) => false,
            Compared::Host(_) | Compared::Ports(_) | Compared::UrlPath(_) => false,
        }
    }

    /// Whether it can be said of a URL's path.
    pub(crate) fn fits_url_path(&self) -> bool {
        match &self.compared {
            Compared::Value(_) | Compared::Values(_) | Compared::Part(..) | Compared::Pattern(_) => true,
            Compared::True | Compared::List(_) | Compared::Same(_) | Compared::Bound(..) | Compared::Folder(_) => false,
            Compared::Words(..) | Compared::Host(_) | Compared::Ports(_) | Compared::UrlPath(_) => false,
        }
    }
}
