//! Conditions over one call: true, false, or an error with its reason (Kleene).
//!
//! An error says what could not be known, naming arguments and references but never a value. Nothing here knows what a rule
//! does with an error; that is `decide`, in one place.

use std::borrow::Cow;
use std::path::Path;

use super::core::Tool;
use super::document::{Check, Comparison, HostTest, Kind, Operand, Reference, Root, Subject, Test, Type};
use super::matchers::{HostName, UrlView, host_literal, host_of_text, is_under, normal_email, path_literal};
use crate::call::FrozenCall;
use crate::codes::Code;
use crate::path::{Base, DecidedPath, PathError, composed, composed_text};
use crate::session::{Keyer, SessionView};
use crate::value::{Map, Value};

/// True, false, or why nobody can say.
pub(super) type Truth = Result<bool, String>;

/// Everything a condition may look at.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) call: &'a FrozenCall,
    pub(super) tool: &'a Tool,
    pub(super) session: &'a SessionView<'a>,
}

/// What a check is applied to.
#[derive(Clone, Debug)]
enum Seen<'a> {
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
enum Spelling {
    /// As they are.
    Written,
    /// Each composed (Unicode NFC), as some file systems and servers compare names.
    Composed,
}

impl Spelling {
    fn of(self, text: &str) -> Cow<'_, str> {
        match self {
            Spelling::Written => Cow::Borrowed(text),
            Spelling::Composed => Cow::Owned(composed_text(text)),
        }
    }
}

