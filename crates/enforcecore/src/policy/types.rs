//! The types of arguments: one row each, with all that the language knows of a type.
//!
//! Nothing else asks which type a type is: comparators ask what can be compared of it, the evaluator how it is spelled, the
//! findings what it is called. A new type is a row here.

use super::matchers::{UrlView, host_literal, host_of_text, is_email, normal_email, path_literal};
use crate::number::Decimal;
use crate::value::Value;

/// The type of an argument.
#[derive(Clone, Debug)]
pub(crate) struct Type {
    pub(crate) row: &'static TypeRow,
    /// Of an amount of money.
    currency: Option<String>,
}

/// What a comparator looks at, and a type has or has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aspect {
    /// The value as it is, which every type has.
    Whole,
    /// Its place among numbers.
    Number,
    /// How its text begins.
    Start,
    /// Its text.
    Text,
    /// The folders that it lies in.
    Path,
    /// The parts of a URL.
    Url,
    /// The host that it names.
    Host,
}

/// What `any_K` and `every_K` range over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ItemKind {
    String,
    Path,
    Read,
    Write,
    Host,
}

/// Which part of a text is a name as it stands in DNS: small letters, and a spelling of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NamePart {
    None,
    /// What stands behind the last `@`.
    BehindAt,
    Whole,
}

/// What a value is for, which decides whether redaction may rewrite it and whether a rule may leave it open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// A person reads it: it may be rewritten and left open.
    Prose,
    /// A tool acts on it: it may be rewritten unless its declaration says what fits.
    Word,
    /// A tool acts on exactly this.
    Exact,
}

/// A text in its one spelling, to a reader that leaves it as it is and to one that sees an address inside.
pub(crate) type Readings = Result<[String; 2], String>;

/// One type.
#[derive(Debug)]
pub(crate) struct TypeRow {
    /// Its word in policies.
    pub(crate) name: &'static str,
    /// The type in the words of messages.
    pub(crate) noun: &'static str,
    /// What the page about the language says of a value that fits.
    #[cfg_attr(not(test), expect(dead_code, reason = "the page about the language is held to it"))]
    pub(crate) doc: &'static str,
    /// Whether its values are written as text.
    pub(crate) is_text: bool,
    /// Whether it is an amount in a currency, and so never below zero.
    pub(crate) is_money: bool,
    /// Whether an argument's value is of the type.
    pub(crate) admits: fn(&Value) -> bool,
    /// Whether a policy can compare it with this literal.
    pub(crate) compares: fn(&Value) -> bool,
    /// The text in its one spelling, to each kind of reader, where it has more than one.
    normal: Option<fn(&str) -> Readings>,
    /// What comparators may look at, beside the whole.
    aspects: &'static [Aspect],
    /// Why a comparator of text does not apply, and what does.
    pub(crate) instead_of_text: Option<(&'static str, &'static str)>,
    pub(crate) name_part: NamePart,
    purpose: Purpose,
}

/// A type that is text and nothing more.
const fn text(name: &'static str, doc: &'static str, purpose: Purpose) -> TypeRow {
    TypeRow {
        name,
        noun: "text",
        doc,
        is_text: true,
        is_money: false,
        admits: is_text,
        compares: is_text,
        normal: None,
        aspects: &[Aspect::Start, Aspect::Text],
        instead_of_text: None,
        name_part: NamePart::None,
        purpose,
    }
}

/// A type whose values are no text and have one spelling: a number, if nothing else is said.
const fn plain(name: &'static str, noun: &'static str, doc: &'static str, admits: fn(&Value) -> bool) -> TypeRow {
    TypeRow {
        name,
        noun,
        doc,
        is_text: false,
        is_money: false,
        admits,
        compares: admits,
        normal: None,
        aspects: &[Aspect::Number],
        instead_of_text: None,
        name_part: NamePart::None,
        purpose: Purpose::Exact,
    }
}

/// Every type.
pub(crate) static TYPES: &[TypeRow] = &[
    text("string", "text that is acted upon", Purpose::Word),
    text("text", "free prose", Purpose::Prose),
    plain("integer", "an integer", "a whole number, exact", is_integer),
    plain("decimal", "a number", "a number, exact, never a float", is_number),
    TypeRow {
        is_money: true,
        ..plain(
            "money",
            "an amount of money, a number from zero up",
            "an amount from zero up, written `{type: money, currency: USD}`",
            is_amount,
        )
    },
    TypeRow { aspects: &[], ..plain("bool", "true or false", "`true` or `false`", is_bool) },
    TypeRow {
        name: "url",
        noun: "a URL as text",
        doc: "text; what readers read differently is an error",
        is_text: true,
        is_money: false,
        admits: is_text,
        compares: |value| is_text_that(value, |text| UrlView::parse(text).is_ok()),
        normal: Some(|text| Ok(UrlView::parse(text)?.readings())),
        aspects: &[Aspect::Url, Aspect::Host],
        instead_of_text: Some((
            "a URL, and its text does not say where it leads",
            "compare its parts: `scheme`, `host`, `port`, `path`",
        )),
        name_part: NamePart::None,
        purpose: Purpose::Exact,
    },
    TypeRow {
        name: "path",
        noun: "a path as text",
        doc: "text; one of a form that is refused below is denied and not malformed; resolved before it is compared, and sent as it was resolved",
        is_text: true,
        is_money: false,
        admits: is_text,
        compares: |value| is_text_that(value, |text| path_literal(text).is_some()),
        normal: None,
        aspects: &[Aspect::Text, Aspect::Path],
        instead_of_text: Some(("a path, and a prefix of its text is not a folder", "use `under`")),
        name_part: NamePart::None,
        purpose: Purpose::Exact,
    },
    TypeRow {
        name: "email",
        noun: "one e-mail address as text",
        doc: "exactly one plain address, no invisible character",
        is_text: true,
        is_money: false,
        admits: |value| is_text_that(value, is_email),
        compares: |value| is_text_that(value, is_email),
        normal: Some(|text| Ok([normal_email(text), normal_email(text)])),
        aspects: &[Aspect::Start, Aspect::Text],
        instead_of_text: None,
        name_part: NamePart::BehindAt,
        purpose: Purpose::Exact,
    },
    DOMAIN,
];

