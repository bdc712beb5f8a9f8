//! Conditions over one call: true, false, or an error with its reason.
//!
//! An error says what could not be known, naming arguments and references but never a value. Nothing here knows what a rule
//! does with an error; that is `decide`, in one place.

use super::super::ast::Subject;
use super::super::comparators::{Check, Seen};
use super::super::compiled::{CoreRule, Test};
use super::super::effects::ToolEffect;
use super::super::kleene::{Truth, all, any, not};
use super::super::references::Vouched;
use super::super::types::{Aspect, ItemKind, Type};
use super::context::Scene;
use crate::value::Value;

impl<'a> Scene<'a> {
    /// Whether a rule's conditions hold. A rule that selects the tool only because nothing rules it out is an error.
    pub(super) fn rule(&self, rule: &'a CoreRule, certain: bool) -> Truth {
        let selected = if certain { Ok(true) } else { Err("what the tool does is unknown".to_owned()) };
        let when = self.condition(&rule.when);
        let unless = rule.unless.as_ref().map_or(Ok(true), |unless| not(self.condition(unless)));
        all([selected, when, unless])
    }

    /// Whether all the tests hold.
    pub(crate) fn condition(&self, tests: &'a [Test]) -> Truth {
        all(tests.iter().map(|test| self.test(test)))
    }

    fn test(&self, test: &'a Test) -> Truth {
        self.holds(&test.subject, &test.checks)
    }

    /// Whether all the checks hold of a subject.
    pub(super) fn holds(&self, subject: &'a Subject, checks: &'a [Check]) -> Truth {
        let holds = |seen: &Seen<'_>| self.hold(seen, checks);
        match subject {
            Subject::Arg(name) => self.argument(name, checks),
            Subject::Reference(reference) => match self.references().resolve(reference)? {
                Vouched::Value(value) => holds(&Seen::Value(value, None)),
                Vouched::Fingerprint(fingerprint) => holds(&Seen::Fingerprint(fingerprint)),
            },
            // "Every one may be anything" says so aloud, and holds of what cannot be looked into as well.
            Subject::Quantified { every: true, .. } if checks.iter().all(Check::is_any) => Ok(true),
            Subject::Quantified { every, kind } => {
                let (known, unknown) = self.items(*kind);
                let each = known.iter().map(holds);
                let unknown = unknown.into_iter().map(Err);
                if *every { all(each.chain(unknown)) } else { any(each.chain(unknown)) }
            }
        }
    }

    fn argument(&self, name: &str, checks: &[Check]) -> Truth {
        if checks.iter().all(Check::is_any) {
            return Ok(true);
        }
        let Some(value) = self.arg(name) else {
            return Err(format!("the argument `{name}` is not given"));
        };
        let ty = self.tool.args.get(name).map(|arg| &arg.ty);
        let seen = self.seen(name, ty, value)?;
        let references = self.references();
        all(checks
            .iter()
            .map(|check| check.holds(&seen, &references).map_err(|why| format!("the argument `{name}`: {why}"))))
    }

    /// Whether a value fits checks that name no reference: the `{type: T, COMPARATOR..}` of an argument.
    pub(super) fn fits(&self, name: &str, ty: &Type, value: &Value, check: &Check) -> Truth {
        check.holds(&self.seen(name, Some(ty), value)?, &self.references())
    }

    /// An argument as comparators see it.
    fn seen<'v>(&self, name: &str, ty: Option<&'v Type>, value: &'v Value) -> Result<Seen<'v>, String>
    where
        'a: 'v,
    {
        match ty {
            Some(ty) if ty.is_path() => Ok(Seen::Path(self.path(name)?)),
            _ => Ok(Seen::Value(value, ty)),
        }
    }

    fn hold(&self, seen: &Seen<'_>, checks: &[Check]) -> Truth {
        let references = self.references();
        all(checks.iter().map(|check| check.holds(seen, &references)))
    }

    /// What `any_K` and `every_K` range over, and whether there may be more than that.
    fn items(&self, kind: ItemKind) -> (Vec<Seen<'a>>, Option<String>) {
        let tool = self.tool;
        let unknown = || tool.is_unknown().then(|| format!("what the tool {} is unknown", verb_of(kind)));
        match kind {
            ItemKind::String => {
                let mut strings = Strings::default();
                self.call.args().iter().for_each(|(_, value)| strings.collect(value));
                let opaque = strings.opaque.then(|| "an argument that cannot be looked into".to_owned());
                (strings.found.into_iter().map(Seen::Text).collect(), opaque)
            }
            ItemKind::Path => self.paths(tool.undeclared.then(|| "which arguments are paths is unknown".to_owned())),
            ItemKind::Read if tool.effects.has(ToolEffect::Reads) => self.paths(unknown()),
            ItemKind::Write if tool.effects.write() => self.paths(unknown()),
            ItemKind::Read | ItemKind::Write => (Vec::new(), unknown()),
            ItemKind::Host => self.hosts(unknown()),
        }
    }

    fn paths(&self, unknown: Option<String>) -> (Vec<Seen<'a>>, Option<String>) {
        let mut found = Vec::new();
        let mut error = unknown;
        for name in self.args_of(Type::is_path) {
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
        for name in self.args_of(|ty| ty.has(Aspect::Host)) {
            let ty = self.tool.args.get(name).map(|arg| &arg.ty);
            let Some(value) = self.arg(name) else { continue };
            match Seen::Value(value, ty).host() {
                Ok(host) => found.push(Seen::Host(host)),
                Err(why) => error = Some(format!("the argument `{name}`: {why}")),
            }
        }
        (found, error)
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
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::WideNumber(_) => {}
        }
    }
}

fn verb_of(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::String | ItemKind::Path | ItemKind::Read => "reads",
        ItemKind::Write => "writes",
        ItemKind::Host => "reaches",
    }
}