/// A value the host or a trusted result vouches for.
#[derive(Clone, Debug)]
pub(super) enum Vouched<'a> {
    Value(&'a Value),
    Fingerprint(&'a str),
}

/// Kleene's "and": false wins over error, error over true.
pub(super) fn all(truths: impl IntoIterator<Item = Truth>) -> Truth {
    let mut error = None;
    for truth in truths {
        match truth {
            Ok(false) => return Ok(false),
            Ok(true) => {}
            Err(why) => {
                error.get_or_insert(why);
            }
        }
    }
    error.map_or(Ok(true), Err)
}

/// Kleene's "or": true wins over error, error over false.
pub(super) fn any(truths: impl IntoIterator<Item = Truth>) -> Truth {
    all(truths.into_iter().map(not)).map(|truth| !truth)
}

/// Kleene's "not": an error stays one.
pub(super) fn not(truth: Truth) -> Truth {
    truth.map(|truth| !truth)
}

/// Why the meanings of a path do not agree.
const TWO_NAMES: &str = "a link and what it leads to, or two spellings of one name, are not alike here";
/// Why the meanings of a host do not agree.
const TWO_ADDRESSES: &str = "an address that some networks take as another one";

/// Why a pattern does not decide about a name, which has no case.
const CAPITALS: &str = "a pattern in capital letters, and a name in small ones";

/// What several meanings of one thing agree on. Where they do not agree it is an error, which opens nothing and brakes.
fn agreed(truths: impl IntoIterator<Item = Truth>, why: &str) -> Truth {
    let mut truths = truths.into_iter();
    let first = truths.next().unwrap_or(Ok(true))?;
    for truth in truths {
        if truth? != first {
            return Err(why.to_owned());
        }
    }
    Ok(first)
}

impl<'a> Scene<'a> {
    /// Whether all the tests hold.
    pub(super) fn condition(&self, tests: &'a [Test]) -> Truth {
        all(tests.iter().map(|test| self.test(test)))
    }

    fn test(&self, test: &'a Test) -> Truth {
        let checks = || test.checks.iter().map(|check| &check.value);
        match &test.subject.value {
            Subject::Arg(name) => self.argument(name, checks),
            Subject::Reference(reference) => {
                let seen = match self.resolve(reference)? {
                    Vouched::Value(value) => Seen::Value(value, None),
                    Vouched::Fingerprint(fingerprint) => Seen::Fingerprint(fingerprint),
                };
                all(checks().map(|check| self.check(&seen, check)))
            }
            // "Every one may be anything" says so aloud, and holds of what cannot be looked into as well.
            Subject::Quantified { every: true, .. } if checks().all(|check| matches!(check, Check::Any)) => Ok(true),
            Subject::Quantified { every, kind } => {
                let (known, unknown) = self.items(*kind);
                let each = known.into_iter().map(|seen| all(checks().map(|check| self.check(&seen, check))));
                let unknown = unknown.into_iter().map(Err);
                if *every { all(each.chain(unknown)) } else { any(each.chain(unknown)) }
            }
        }
    }

    fn argument<I: Iterator<Item = &'a Check>>(&self, name: &str, checks: impl Fn() -> I) -> Truth {
        if checks().all(|check| matches!(check, Check::Any)) {
            return Ok(true);
        }
        let Some(value) = self.call.args().get(name) else {
            return Err(format!("the argument `{name}` is not given"));
        };
        let ty = self.tool.args.get(name).map(|arg| &arg.ty);
        let seen = match ty {
            Some(Type::Path) => Seen::Path(self.path(name)?),
            _ => Seen::Value(value, ty),
        };
        all(checks().map(|check| self.check(&seen, check).map_err(|why| format!("the argument `{name}`: {why}"))))
    }

    /// What a path argument came to, or why that cannot be known.
    pub(super) fn path(&self, name: &str) -> Result<&'a DecidedPath, String> {
        match self.call.path(name) {
            Some(Ok(path)) => Ok(path),
            Some(Err(error)) => Err(format!("the path in `{name}`: {error}")),
            None => Err(format!("the path in `{name}` was not resolved")),
        }
    }

    /// The first path argument that cannot be decided, as the code and the reason of a refusal.
    pub(super) fn undecided_path(&self) -> Option<(Code, String)> {
        self.args_of(|ty| *ty == Type::Path).find_map(|name| {
            let error = match self.call.path(name) {
                // A face without a resolver knows nothing of any path: only rules that look at one are concerned.
                Some(Ok(_) | Err(PathError::NoResolver)) => return None,
                Some(Err(error)) => error.clone(),
                None => PathError::Unreadable("the policy changed".to_owned()),
            };
            let base = self.tool.args.get(name).and_then(|arg| arg.path.base.as_ref());
            let way_out = match (&error, base) {
                (PathError::Relative, Some(Base::Session(base))) => {
                    format!("; its base `session.{base}` is not set to an absolute path")
                }
                (PathError::Relative, _) => format!(
                    "; give the absolute path, or say in the policy what it is relative to: `{name}: {{type: path, base: \
                     session.workspace}}`"
                ),
                _ => String::new(),
            };
            Some((error.code(), format!("the path in `{name}`: {error}{way_out}")))
        })
    }

    /// What `any_K` and `every_K` range over, and whether there may be more than that.
    fn items(&self, kind: Kind) -> (Vec<Seen<'a>>, Option<String>) {
        let tool = self.tool;
        let unknown = || tool.is_unknown().then(|| format!("what the tool {} is unknown", verb_of(kind)));
        match kind {
            Kind::String => {
                let mut strings = Strings::default();
                self.call.args().iter().for_each(|(_, value)| strings.collect(value));
                let opaque = strings.opaque.then(|| "an argument that cannot be looked into".to_owned());
                (strings.found.into_iter().map(Seen::Text).collect(), opaque)
            }
            Kind::Path => self.paths(tool.undeclared.then(|| "which arguments are paths is unknown".to_owned())),
            Kind::Read if tool.effects.has("reads") => self.paths(unknown()),
            Kind::Write if ["writes", "deletes", "changes"].iter().any(|effect| tool.effects.has(effect)) => {
                self.paths(unknown())
            }
            Kind::Read | Kind::Write => (Vec::new(), unknown()),
            Kind::Host => self.hosts(unknown()),
        }
    }

    fn paths(&self, unknown: Option<String>) -> (Vec<Seen<'a>>, Option<String>) {
        let mut found = Vec::new();
        let mut error = unknown;
        for name in self.args_of(|ty| *ty == Type::Path) {
            match self.path(name) {
                Ok(path) => found.push(Seen::Path(path)),
                Err(why) => error = Some(why),
            }
        }
        (found, error)
    }

    fn hosts(&self, unknown: Option<String>) -> (Vec<Seen<'a>>, Option<String>) {
        let mut found = Vec::new();
        let mut error = unknown;
        for name in self.args_of(|ty| matches!(ty, Type::Url | Type::Domain)) {
            let ty = self.tool.args.get(name).map(|arg| &arg.ty);
            let Some(value) = self.call.args().get(name) else { continue };
            match host(&Seen::Value(value, ty)) {
                Ok(host) => found.push(Seen::Host(host)),
                Err(why) => error = Some(format!("the argument `{name}`: {why}")),
            }
        }
        (found, error)
    }

    /// The arguments of the call that are declared with such a type.
    pub(super) fn args_of(&self, wanted: impl Fn(&Type) -> bool) -> impl Iterator<Item = &'a str> {
        let call = self.call;
        let named = self.tool.args.iter().filter(move |(_, arg)| wanted(&arg.ty));
        named.map(|(name, _)| name.as_str()).filter(move |name| call.args().contains_key(*name))
    }

    fn check(&self, seen: &Seen<'_>, check: &Check) -> Truth {
        match (seen, check) {
            (_, Check::Any) => Ok(true),
            (Seen::Path(path), _) => self.check_path(path, check),
            _ => self.check_one(seen, check),
        }
    }

    /// A path is what its tool may take it for: the name and where it leads, as written and composed.
    fn check_path(&self, path: &DecidedPath, check: &Check) -> Truth {
        let readings = path.readings().flat_map(|reading| {
            let composed = composed(reading).map(|path| Seen::Reading(Cow::Owned(path), Spelling::Composed));
            [Some(Seen::Reading(Cow::Borrowed(reading), Spelling::Written)), composed].into_iter().flatten()
        });
        let truths = readings.map(|reading| self.check_one(&reading, check));
        agreed(truths, TWO_NAMES)
    }

    fn check_one(&self, seen: &Seen<'_>, check: &Check) -> Truth {
        match check {
            Check::Any => Ok(true),
            Check::Equals(operand) => self.equals(seen, operand),
            Check::SameAs(reference) => same(self.session.keyer, seen, &self.resolve(reference)?),
            Check::In(operands) => any(operands.iter().map(|operand| self.equals(seen, operand))),
            Check::InList(reference) => match self.resolve(reference)? {
                Vouched::Value(Value::List(items)) => {
                    any(items.iter().map(|item| same(self.session.keyer, seen, &Vouched::Value(item))))
                }
                _ => Err(format!("`{reference}` is not a list")),
            },
            Check::Compare(comparison, operand) => {
                let bound = match operand {
                    Operand::Literal(value) => Vouched::Value(value),
                    Operand::Reference(reference) => self.resolve(reference)?,
                };
                compare(seen, *comparison, &bound)
            }
            Check::Under(operand) => self.under(seen, operand),
            _ => constant(seen, check),
        }
    }

    fn equals(&self, seen: &Seen<'_>, operand: &Operand) -> Truth {
        let keyer = self.session.keyer;
        match operand {
            Operand::Literal(value) => same(keyer, seen, &Vouched::Value(value)),
            Operand::Reference(reference) => same(keyer, seen, &self.resolve(reference)?),
        }
    }

    /// The path was resolved when the call was frozen; the root is taken as the host gives it, so it names the real folder.
    fn under(&self, seen: &Seen<'_>, operand: &Operand) -> Truth {
        let Seen::Reading(path, spelling) = seen else { return Err("not a path".to_owned()) };
        let root = match operand {
            Operand::Literal(value) => value,
            Operand::Reference(reference) => match self.resolve(reference)? {
                Vouched::Value(value) => value,
                Vouched::Fingerprint(_) => return Err(format!("only equality is known of `{reference}`")),
            },
        };
        let root = root.as_text().and_then(path_literal).ok_or("the root is not an absolute path")?;
        let root = root.to_str().map(|root| spelling.of(root)).unwrap_or_default();
        Ok(is_under(path, Path::new(&*root)))
    }

    /// A reference's value, as the host or the session's state vouches for it. Unset and null are the same: an error.
    pub(super) fn resolve(&self, reference: &Reference) -> Result<Vouched<'a>, String> {
        let context = &self.call.call().context;
        let unset = || format!("`{reference}` is not set");
        match reference.root {
            Root::Principal => lookup(&context.principal, &reference.path).map(Vouched::Value).ok_or_else(unset),
            Root::Session => lookup(&context.session, &reference.path).map(Vouched::Value).ok_or_else(unset),
            Root::Fact => {
                let host = lookup(&context.facts, &reference.path);
                let kept = self.session.facts.get(&reference.path);
                match (host, kept) {
                    (_, Some(fact)) if fact.contradicted => {
                        Err(format!("two results set `{reference}` to different values"))
                    }
                    (Some(value), Some(fact)) if self.session.keyer.fingerprint(value) != fact.fingerprint => {
                        Err(format!("the host and a result set `{reference}` to different values"))
                    }
                    (Some(value), _) => Ok(Vouched::Value(value)),
                    (None, Some(fact)) => Ok(Vouched::Fingerprint(&fact.fingerprint)),
                    (None, None) => Err(unset()),
                }
            }
        }
    }
}

