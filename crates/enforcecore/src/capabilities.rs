//! What a face can honour, by name.
//!
//! A policy can oblige a face to more than the face is able to do. Each such ability is a [`Capability`] with a row of its own in
//! `Capability::lack`; the policy finds which of them it needs and where, and binding it to a face without one of those is an error.

use crate::codes::Code;
use crate::codes::policy as code;

/// One thing that a policy can oblige a face to and that not every face can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Capability {
    /// Gives the tool other arguments than the model wrote.
    RewriteArguments,
    /// Gives the model another result than the tool wrote.
    RewriteResults,
    /// Ends a call that is overdue.
    EndAtDeadline,
    /// Resolves symbolic links.
    ResolvePaths,
    /// Keeps state beyond the process.
    KeepState,
}

impl Capability {
    /// The error where a face lacks it.
    pub(crate) const fn lack(self) -> Lack {
        let (code, action, way_out) = match self {
            Capability::RewriteArguments => (code::CANNOT_REDACT_ARGUMENTS, "redact arguments", None),
            Capability::RewriteResults => (code::CANNOT_REDACT_RESULTS, "redact results", None),
            Capability::EndAtDeadline => (
                code::CANNOT_END_CALLS,
                "end a call at its deadline",
                Some(
                    "write `withhold_only: true` beside the deadline if it is enough that a late result is withheld; the tool \
                     runs on",
                ),
            ),
            Capability::ResolvePaths => (code::CANNOT_RESOLVE_PATHS, "follow symbolic links in paths", None),
            Capability::KeepState => (code::NO_DURABLE_STATE, "keep state beyond the process", None),
        };
        Lack { code, action, way_out }
    }
}

/// The error of a face that lacks a capability.
pub(crate) struct Lack {
    /// The stable code.
    pub(crate) code: Code,
    /// What that face cannot do.
    pub(crate) action: &'static str,
    /// What a policy can say instead.
    pub(crate) way_out: Option<&'static str>,
}

/// A set of capabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities(u32);

impl Capabilities {
    /// The empty set.
    pub const NONE: Capabilities = Capabilities(0);
    /// Every capability, later ones too: for a face that runs nothing and only reports decisions. Others name what they can do.
    pub const ALL: Capabilities = Capabilities(u32::MAX);

    /// The set with this one too.
    pub const fn with(self, capability: Capability) -> Capabilities {
        Capabilities(self.0 | 1 << capability as u32)
    }

    /// The set without this one.
    pub const fn without(self, capability: Capability) -> Capabilities {
        Capabilities(self.0 & !(1 << capability as u32))
    }

    /// Whether it is in the set.
    pub const fn has(self, capability: Capability) -> bool {
        self.0 & 1 << capability as u32 != 0
    }
}

/// A way in for calls, with what it can honour. Binding a policy that can oblige it to more fails with a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Face {
    /// The face's name in messages: `python`, `mcp`.
    pub name: &'static str,
    /// What it can do.
    pub capabilities: Capabilities,
}

impl Face {
    /// A face with these capabilities.
    pub const fn new(name: &'static str, capabilities: Capabilities) -> Face {
        Face { name, capabilities }
    }

    /// Whether it can do this.
    pub const fn can(&self, capability: Capability) -> bool {
        self.capabilities.has(capability)
    }

    /// The same face, unable to do this.
    pub const fn without(self, capability: Capability) -> Face {
        Face { capabilities: self.capabilities.without(capability), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capability_is_in_exactly_the_sets_it_was_put_into() {
        let every = [
            (Capability::RewriteArguments, "EC0140"),
            (Capability::RewriteResults, "EC0141"),
            (Capability::EndAtDeadline, "EC0142"),
            (Capability::ResolvePaths, "EC0143"),
            (Capability::KeepState, "EC0144"),
        ];
        for (one, code) in every {
            assert_eq!(one.lack().code, code);
            let (alone, others) = (Capabilities::NONE.with(one), Capabilities::ALL.without(one));
            for (other, _) in every {
                assert_eq!((alone.has(other), others.has(other)), (other == one, other != one), "{one:?}, {other:?}");
            }
        }
    }
}
