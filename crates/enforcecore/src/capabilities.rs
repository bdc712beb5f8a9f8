//! What a face can honour, by name.
//!
//! A policy can oblige a face to more than the face is able to do. Each such ability is a row of [`CAPABILITIES`]; the policy
//! finds which of them it needs and where, and binding it to a face without one of those is an error.

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

/// A capability with the code and the words of the error where a face lacks it.
#[derive(Debug)]
pub struct CapabilityRow {
    /// Which.
    pub capability: Capability,
    /// The stable code.
    pub code: Code,
    /// What the face cannot do.
    pub action: &'static str,
}

/// Every capability, in the order in which they are reported.
pub const CAPABILITIES: &[CapabilityRow] = &[
    CapabilityRow {
        capability: Capability::RewriteArguments,
        code: code::CANNOT_REDACT_ARGUMENTS,
        action: "redact arguments",
    },
    CapabilityRow {
        capability: Capability::RewriteResults,
        code: code::CANNOT_REDACT_RESULTS,
        action: "redact results",
    },
    CapabilityRow {
        capability: Capability::EndAtDeadline,
        code: code::CANNOT_END_CALLS,
        action: "end a call at its deadline",
    },
    CapabilityRow {
        capability: Capability::ResolvePaths,
        code: code::CANNOT_RESOLVE_PATHS,
        action: "follow symbolic links in paths",
    },
    CapabilityRow {
        capability: Capability::KeepState,
        code: code::NO_DURABLE_STATE,
        action: "keep state beyond the process",
    },
];

/// A set of capabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities(u32);

const _: () = assert!(CAPABILITIES.len() <= u32::BITS as usize, "each capability has a bit of its own");

impl Capabilities {
    /// The empty set.
    pub const NONE: Capabilities = Capabilities(0);
    /// Every capability, for a face that only tells what a policy obliges to.
    pub const ALL: Capabilities = Capabilities((1 << CAPABILITIES.len()) - 1);

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
    fn each_capability_has_one_row_and_is_in_exactly_the_sets_it_was_put_into() {
        for (place, row) in CAPABILITIES.iter().enumerate() {
            assert_eq!(row.capability as usize, place, "{row:?}");
            let (alone, others) = (Capabilities::NONE.with(row.capability), Capabilities::ALL.without(row.capability));
            for other in CAPABILITIES {
                assert_eq!(alone.has(other.capability), other.capability == row.capability, "{row:?}, {other:?}");
                assert_eq!(others.has(other.capability), other.capability != row.capability, "{row:?}, {other:?}");
            }
        }
    }
}
