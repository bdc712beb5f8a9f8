//! What the tools are and do: `tools` and every `redact`.

use super::super::matchers::path_literal;
use super::super::report::{At, Place, Report, one_of};
use super::super::source::{Key, Node, NodeKind};
use super::condition::{Check, is_subject_word, read_type_checks};
use super::fields::{Fields, entries, key_name, list, not_supported_yet, one_or_list, text};
use crate::call::TOOL_NAME_BYTES_MAX;
use crate::codes::policy as code;
use crate::decision::ArgScope;
use crate::path::{Base, PathArg, Resolve, Send};
use crate::redact::{CLASSES, ClassSet};

/// What a tool may do, by the policy's words.
pub(in super::super) const EFFECTS: &[&str] =
    &["reads", "writes", "deletes", "executes", "fetches", "sends", "pays", "deploys", "changes"];

pub(super) const TYPES: &[&str] =
    &["string", "text", "integer", "decimal", "money", "bool", "url", "path", "email", "domain"];
const RETURNS_HELP: &str = "`trusted`, `untrusted`, or a name of your own for where it comes from, such as `web`";
/// Keys of `{type: path, ..}` that are no comparators.
pub(super) const PATH_KEYS: [&str; 3] = ["base", "resolve", "send"];
pub(super) const TYPES_LATER: &[&str] = &["ip", "command", "sql", "list", "schema"];

/// A set of effects: bit `i` is `EFFECTS[i]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Effects(u16);

impl Effects {
    /// Every effect there is: what an undeclared tool does.
    pub(in super::super) fn all() -> Effects {
        Effects((1 << EFFECTS.len()) - 1)
    }

    pub(in super::super) fn named(name: &str) -> Option<Effects> {
        EFFECTS.iter().position(|effect| *effect == name).map(|index| Effects(1 << index))
    }

    pub(in super::super) fn union(self, other: Effects) -> Effects {
        Effects(self.0 | other.0)
    }

    /// Whether the named effect is among these.
    pub(in super::super) fn has(self, name: &str) -> bool {
        Effects::named(name).is_some_and(|effect| self.0 & effect.0 != 0)
    }

    /// Whether these are more than reading.
    pub(in super::super) fn beyond_reading(self) -> bool {
        EFFECTS.iter().any(|effect| *effect != "reads" && self.has(effect))
    }
}

/// A tool's declaration.
#[derive(Clone, Debug)]
pub(in super::super) struct ToolDecl {
    pub(in super::super) name: At<String>,
    /// `NAME: undeclared`: any arguments, does everything, returns untrusted.
    pub(in super::super) undeclared: bool,
    pub(in super::super) effects: Effects,
    pub(in super::super) args: Vec<ArgDecl>,
    pub(in super::super) returns: At<String>,
    /// A fact's name and the path in the result.
    pub(in super::super) facts: Vec<(At<String>, String)>,
    pub(in super::super) redact: Redact,
}

/// An argument's declaration.
#[derive(Clone, Debug)]
pub(in super::super) struct ArgDecl {
    pub(in super::super) name: At<String>,
    pub(in super::super) required: bool,
    pub(in super::super) ty: Type,
    /// Comparators of `{type: T, COMPARATOR..}`: what a value must satisfy to fit at all.
    pub(in super::super) fits: Vec<At<Check>>,
    /// How the tool reads it, if it is a path.
    pub(in super::super) path: PathDecl,
    /// What becomes of a call with a placeholder of the session in it.
    pub(in super::super) on_placeholder: OnPlaceholder,
}

/// What becomes of a call in which an argument holds a placeholder that its session was shown. The strictest of all documents
/// holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum OnPlaceholder {
    /// The tool gets the placeholder, and the intent says so.
    Send,
    /// Somebody has to approve that.
    Ask,
    /// It does not run.
    #[default]
    Refuse,
}

impl OnPlaceholder {
    /// Every word of the policy language with its meaning.
    pub(super) const WORDS: [(&str, OnPlaceholder); 3] =
        [("refuse", OnPlaceholder::Refuse), ("ask", OnPlaceholder::Ask), ("send", OnPlaceholder::Send)];
}

/// What a declaration says about how its tool reads a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct PathDecl {
    pub(in super::super) base: Option<Base>,
    pub(in super::super) resolve: Option<Resolve>,
    pub(in super::super) send: Option<Send>,
}

impl PathDecl {
    /// The argument of a tool with these effects. What deletes or moves acts on the name that it is given.
    pub(in super::super) fn of(&self, name: &str, effects: Effects) -> PathArg {
        let acts_on_names = if effects.has("deletes") { Resolve::Parent } else { Resolve::Links };
        PathArg {
            name: name.to_owned(),
            base: self.base.clone(),
            resolve: self.resolve.unwrap_or(acts_on_names),
            send: self.send.unwrap_or(Send::Absolute),
        }
    }
}

