//! What the tools are and do: `tools` and every `redact`.

use super::super::ast::{OnPlaceholder, PathDecl};
use super::super::comparators::Check;
use super::super::effects::{ToolEffect, ToolEffects};
use super::super::matchers::path_literal;
use super::super::source::fields::{
    self, Fields, entries, key_name, list, not_supported_yet, one_or_list, text, unknown_word,
};
use super::super::source::report::{At, Place, Report, one_of};
use super::super::source::yaml::{Key, Node, NodeKind};
use super::super::types::{TYPES, TYPES_LATER, Type};
use super::condition::{is_subject_word, read_type_checks};
use crate::call::TOOL_NAME_BYTES_MAX;
use crate::codes::policy as code;
use crate::decision::{ArgScope, Trust};
use crate::path::{Base, Resolve, Send};
use crate::redact::{Class, ClassSet, classes};

const RETURNS_HELP: &str = "`trusted`, `untrusted`, or a name of your own for where it comes from, such as `web`";
/// Arguments of a tool that entries repeat at most.
const RECORDED_ARGS_MAX: usize = 16;
/// Keys of `{type: path, ..}` that are no comparators.
pub(crate) const PATH_KEYS: [&str; 3] = ["base", "resolve", "send"];

/// A tool's declaration.
#[derive(Clone, Debug)]
pub(crate) struct ToolDecl {
    pub(crate) name: At<String>,
    /// `NAME: undeclared`: any arguments, does everything, returns untrusted.
    pub(crate) undeclared: bool,
    pub(crate) effects: ToolEffects,
    pub(crate) args: Vec<ArgDecl>,
    pub(crate) returns: At<Trust>,
    /// A fact's name and the path in the result.
    pub(crate) facts: Vec<(At<String>, String)>,
    pub(crate) redact: Redact,
    /// Arguments that entries repeat.
    pub(crate) record: Vec<At<String>>,
}

/// An argument's declaration.
#[derive(Clone, Debug)]
pub(crate) struct ArgDecl {
    pub(crate) name: At<String>,
    pub(crate) required: bool,
    pub(crate) ty: Type,
    /// Comparators of `{type: T, COMPARATOR..}`: what a value must satisfy to fit at all.
    pub(crate) fits: Vec<At<Check>>,
    /// How the tool reads it, if it is a path.
    pub(crate) path: PathDecl,
    /// What becomes of a call with a placeholder of the session in it.
    pub(crate) on_placeholder: OnPlaceholder,
}

/// What is redacted where.
#[derive(Clone, Debug, Default)]
pub(crate) struct Redact {
    pub(crate) args: Vec<At<(ArgScope, ClassSet)>>,
    pub(crate) result: ClassSet,
    pub(crate) place: Place,
}

pub(crate) fn read_all(node: &Node, report: &mut Report) -> Vec<ToolDecl> {
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
        let returns = At::new(node.place, Trust::Untrusted);
        let (effects, redact) = (ToolEffects::all(), Redact::default());
        return Some(ToolDecl {
            name,
            undeclared: true,
            effects,
            args: Vec::new(),
            returns,
            facts: Vec::new(),
            redact,
            record: Vec::new(),
        });
    }
    let mut fields = Fields::of(node, "a tool", &["extra_args", "label", "isolation", "schema"], report)?;
    let does = fields.require_or_help("does", "a tool", one_of(&ToolEffect::words()), report);
    let effects = does.map(|node| read_effects(node, report));
    let args = match fields.get("args") {
        Some(node) => {
            let args = entries(node, "`args`", report)?;
            report.each(args, |(key, node), report| read_arg(key, node, report))
        }
        None => Vec::new(),
    };
    let returns = fields.require_or_help("returns", "a tool", RETURNS_HELP, report);
    let returns = returns.and_then(|node| fields::name(node, "`returns`", report));
    let returns = returns.map(|label| At::new(label.place, Trust::labelled(label.value)));
    let facts = fields.get("facts").map(|node| read_facts(node, report)).unwrap_or_default();
    if let (Some(returns), Some(place)) = (&returns, fields.key_place("facts"))
        && returns.value != Trust::Trusted
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
    let record = fields.get("record").map(|node| read_record(node, &args, report)).unwrap_or_default();
    fields.finish("a tool", report);
    check_duplicate_args(&args, report);
    Some(ToolDecl { name, undeclared: false, effects: effects?, args, returns: returns?, facts, redact, record })
}