/// Whether a value fits checks that name no reference: the `{type: T, COMPARATOR..}` of an argument.
pub(super) fn fits(scene: &Scene<'_>, name: &str, ty: &Type, value: &Value, check: &Check) -> Truth {
    let seen = match ty {
        Type::Path => Seen::Path(scene.path(name)?),
        _ => Seen::Value(value, Some(ty)),
    };
    scene.check(&seen, check)
}

/// A literal against one check that names no reference; `None` where the check is not of that kind.
pub(super) fn literal_fits(value: &Value, ty: Option<&Type>, check: &Check) -> Option<Truth> {
    let seen = Seen::Value(value, ty);
    match check {
        Check::Compare(comparison, Operand::Literal(bound)) => {
            Some(compare(&seen, *comparison, &Vouched::Value(bound)))
        }
        Check::Prefix(_) | Check::Suffix(_) | Check::Pattern(_) if ty.is_none_or(|ty| *ty != Type::Path) => {
            Some(constant(&seen, check))
        }
        _ => None,
    }
}

/// Exactly this key, dots and all, or a path through nested maps.
fn lookup<'a>(map: &'a Map, path: &str) -> Option<&'a Value> {
    let nested = || {
        let (first, rest) = path.split_once('.')?;
        map.get(first)?.at(rest)
    };
    map.get(path).or_else(nested).filter(|value| **value != Value::Null)
}