/// The type of an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Type {
    String,
    Text,
    Integer,
    Decimal,
    Money(String),
    Bool,
    Url,
    Path,
    Email,
    Domain,
}

impl Type {
    /// The type in the words of messages.
    pub(in super::super) fn noun(&self) -> &'static str {
        match self {
            Type::String | Type::Text => "text",
            Type::Integer => "an integer",
            Type::Decimal => "a number",
            Type::Money(_) => "an amount of money, a number from zero up",
            Type::Bool => "true or false",
            Type::Url => "a URL as text",
            Type::Path => "a path as text",
            Type::Email => "one e-mail address as text",
            Type::Domain => "a domain name as text",
        }
    }

    pub(in super::super) fn is_number(&self) -> bool {
        matches!(self, Type::Integer | Type::Decimal | Type::Money(_))
    }
}

/// What is redacted where.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Redact {
    pub(in super::super) args: Vec<At<(ArgScope, ClassSet)>>,
    pub(in super::super) result: ClassSet,
    pub(in super::super) place: Place,
}

pub(super) fn read_all(node: &Node, report: &mut Report) -> Vec<ToolDecl> {
    let entries = entries(node, "`tools`", report).unwrap_or_default();
    report.each(entries, |(key, node), report| read(key, node, report))
}

fn read(key: &Key, node: &Node, report: &mut Report) -> Option<ToolDecl> {
    let name = key_name(key, "a tool's name", report)?;
    if name.value.len() > TOOL_NAME_BYTES_MAX || name.value.contains(char::is_whitespace) {
        report.error(code::BAD_NAME, name.place, "a tool's name has no white space");
        return None;
    }
    if name.value == "anything" {
        report.error(code::BAD_NAME, name.place, "`anything` means every tool, so no tool is called so");
        return None;
    }
    if let NodeKind::Text(word) = &node.kind {
        if word != "undeclared" {
            report
                .error(code::UNKNOWN_WORD, node.place, format!("`{word}` does not describe a tool"))
                .help("write `undeclared`, or a map with `does`, `args` and `returns`");
        }
        let returns = At::new(node.place, "untrusted".to_owned());
        let (effects, redact) = (Effects::all(), Redact::default());
        return Some(ToolDecl {
            name,
            undeclared: true,
            effects,
            args: Vec::new(),
            returns,
            facts: Vec::new(),
            redact,
        });
    }
    let mut fields = Fields::of(node, "a tool", &["extra_args", "label", "isolation", "schema"], report)?;
    let does = fields.require_or_help("does", "a tool", one_of(EFFECTS), report);
    let effects = does.map(|node| read_effects(node, report));
    let args = match fields.get("args") {
        Some(node) => {
            let args = entries(node, "`args`", report)?;
            report.each(args, |(key, node), report| read_arg(key, node, report))
        }
        None => Vec::new(),
    };
    let returns = fields.require_or_help("returns", "a tool", RETURNS_HELP, report);
    let returns = returns.and_then(|node| super::name(node, "`returns`", report));
    let facts = fields.get("facts").map(|node| read_facts(node, report)).unwrap_or_default();
    if let (Some(returns), Some(place)) = (&returns, fields.key_place("facts"))
        && returns.value != "trusted"
    {
        report
            .error(
                code::UNTRUSTED_FACTS,
                place,
                format!("`{}` sets facts, and what it returns is not trusted", name.value),
            )
            .help("only a result that is `returns: trusted` may set facts");
    }
    let redact = fields.get("redact").map(|node| read_redact(node, report)).unwrap_or_default();
    fields.finish("a tool", report);
    check_duplicate_args(&args, report);
    Some(ToolDecl { name, undeclared: false, effects: effects?, args, returns: returns?, facts, redact })
}

fn read_effects(node: &Node, report: &mut Report) -> Effects {
    let mut effects = Effects::default();
    for item in one_or_list(node) {
        if report.is_full() {
            break;
        }
        let Some(word) = text(item, "an effect", report) else { continue };
        match Effects::named(&word.value) {
            Some(effect) => effects = effects.union(effect),
            None => {
                report
                    .error(code::UNKNOWN_WORD, word.place, format!("unknown effect `{}`", word.value))
                    .suggest(&word.value, EFFECTS.iter().copied());
            }
        }
    }
    if one_or_list(node).is_empty() {
        report.error(code::WRONG_SHAPE, node.place, "a tool does something").help("a tool that only looks `reads`");
    }
    effects
}

