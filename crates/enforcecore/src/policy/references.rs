//! What the host and trusted results vouch for: the values of `principal.*`, `session.*` and `fact.*`.

use super::ast::{Operand, Reference, Root};
use crate::audit::Keyer;
use crate::call::FrozenCall;
use crate::decision::SessionView;
use crate::value::{Map, Value};

/// A value the host or a trusted result vouches for.
#[derive(Clone, Debug)]
pub(crate) enum Vouched<'a> {
    Value(&'a Value),
    Fingerprint(&'a str),
}

/// Where references are looked up.
#[derive(Clone, Copy)]
pub(crate) struct References<'a> {
    pub(crate) call: &'a FrozenCall,
    pub(crate) session: &'a SessionView<'a>,
}

impl<'a> References<'a> {
    pub(crate) fn keyer(&self) -> &'a Keyer {
        self.session.keyer
    }

    /// The value of an operand.
    pub(crate) fn value<'v>(&self, operand: &'v Operand) -> Result<Vouched<'v>, String>
    where
        'a: 'v,
    {
        match operand {
            Operand::Literal(value) => Ok(Vouched::Value(value)),
            Operand::Reference(reference) => self.resolve(reference),
        }
    }

    /// A reference's value, as the host or the session's state vouches for it. Unset and null are the same: an error.
    pub(crate) fn resolve(&self, reference: &Reference) -> Result<Vouched<'a>, String> {
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

/// Exactly this key, dots and all, or a path through nested maps.
fn lookup<'a>(map: &'a Map, path: &str) -> Option<&'a Value> {
    let nested = || {
        let (first, rest) = path.split_once('.')?;
        map.get(first)?.at(rest)
    };
    map.get(path).or_else(nested).filter(|value| **value != Value::Null)
}
