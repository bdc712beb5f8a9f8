//! What a decision may look at: the call, its tool, and what its session vouches for.

use super::super::compiled::{Arg, Tool};
use super::super::references::References;
use super::super::types::Type;
use crate::call::FrozenCall;
use crate::codes::Code;
use crate::path::{Base, DecidedPath, PathError};
use crate::session::SessionView;
use crate::value::Value;

/// Everything a condition may look at.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) call: &'a FrozenCall,
    pub(crate) tool: &'a Tool,
    pub(crate) session: &'a SessionView<'a>,
}

impl<'a> Scene<'a> {
    /// What the host and trusted results vouch for.
    pub(crate) fn references(&self) -> References<'a> {
        References { call: self.call, session: self.session }
    }

    /// The argument, if it is given. A null that its type does not admit says that it is not: callers write one for what they
    /// leave out. It stays in the call, because the tool gets it.
    pub(crate) fn arg(&self, name: &str) -> Option<&'a Value> {
        let value = self.call.args().get(name)?;
        let says_nothing = |arg: &Arg| *value == Value::Null && !(arg.ty.row.admits)(value);
        (!self.tool.args.get(name).is_some_and(says_nothing)).then_some(value)
    }

    /// What a path argument came to, or why that cannot be known.
    pub(crate) fn path(&self, name: &str) -> Result<&'a DecidedPath, String> {
        match self.call.path(name) {
            Some(Ok(path)) => Ok(path),
            Some(Err(error)) => Err(format!("the path in `{name}`: {error}")),
            None => Err(format!("the path in `{name}` was not resolved")),
        }
    }

    /// The first path argument that cannot be decided, as the code and the reason of a refusal.
    pub(crate) fn undecided_path(&self) -> Option<(Code, String)> {
        self.args_of(Type::is_path).find_map(|name| {
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

    /// The arguments that are given and declared with such a type.
    pub(crate) fn args_of(&self, wanted: impl Fn(&Type) -> bool) -> impl Iterator<Item = &'a str> {
        let named = self.tool.args.iter().filter(move |(_, arg)| wanted(&arg.ty));
        named.map(|(name, _)| name.as_str()).filter(|name| self.arg(name).is_some())
    }
}