fn same(keyer: &Keyer, seen: &Seen<'_>, other: &Vouched<'_>) -> Truth {
    match (seen, other) {
        (Seen::Fingerprint(a), Vouched::Fingerprint(b)) => Ok(a == b),
        (Seen::Fingerprint(fingerprint), Vouched::Value(value)) => Ok(keyer.fingerprint(value) == *fingerprint),
        (Seen::Value(value, ty), Vouched::Fingerprint(fingerprint)) => {
            let is_it = |value: &Value| keyer.fingerprint(value) == *fingerprint;
            if is_it(value) {
                Ok(true)
            } else {
                agreed(normal(value, *ty)?.map(|value| Ok(is_it(&value))), TWO_ADDRESSES)
            }
        }
        (Seen::Value(value, ty), Vouched::Value(other)) => {
            let ([native, embedded], [other_native, other_embedded]) = (normal(value, *ty)?, normal(other, *ty)?);
            agreed([Ok(native == other_native), Ok(embedded == other_embedded)], TWO_ADDRESSES)
        }
        (Seen::Text(text), Vouched::Value(other)) => Ok(other.as_text() == Some(text)),
        (Seen::Text(text), Vouched::Fingerprint(fingerprint)) => {
            Ok(keyer.fingerprint(&Value::from(*text)) == *fingerprint)
        }
        (Seen::Reading(path, spelling), Vouched::Value(Value::Text(text))) => {
            Ok(**path == *Path::new(&*spelling.of(text)))
        }
        (Seen::Host(host), Vouched::Value(Value::Text(text))) => {
            Ok(is_host(host, &host_literal(text).ok_or("not compared with a host")?)?)
        }
        (Seen::Host(host), Vouched::Fingerprint(fingerprint)) => {
            agreed(host.readings().map(|host| Ok(keyer.fingerprint(&Value::from(host)) == *fingerprint)), TWO_ADDRESSES)
        }
        (Seen::Reading(path, _), Vouched::Fingerprint(fingerprint)) => {
            let text = path.to_str().ok_or("a path that is not UTF-8")?;
            Ok(keyer.fingerprint(&Value::from(text)) == *fingerprint)
        }
        (Seen::Path(_) | Seen::Reading(..) | Seen::Host(_), _) => Err("not compared with text".to_owned()),
    }
}

