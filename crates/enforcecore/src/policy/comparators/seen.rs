//! What a comparator is applied to, and the texts, hosts and URLs that are seen in it.

use std::borrow::Cow;
use std::path::Path;

use super::super::kleene::{Truth, agreed};
use super::super::matchers::{HostName, UrlView, host_of_text, normal_email};
use super::super::types::{NamePart, Type};
use crate::path::{DecidedPath, composed_text};
use crate::value::Value;

/// What a check is applied to.
#[derive(Clone, Debug)]
pub(crate) enum Seen<'a> {
    /// A value; its declared type, if it is an argument.
    Value(&'a Value, Option<&'a Type>),
    /// Text found anywhere inside the arguments.
    Text(&'a str),
    /// A path argument, with everything it may mean to its tool.
    Path(&'a DecidedPath),
    /// One of these meanings, in one spelling.
    Reading(Cow<'a, Path>, Spelling),
    /// A host in its one spelling.
    Host(HostName),
    /// A fact of which only the keyed fingerprint is kept.
    Fingerprint(&'a str),
}

/// How the characters of two paths are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// As they are.
    Written,
    /// Each composed (Unicode NFC), as some file systems and servers compare names.
    Composed,
}

impl Spelling {
    pub(super) fn of(self, text: &str) -> Cow<'_, str> {
        match self {
            Spelling::Written => Cow::Borrowed(text),
            Spelling::Composed => Cow::Owned(composed_text(text)),
        }
    }
}

/// Why the meanings of a path do not agree.
pub(super) const TWO_NAMES: &str = "a link and what it leads to, or two spellings of one name, are not alike here";
/// Why the meanings of a host do not agree.
pub(super) const TWO_ADDRESSES: &str = "an address that some networks take as another one";

impl Seen<'_> {
    /// Which part of its text is a name as it stands in DNS.
    pub(super) fn name_part(&self) -> NamePart {
        match self {
            Seen::Host(_) => NamePart::Whole,
            Seen::Value(_, ty) => ty.map_or(NamePart::None, |ty| ty.row.name_part),
            Seen::Text(_) | Seen::Path(_) | Seen::Reading(..) | Seen::Fingerprint(_) => NamePart::None,
        }
    }

    pub(super) fn spelling(&self) -> Spelling {
        match self {
            Seen::Reading(_, spelling) => *spelling,
            Seen::Value(..) | Seen::Text(_) | Seen::Path(_) | Seen::Host(_) | Seen::Fingerprint(_) => Spelling::Written,
        }
    }

    pub(super) fn text(&self) -> Result<Cow<'_, str>, String> {
        match self {
            Seen::Value(Value::Text(text), _) if self.name_part() == NamePart::BehindAt => {
                Ok(Cow::Owned(normal_email(text)))
            }
            Seen::Value(Value::Text(text), _) => Ok(Cow::Borrowed(text)),
            Seen::Text(text) => Ok(Cow::Borrowed(text)),
            Seen::Reading(path, _) => {
                path.to_str().map(Cow::Borrowed).ok_or_else(|| "a path that is not UTF-8".to_owned())
            }
            Seen::Path(_) => Err("a path with several meanings".to_owned()),
            Seen::Host(host) => Ok(Cow::Borrowed(host.native())),
            Seen::Fingerprint(_) => Err("only equality is known of a fact that a result set".to_owned()),
            Seen::Value(..) => Err("not text".to_owned()),
        }
    }

    /// Whether the text is so, to every kind of reader.
    pub(super) fn text_is(&self, test: impl Fn(&str) -> bool) -> Truth {
        match self.name_part() {
            NamePart::Whole => agreed(self.host()?.readings().map(|text| Ok(test(&text))), TWO_ADDRESSES),
            NamePart::BehindAt | NamePart::None => Ok(test(&self.text()?)),
        }
    }

    pub(super) fn url(&self) -> Result<UrlView, String> {
        Ok(UrlView::parse(&self.text()?)?)
    }

    pub(crate) fn host(&self) -> Result<HostName, String> {
        if let Seen::Host(host) = self {
            return Ok(host.clone());
        }
        match self.name_part() {
            NamePart::Whole => host_of_text(&self.text()?).ok_or_else(|| "not a domain name".to_owned()),
            NamePart::BehindAt | NamePart::None => Ok(self.url()?.host()?.clone()),
        }
    }
}