fn read_arg(key: &Key, node: &Node, report: &mut Report) -> Option<ArgDecl> {
    let mut name = key_name(key, "an argument's name", report)?;
    let required = match name.value.strip_suffix('?') {
        Some(optional) => {
            name.value = optional.to_owned();
            false
        }
        None => true,
    };
    if is_subject_word(&name.value) {
        let message = format!("`{}` means something else in a condition, so no argument is called so", name.value);
        report.error(code::BAD_NAME, name.place, message);
        return None;
    }
    if let NodeKind::Map(_) = node.kind {
        return read_refined_type(node, report).map(|decl| ArgDecl { name, required, ..decl });
    }
    let word = text(node, "a type", report)?;
    let ty = type_named(&word, None, report)?;
    Some(ArgDecl { name, required, ..ArgDecl::of(ty) })
}

/// `{type: T, COMPARATOR..}`.
fn read_refined_type(node: &Node, report: &mut Report) -> Option<ArgDecl> {
    let entries = entries(node, "a type", report)?;
    let find = |key: &str| entries.iter().find(|(own, _)| own.text == key).map(|(_, node)| node);
    let Some(word) = find("type") else {
        report.error(code::MISSING_KEY, node.place, "a type without `type`").help(one_of(TYPES));
        return None;
    };
    let word = text(word, "`type`", report)?;
    let currency = match find("currency") {
        Some(node) => Some(text(node, "`currency`", report)?),
        None => None,
    };
    if let Some(currency) = &currency
        && word.value != "money"
    {
        report.error(
            code::UNKNOWN_KEY,
            currency.place,
            format!("`currency` in a type that is not money: `{}`", word.value),
        );
        return None;
    }
    let ty = type_named(&word, currency, report)?;
    let path = read_path(entries, &ty, report)?;
    let on_placeholder = match find("on_placeholder") {
        Some(node) => word_of(node, "`on_placeholder`", &OnPlaceholder::WORDS, report)?,
        None => OnPlaceholder::default(),
    };
    let own = |key: &str| ["type", "currency", "on_placeholder"].contains(&key) || PATH_KEYS.contains(&key);
    let fits = read_type_checks(entries.iter().filter(|(key, _)| !own(&key.text)), report);
    Some(ArgDecl { fits, path, on_placeholder, ..ArgDecl::of(ty) })
}

impl ArgDecl {
    /// A required argument of this type, still without a name.
    fn of(ty: Type) -> ArgDecl {
        ArgDecl {
            name: At::new(Place::START, String::new()),
            required: true,
            ty,
            fits: Vec::new(),
            path: PathDecl::default(),
            on_placeholder: OnPlaceholder::default(),
        }
    }
}

/// What a path's type says beside its comparators.
fn read_path(entries: &[(Key, Node)], ty: &Type, report: &mut Report) -> Option<PathDecl> {
    let mut path = PathDecl::default();
    for (key, node) in entries.iter().filter(|(key, _)| PATH_KEYS.contains(&key.text.as_str())) {
        if *ty != Type::Path {
            let message = format!("`{}` in a type that is not path", key.text);
            report
                .error(code::UNKNOWN_KEY, key.place, message)
                .help("only a path is resolved and sent in a form of its own");
            return None;
        }
        match key.text.as_str() {
            "base" => path.base = read_base(node, report),
            "resolve" => path.resolve = word_of(node, "`resolve`", &Resolve::WORDS, report),
            _ => path.send = word_of(node, "`send`", &Send::WORDS, report),
        }
    }
    let find = |wanted: &str| entries.iter().find(|(key, _)| key.text == wanted);
    if let (Some(Send::Relative), None, Some((key, _))) = (path.send, find("base"), find("send")) {
        report
            .error(code::MISSING_KEY, key.place, "`send: relative` without `base`")
            .help("name the folder: `base: session.workspace`, or an absolute path");
    }
    Some(path)
}

fn read_base(node: &Node, report: &mut Report) -> Option<Base> {
    let base = text(node, "`base`", report)?;
    match base.value.strip_prefix("session.") {
        Some(name) if !name.is_empty() && !name.contains('.') => Some(Base::Session(name.to_owned())),
        None if path_literal(&base.value).is_some() => Some(Base::Folder(base.value)),
        _ => {
            report
                .error(
                    code::BAD_REFERENCE,
                    base.place,
                    format!("`{}` is no folder that paths can be relative to", base.value),
                )
                .help("write an absolute path without `.` and `..`, or what the host says: `session.workspace`");
            None
        }
    }
}

/// One of a list of words.
fn word_of<T: Copy>(node: &Node, what: &str, words: &[(&str, T)], report: &mut Report) -> Option<T> {
    let word = text(node, what, report)?;
    let found = words.iter().find(|(own, _)| *own == word.value).map(|(_, meaning)| *meaning);
    if found.is_none() {
        report
            .error(code::UNKNOWN_WORD, word.place, format!("{what} is not `{}`", word.value))
            .suggest(&word.value, words.iter().map(|(own, _)| *own));
    }
    found
}