const DOMAIN: TypeRow = TypeRow {
    name: "domain",
    noun: "a domain name as text",
    doc: "a host's name",
    is_text: true,
    is_money: false,
    admits: |value| is_text_that(value, |text| host_of_text(text).is_some()),
    compares: |value| is_text_that(value, |text| host_literal(text).is_some()),
    normal: Some(|text| Ok(host_literal(text).ok_or("not a domain name")?.readings())),
    aspects: &[Aspect::Start, Aspect::Text, Aspect::Host],
    instead_of_text: None,
    name_part: NamePart::Whole,
    purpose: Purpose::Exact,
};

/// Words of types that a later version has.
pub(crate) const TYPES_LATER: &[&str] = &["ip", "command", "sql", "list", "schema"];

fn is_text(value: &Value) -> bool {
    is_text_that(value, |_| true)
}

fn is_text_that(value: &Value, fits: impl Fn(&str) -> bool) -> bool {
    value.as_text().is_some_and(fits)
}

fn is_number(value: &Value) -> bool {
    is_number_that(value, |_| true)
}

fn is_integer(value: &Value) -> bool {
    is_number_that(value, Decimal::is_integer)
}

fn is_amount(value: &Value) -> bool {
    is_number_that(value, |number| !number.is_negative())
}

fn is_number_that(value: &Value, fits: impl Fn(Decimal) -> bool) -> bool {
    matches!(value, Value::Number(number) if fits(number.decimal()))
}

fn is_bool(value: &Value) -> bool {
    matches!(value, Value::Bool(_))
}

impl Type {
    /// The type of a row, of money in this currency.
    pub(crate) fn of(row: &'static TypeRow, currency: Option<String>) -> Type {
        Type { row, currency }
    }

    /// The type of a host's name.
    pub(crate) fn host_name() -> Type {
        Type { row: &DOMAIN, currency: None }
    }

    /// Its word in policies.
    pub(crate) fn name(&self) -> &'static str {
        self.row.name
    }

    /// The currency of an amount of money.
    pub(crate) fn currency(&self) -> Option<&str> {
        self.currency.as_deref()
    }

    /// A text in the one spelling of its type, to each kind of reader; none where it has only one.
    pub(crate) fn normal(&self, text: &str) -> Option<Readings> {
        self.row.normal.map(|normal| normal(text))
    }

    /// Whether comparators may look at this of it.
    pub(crate) fn has(&self, aspect: Aspect) -> bool {
        aspect == Aspect::Whole || self.row.aspects.contains(&aspect)
    }

    /// Whether it is a path, so that its meaning is looked up in the file system.
    pub(crate) fn is_path(&self) -> bool {
        self.has(Aspect::Path)
    }

    pub(crate) fn is_number(&self) -> bool {
        self.has(Aspect::Number)
    }

    /// No value of it is less.
    pub(crate) fn lowest(&self) -> Option<Decimal> {
        self.row.is_money.then_some(Decimal::ZERO)
    }

    /// Whether a rule may leave it open.
    pub(crate) fn is_prose(&self) -> bool {
        self.row.purpose == Purpose::Prose
    }

    /// Whether redaction may rewrite a value; `refined` where the declaration says what fits.
    pub(crate) fn is_rewritable(&self, refined: bool) -> bool {
        match self.row.purpose {
            Purpose::Prose => true,
            Purpose::Word => !refined,
            Purpose::Exact => false,
        }
    }
}

impl PartialEq for Type {
    fn eq(&self, other: &Type) -> bool {
        (self.row.name, &self.currency) == (other.row.name, &other.currency)
    }
}

impl ItemKind {
    /// Every kind with the word after `any_` and `every_`.
    pub(crate) const WORDS: [(&str, ItemKind); 5] = [
        ("string", ItemKind::String),
        ("path", ItemKind::Path),
        ("read", ItemKind::Read),
        ("write", ItemKind::Write),
        ("host", ItemKind::Host),
    ];

    /// The word after `any_` and `every_`.
    pub(crate) fn word(self) -> &'static str {
        ItemKind::WORDS.iter().find(|(_, own)| *own == self).map_or("", |(word, _)| *word)
    }

    /// One item in the words of messages, and what comparators may look at, beside the whole.
    pub(crate) fn nature(self) -> (&'static str, &'static [Aspect]) {
        match self {
            ItemKind::String => ("text", &[Aspect::Start, Aspect::Text]),
            ItemKind::Path | ItemKind::Read | ItemKind::Write => ("a path", &[Aspect::Text, Aspect::Path]),
            ItemKind::Host => ("a host", &[Aspect::Host]),
        }
    }
}