/// The value in the one spelling of its type, to each kind of reader.
fn normal<'v>(value: &'v Value, ty: Option<&Type>) -> Result<[Cow<'v, Value>; 2], String> {
    let owned = |readings: [String; 2]| readings.map(|text| Cow::Owned(Value::Text(text)));
    Ok(match (value, ty) {
        (Value::Text(text), Some(Type::Email)) => owned([normal_email(text), normal_email(text)]),
        (Value::Text(text), Some(Type::Domain)) => owned(host_literal(text).ok_or("not a domain name")?.readings()),
        (Value::Text(text), Some(Type::Url)) => owned(UrlView::parse(text)?.readings()),
        _ => [Cow::Borrowed(value), Cow::Borrowed(value)],
    })
}

/// Whether two hosts are one, to every kind of reader.
fn is_host(host: &HostName, other: &HostName) -> Truth {
    let ([native, embedded], [other_native, other_embedded]) = (host.readings(), other.readings());
    agreed([Ok(native == other_native), Ok(embedded == other_embedded)], TWO_ADDRESSES)
}

fn compare(seen: &Seen<'_>, comparison: Comparison, bound: &Vouched<'_>) -> Truth {
    let Seen::Value(Value::Number(number), _) = seen else { return Err("not a number".to_owned()) };
    let Vouched::Value(Value::Number(bound)) = bound else { return Err("the bound is not a number".to_owned()) };
    let order = number.decimal().cmp(&bound.decimal());
    Ok(match comparison {
        Comparison::AtLeast => order.is_ge(),
        Comparison::AtMost => order.is_le(),
        Comparison::MoreThan => order.is_gt(),
        Comparison::LessThan => order.is_lt(),
    })
}

