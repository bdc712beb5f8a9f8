//! Comparators of the parts of a URL, and of the host that a URL or a domain names.

use super::super::ast::Operand;
use super::super::kleene::{Truth, agreed, all, any};
use super::super::matchers::HostName;
use super::super::types::Aspect;
use super::row::{Check, Comparator, Compared, Example, HostTest, Takes, WordForm};
use super::seen::{Seen, TWO_ADDRESSES};
use super::text;
use crate::value::Value;

pub(super) static ROWS: &[Comparator] = &[
    Comparator {
        name: "scheme",
        must: "have the scheme",
        on: Aspect::Url,
        takes: Takes::Words(WordForm {
            noun: "a scheme",
            form: "a scheme in lower case",
            fits: is_scheme,
            holds: has_scheme,
        }),
        doc: "the URL's scheme is one of these",
        example: Example { ty: "url", operand: "https", holds: "\"https://x.org\"", fails: Some("\"http://x.org\"") },
    },
    Comparator {
        name: "host",
        must: "have the host",
        on: Aspect::Host,
        takes: Takes::Host,
        doc: "the URL's or domain's host is",
        example: Example {
            ty: "url",
            operand: "{domain: x.org}",
            holds: "\"http://a.x.org\"",
            fails: Some("\"http://ax.org\""),
        },
    },
    Comparator {
        name: "port",
        must: "have the port",
        on: Aspect::Url,
        takes: Takes::Ports,
        doc: "the URL's port is, the scheme's own if none is written",
        example: Example { ty: "url", operand: "443", holds: "\"https://x.org\"", fails: Some("\"http://x.org\"") },
    },
    Comparator {
        name: "path",
        must: "have a path that must",
        on: Aspect::Url,
        takes: Takes::UrlPath,
        doc: "the URL's path is",
        example: Example { ty: "url", operand: "/a", holds: "\"http://x.org/a\"", fails: Some("\"http://x.org/b\"") },
    },
];

/// A scheme as RFC 3986, section 3.1, has it, in lower case.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b))
}

fn has_scheme(seen: &Seen<'_>, schemes: &[String]) -> Truth {
    let url = seen.url()?;
    Ok(schemes.iter().any(|own| own == url.scheme()))
}

pub(super) fn has_port(seen: &Seen<'_>, ports: &[u16]) -> Truth {
    Ok(seen.url()?.port().is_some_and(|port| ports.contains(&port)))
}

pub(super) fn has_host(seen: &Seen<'_>, wanted: &HostTest) -> Truth {
    let host = seen.host()?;
    match wanted {
        HostTest::OneOf(hosts) => any(hosts.iter().map(|wanted| is_host(&host, wanted))),
        HostTest::Domain(domain) => {
            let domain = domain.native();
            Ok(host.native().strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
        }
    }
}

/// Whether two hosts are one, to every kind of reader.
pub(super) fn is_host(host: &HostName, other: &HostName) -> Truth {
    let ([native, embedded], [other_native, other_embedded]) = (host.readings(), other.readings());
    agreed([Ok(native == other_native), Ok(embedded == other_embedded)], TWO_ADDRESSES)
}

pub(super) fn has_path(seen: &Seen<'_>, checks: &[Check]) -> Truth {
    let url = seen.url()?;
    let path = Value::from(url.path()?);
    all(checks.iter().map(|check| holds_of_path(&path, check)))
}

fn holds_of_path(path: &Value, check: &Check) -> Truth {
    let equals = |operand: &Operand| match operand {
        Operand::Literal(literal) => Ok(literal == path),
        Operand::Reference(_) => Err("a URL's path is not compared with a reference".to_owned()),
    };
    match &check.compared {
        Compared::Value(operand) => equals(operand),
        Compared::Values(operands) => any(operands.iter().map(equals)),
        Compared::Part(_, has, part) => text::has_part(&Seen::Value(path, None), *has, part),
        Compared::Pattern(pattern) => text::matches(&Seen::Value(path, None), pattern),
        Compared::True
        | Compared::List(_)
        | Compared::Same(_)
        | Compared::Bound(..)
        | Compared::Folder(_)
        | Compared::Words(..)
        | Compared::Host(_)
        | Compared::Ports(_)
        | Compared::UrlPath(_) => Err("a comparator that does not apply".to_owned()),
    }
}
