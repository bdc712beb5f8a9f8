//! Policies: text -> meaning -> checked -> compiled -> decision.

use crate::call::FrozenCall;
use crate::decision::{Decision, Obligations, Verdict};
use crate::diagnostic::Diagnostic;
use crate::session::SessionView;
use crate::traits::{PolicySource, PolicyText};

/// A policy with everything it is bound by, compiled. Immutable; a reload makes another.
#[derive(Debug)]
pub struct Policy {
    /// The document's name.
    pub name: String,
    /// The document's version.
    pub version: String,
    /// SHA-256 over the core rules of this document and all it is bound by.
    pub digest: [u8; 32],
}

/// A policy that loaded, with what its author should know.
#[derive(Debug)]
pub struct Loaded {
    /// The policy.
    pub policy: Policy,
    /// Warnings; an error would have stopped the load.
    pub warnings: Vec<Diagnostic>,
}

/// What a face can honour. Binding a policy that can oblige more fails with a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Face {
    /// The face's name in messages: `python`, `mcp`.
    pub name: &'static str,
    /// Whether it can give the tool other arguments than the model wrote.
    pub rewrites_args: bool,
    /// Whether it can give the model another result than the tool wrote.
    pub rewrites_results: bool,
    /// Whether it can end a call that is overdue.
    pub deadline: bool,
    /// Whether it resolves symbolic links.
    pub resolves_paths: bool,
    /// Whether state outlives the process.
    pub durable_state: bool,
}

impl Policy {
    /// Loads a document and everything it is bound by; every finding comes at once, in order of place.
    pub fn load(_text: PolicyText, _source: &dyn PolicySource) -> Result<Loaded, Vec<Diagnostic>> {
        Err(Vec::new())
    }

    /// What this policy can oblige that the face cannot honour.
    pub fn exceeds(&self, _face: &Face) -> Vec<Diagnostic> {
        Vec::new()
    }

    /// Whether any rule, budget or fact needs state.
    pub fn uses_state(&self) -> bool {
        false
    }

    /// Whether a document declares this tool, under exactly this name.
    pub fn declares(&self, _tool: &str) -> bool {
        false
    }

    /// Whether some call of this tool could be allowed or asked for; what cannot is not shown in `tools/list`.
    pub fn can_open(&self, _tool: &str) -> bool {
        false
    }

    /// The tool's arguments of type path.
    pub fn path_args(&self, _tool: &str) -> Vec<&str> {
        Vec::new()
    }

    /// Whether redaction may rewrite this argument: free text is, what is executed (path, url, email, number, one of a
    /// list) never.
    pub fn rewrites_arg(&self, _tool: &str, _arg: &str) -> bool {
        false
    }

    /// Decides one call. Pure and total: every path ends in a decision.
    pub fn decide(&self, _call: &FrozenCall, _session: &SessionView<'_>) -> Decision {
        Decision {
            verdict: Verdict::Deny,
            malformed: false,
            code: "no_rule",
            reason: "no rule allows this call".to_owned(),
            rules: Vec::new(),
            obligations: Obligations::default(),
            asks: Vec::new(),
            charges: Vec::new(),
            sets_facts: Vec::new(),
            returns: "untrusted".to_owned(),
        }
    }
}