fn type_named(word: &At<String>, currency: Option<At<String>>, report: &mut Report) -> Option<Type> {
    Some(match word.value.as_str() {
        "string" => Type::String,
        "text" => Type::Text,
        "integer" => Type::Integer,
        "decimal" => Type::Decimal,
        "bool" => Type::Bool,
        "url" => Type::Url,
        "path" => Type::Path,
        "email" => Type::Email,
        "domain" => Type::Domain,
        "money" => {
            let Some(currency) = currency else {
                report
                    .error(code::MISSING_KEY, word.place, "money without `currency`")
                    .help("write `{type: money, currency: USD}`");
                return None;
            };
            let code = &currency.value;
            if code.len() != 3 || !code.bytes().all(|b| b.is_ascii_uppercase()) {
                let message = format!("`{code}` is not a currency code of three capital letters");
                report.error(code::UNKNOWN_WORD, currency.place, message).help("write a code such as `USD`");
                return None;
            }
            Type::Money(currency.value)
        }
        later if TYPES_LATER.contains(&later) => {
            not_supported_yet(word.place, later, report);
            return None;
        }
        unknown => {
            report
                .error(code::UNKNOWN_WORD, word.place, format!("unknown type `{unknown}`"))
                .suggest(unknown, TYPES.iter().copied());
            return None;
        }
    })
}

fn check_duplicate_args(args: &[ArgDecl], report: &mut Report) {
    for (index, arg) in args.iter().enumerate() {
        if report.is_full() {
            break;
        }
        if args.iter().take(index).any(|earlier| earlier.name.value == arg.name.value) {
            let message = format!("the argument `{}` is declared twice, required and optional", arg.name.value);
            report.error(code::DUPLICATE_KEY, arg.name.place, message);
        }
    }
}

fn read_facts(node: &Node, report: &mut Report) -> Vec<(At<String>, String)> {
    let entries = entries(node, "`facts`", report).unwrap_or_default();
    let mut facts = Vec::new();
    for (key, node) in entries {
        if report.is_full() {
            break;
        }
        let (Some(name), Some(path)) = (key_name(key, "a fact's name", report), text(node, "a fact's source", report))
        else {
            continue;
        };
        match path.value.strip_prefix("result.").filter(|rest| !rest.split('.').any(str::is_empty)) {
            Some(rest) => facts.push((name, rest.to_owned())),
            None => {
                report
                    .error(
                        code::BAD_REFERENCE,
                        path.place,
                        format!("`{}` does not name a part of the result", path.value),
                    )
                    .help("write `result.NAME`");
            }
        }
    }
    facts
}

pub(super) fn read_redact(node: &Node, report: &mut Report) -> Redact {
    let mut redact = Redact { place: node.place, ..Redact::default() };
    let Some(mut fields) = Fields::of(node, "`redact`", &[], report) else { return redact };
    if let Some(args) = fields.get("args") {
        for (key, node) in entries(args, "`args`", report).unwrap_or_default() {
            if report.is_full() {
                break;
            }
            let scope = match key.text.as_str() {
                "every_string" => ArgScope::EveryString,
                name => ArgScope::Named(name.to_owned()),
            };
            let classes = read_classes(node, report);
            redact.args.push(At::new(key.place, (scope, classes)));
        }
    }
    if let Some(result) = fields.get("result") {
        redact.result = match &result.kind {
            NodeKind::Map(operators) => {
                let word = operators.first().map_or("result by operator", |(key, _)| key.text.as_str());
                not_supported_yet(result.place, word, report);
                ClassSet::NONE
            }
            _ => read_classes(result, report),
        };
    }
    fields.finish("`redact`", report);
    redact
}

fn read_classes(node: &Node, report: &mut Report) -> ClassSet {
    let Some(items) = list(node, "a list of classes", report) else { return ClassSet::NONE };
    if items.is_empty() {
        report
            .error(code::WRONG_SHAPE, node.place, "an empty list of classes")
            .help("without classes nothing is redacted");
    }
    let mut classes = ClassSet::NONE;
    for item in items {
        if report.is_full() {
            break;
        }
        let Some(word) = text(item, "a class", report) else { continue };
        match ClassSet::named(&word.value) {
            Some(named) => classes = classes.union(named),
            None => {
                let names = CLASSES.iter().map(|(_, name, _)| *name).chain(["secret"]);
                report
                    .error(code::UNKNOWN_WORD, word.place, format!("unknown class `{}`", word.value))
                    .suggest(&word.value, names);
            }
        }
    }
    classes
}
