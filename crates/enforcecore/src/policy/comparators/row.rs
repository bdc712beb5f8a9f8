//! What a row of the table says, and a comparator with its operand as it was read.

use std::cmp::Ordering;

use super::super::ast::{Operand, Reference};
use super::super::kleene::Truth;
use super::super::matchers::{HostName, Pattern};
use super::super::types::{Aspect, Type};
use super::seen::Seen;

/// One comparator.
#[derive(Debug)]
pub(crate) struct Comparator {
    /// Its word in policies.
    pub(crate) name: &'static str,
    /// What it demands of its subject, in the words of a sentence that the operand ends: `at_most` demands to `be at most` 50.
    pub(crate) must: &'static str,
    /// What of a value it looks at, and so to which types it applies.
    pub(crate) on: Aspect,
    /// How its operand is written, and what it means.
    pub(crate) takes: Takes,
    /// When it holds, as the page about the language says it.
    #[cfg_attr(not(test), expect(dead_code, reason = "the page about the language is held to it"))]
    pub(crate) doc: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "the table's own test runs it"))]
    pub(super) example: Example,
}

/// A use of a comparator, with a value of which it holds and one of which it does not.
#[cfg_attr(not(test), expect(dead_code, reason = "the table's own test runs it"))]
#[derive(Debug)]
pub(super) struct Example {
    pub(super) ty: &'static str,
    pub(super) operand: &'static str,
    pub(super) holds: &'static str,
    pub(super) fails: Option<&'static str>,
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
    pub(super) holds: fn(&Seen<'_>, &[String]) -> Truth,
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

/// Which hosts a URL may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HostTest {
    /// Exactly one of these.
    OneOf(Vec<HostName>),
    /// This domain and everything below it.
    Domain(HostName),
}

impl Check {
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