fn read_effects(node: &Node, report: &mut Report) -> ToolEffects {
    let effects = report.each(one_or_list(node), |item, report| {
        let word = text(item, "an effect", report)?;
        let effect = ToolEffect::named(&word.value);
        if effect.is_none() {
            unknown_word("effect", &word, ToolEffect::words(), &[], report);
        }
        effect
    });
    if one_or_list(node).is_empty() {
        report.error(code::WRONG_SHAPE, node.place, "a tool does something").help("a tool that only looks `reads`");
    }
    effects.into_iter().fold(ToolEffects::default(), ToolEffects::with)
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
    let find = |key: &str| entries.iter().find(|(own, _)| own.value == key).map(|(_, node)| node);
    let Some(word) = find("type") else {
        report
            .error(code::MISSING_KEY, node.place, "a type without `type`")
            .help(one_of(&TYPES.iter().map(|row| row.name).collect::<Vec<_>>()));
        return None;
    };
    let word = text(word, "`type`", report)?;
    let currency = match find("currency") {
        Some(node) => Some(text(node, "`currency`", report)?),
        None => None,
    };
    let ty = type_named(&word, currency, report)?;
    let path = read_path(entries, &ty, report)?;
    let on_placeholder = match find("on_placeholder") {
        Some(node) => word_of(node, "`on_placeholder`", &OnPlaceholder::WORDS, report)?,
        None => OnPlaceholder::default(),
    };
    let own = |key: &str| ["type", "currency", "on_placeholder"].contains(&key) || PATH_KEYS.contains(&key);
    let comparators: Vec<_> = entries.iter().filter(|(key, _)| !own(&key.value)).collect();
    let fits = read_type_checks(&comparators, report);
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
    for (key, node) in entries.iter().filter(|(key, _)| PATH_KEYS.contains(&key.value.as_str())) {
        if !ty.is_path() {
            let message = format!("`{}` in a type that is not path", key.value);
            report
                .error(code::UNKNOWN_KEY, key.place, message)
                .help("only a path is resolved and sent in a form of its own");
            return None;
        }
        match key.value.as_str() {
            "base" => path.base = read_base(node, report),
            "resolve" => path.resolve = word_of(node, "`resolve`", &Resolve::WORDS, report),
            _ => path.send = word_of(node, "`send`", &Send::WORDS, report),
        }
    }
    let find = |wanted: &str| entries.iter().find(|(key, _)| key.value == wanted);
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
    let row = TYPES.iter().find(|row| row.name == word.value);
    if let Some(currency) = &currency
        && !row.is_some_and(|row| row.is_money)
    {
        report.error(
            code::UNKNOWN_KEY,
            currency.place,
            format!("`currency` in a type that is not money: `{}`", word.value),
        );
        return None;
    }
    let Some(row) = row else {
        unknown_word("type", word, TYPES.iter().map(|row| row.name), TYPES_LATER, report);
        return None;
    };
    if !row.is_money {
        return Some(Type::of(row, None));
    }
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
    Some(Type::of(row, Some(currency.value)))
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
    report.each(entries, |(key, node), report| {
        let (name, path) = (key_name(key, "a fact's name", report), text(node, "a fact's source", report));
        let (name, path) = (name?, path?);
        let part = path.value.strip_prefix("result.").filter(|rest| !rest.split('.').any(str::is_empty));
        if part.is_none() {
            report
                .error(code::BAD_REFERENCE, path.place, format!("`{}` does not name a part of the result", path.value))
                .help("write `result.NAME`");
        }
        Some((name, part?.to_owned()))
    })
}

/// `{args: [NAME, ..]}`: declared arguments, each once.
fn read_record(node: &Node, args: &[ArgDecl], report: &mut Report) -> Vec<At<String>> {
    let Some(mut fields) = Fields::of(node, "`record`", &[], report) else { return Vec::new() };
    let named = fields.require("args", "`record`", report);
    let items = named.and_then(|node| list(node, "a list of arguments", report)).unwrap_or_default();
    let mut recorded: Vec<At<String>> = Vec::new();
    report.each(items, |item, report| {
        let name = text(item, "an argument's name", report)?;
        if !args.iter().any(|arg| arg.name.value == name.value) {
            report
                .error(code::UNKNOWN_ARGUMENT, name.place, format!("the tool takes no argument `{}`", name.value))
                .suggest(&name.value, args.iter().map(|arg| arg.name.value.as_str()));
        } else if recorded.iter().any(|earlier| earlier.value == name.value) {
            report.error(code::DUPLICATE_KEY, name.place, format!("`{}` is recorded already", name.value));
        } else {
            recorded.push(name);
        }
        Some(())
    });
    if recorded.len() > RECORDED_ARGS_MAX {
        let message = format!("`record` names more than {RECORDED_ARGS_MAX} arguments");
        report.error(code::WRONG_SHAPE, node.place, message).help("an entry of the log has 60 KiB for everything");
    }
    fields.finish("`record`", report);
    recorded
}

pub(crate) fn read_redact(node: &Node, report: &mut Report) -> Redact {
    let mut redact = Redact { place: node.place, ..Redact::default() };
    let Some(mut fields) = Fields::of(node, "`redact`", &[], report) else { return redact };
    if let Some(args) = fields.get("args") {
        let entries = entries(args, "`args`", report).unwrap_or_default();
        redact.args = report.each(entries, |(key, node), report| {
            let scope = match key.value.as_str() {
                "every_string" => ArgScope::EveryString,
                name => ArgScope::Named(name.to_owned()),
            };
            Some(At::new(key.place, (scope, read_classes(node, report))))
        });
    }
    if let Some(result) = fields.get("result") {
        if let NodeKind::Map(operators) = &result.kind {
            let word = operators.first().map_or("result by operator", |(key, _)| key.value.as_str());
            not_supported_yet(result.place, word, report);
        } else {
            redact.result = read_classes(result, report);
        }
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
    let classes = report.each(items, |item, report| {
        let word = text(item, "a class", report)?;
        let class = ClassSet::named(&word.value);
        if class.is_none() {
            let names = classes().map(Class::as_str).chain(["secret"]);
            unknown_word("class", &word, names, &[], report);
        }
        class
    });
    classes.into_iter().fold(ClassSet::NONE, ClassSet::union)
}