/// The checks that name no reference and no number.
fn constant(seen: &Seen<'_>, check: &Check) -> Truth {
    match check {
        Check::Prefix(prefix) => text_is(seen, |text| text.starts_with(&*spelling(seen).of(prefix))),
        Check::Suffix(suffix) => text_is(seen, |text| text.ends_with(&*spelling(seen).of(suffix))),
        Check::Pattern(pattern) => match spelling(seen) {
            Spelling::Written => {
                let written = text_is(seen, |text| pattern.is_match(text));
                let ignores_case = match seen {
                    Seen::Host(_) | Seen::Value(_, Some(Type::Domain)) => true,
                    Seen::Value(_, Some(Type::Email)) => pattern.has_capital_host(),
                    _ => false,
                };
                if !ignores_case {
                    return written;
                }
                agreed([written, text_is(seen, |text| pattern.is_match_uncased(text))], CAPITALS)
            }
            Spelling::Composed => text_is(seen, |text| pattern.is_match_composed(text)),
        },
        Check::Host(wanted) => {
            let host = host(seen)?;
            match wanted {
                HostTest::OneOf(hosts) => any(hosts.iter().map(|wanted| is_host(&host, wanted))),
                HostTest::Domain(domain) => {
                    let domain = domain.native();
                    Ok(host.native().strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
                }
            }
        }
        Check::Scheme(schemes) => {
            let url = url(seen)?;
            Ok(schemes.iter().any(|own| own == url.scheme()))
        }
        Check::Port(ports) => Ok(url(seen)?.port().is_some_and(|port| ports.contains(&port))),
        Check::UrlPath(checks) => {
            let url = url(seen)?;
            let path = Value::from(url.path()?);
            all(checks.iter().map(|check| url_path(&path, &check.value)))
        }
        _ => Err("a comparator that does not apply".to_owned()),
    }
}

fn url_path(path: &Value, check: &Check) -> Truth {
    let equals = |operand: &Operand| match operand {
        Operand::Literal(literal) => Ok(literal == path),
        Operand::Reference(_) => Err("a URL's path is not compared with a reference".to_owned()),
    };
    match check {
        Check::Equals(operand) => equals(operand),
        Check::In(operands) => any(operands.iter().map(equals)),
        _ => constant(&Seen::Value(path, None), check),
    }
}

/// Whether the text is so, to every kind of reader.
fn text_is(seen: &Seen<'_>, test: impl Fn(&str) -> bool) -> Truth {
    match seen {
        Seen::Host(_) | Seen::Value(_, Some(Type::Domain)) => {
            agreed(host(seen)?.readings().map(|text| Ok(test(&text))), TWO_ADDRESSES)
        }
        _ => Ok(test(&text(seen)?)),
    }
}

fn text<'s>(seen: &'s Seen<'_>) -> Result<Cow<'s, str>, String> {
    match seen {
        Seen::Value(Value::Text(text), Some(Type::Email)) => Ok(Cow::Owned(normal_email(text))),
        Seen::Value(Value::Text(text), _) => Ok(Cow::Borrowed(text)),
        Seen::Text(text) => Ok(Cow::Borrowed(text)),
        Seen::Reading(path, _) => path.to_str().map(Cow::Borrowed).ok_or_else(|| "a path that is not UTF-8".to_owned()),
        Seen::Path(_) => Err("a path with several meanings".to_owned()),
        Seen::Host(host) => Ok(Cow::Borrowed(host.native())),
        Seen::Fingerprint(_) => Err("only equality is known of a fact that a result set".to_owned()),
        Seen::Value(..) => Err("not text".to_owned()),
    }
}

fn spelling(seen: &Seen<'_>) -> Spelling {
    match seen {
        Seen::Reading(_, spelling) => *spelling,
        _ => Spelling::Written,
    }
}

fn url(seen: &Seen<'_>) -> Result<UrlView, String> {
    Ok(UrlView::parse(&text(seen)?)?)
}

fn host(seen: &Seen<'_>) -> Result<HostName, String> {
    match seen {
        Seen::Host(host) => Ok(host.clone()),
        Seen::Value(_, Some(Type::Domain)) => host_of_text(&text(seen)?).ok_or_else(|| "not a domain name".to_owned()),
        _ => Ok(url(seen)?.host()?.clone()),
    }
}

/// Every text inside a value, the keys of nested maps included: a tool that takes a map reads them too.
#[derive(Default)]
struct Strings<'a> {
    found: Vec<&'a str>,
    opaque: bool,
}

impl<'a> Strings<'a> {
    fn collect(&mut self, value: &'a Value) {
        match value {
            Value::Text(text) => self.found.push(text),
            Value::List(items) => items.iter().for_each(|item| self.collect(item)),
            Value::Map(map) => map.iter().for_each(|(key, item)| {
                self.found.push(key);
                self.collect(item);
            }),
            Value::Bytes(_) | Value::Opaque(_) => self.opaque = true,
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

fn verb_of(kind: Kind) -> &'static str {
    match kind {
        Kind::String | Kind::Path | Kind::Read => "reads",
        Kind::Write => "writes",
        Kind::Host => "reaches",
    }
}
