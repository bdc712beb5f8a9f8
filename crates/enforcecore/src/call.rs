//! A call: who, which tool, which arguments, in which session.
//!
//! A face builds a [`Call`]; the line freezes it into a [`FrozenCall`] before anything looks at it, and from there on nothing
//! changes under us: decided, committed to and executed are the same bytes (invariant 5). The canonical encoding is one
//! function, shared by approval, commitment, pinning and replay.

use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest, Sha256};

use crate::audit::hex;
use crate::codes::Code;
use crate::codes::call as code;
use crate::path::{DecidedPath, FrozenPath, PathArg, PathError, PathResolver};
use crate::redact::shown_error;
use crate::value::{Map, Value, ValueError, encode_bytes, encode_map};

/// Bytes in a tool name at most: the Model Context Protocol's limit.
pub const TOOL_NAME_BYTES_MAX: usize = 128;

/// How often a path is looked at before its tool starts. What is exchanged once is seen by one look; what is exchanged all the
/// time is as it was at every second one.
const LOOKS: usize = 4;

/// One attempted tool invocation, as a face saw it.
#[derive(Clone, Debug)]
pub struct Call {
    /// Names this attempt in the log and in every message.
    pub id: CallId,
    /// The call that made this one, if a tool called a tool.
    pub parent: Option<CallId>,
    /// The tool's name, from the protocol or the decorated function, never from the arguments.
    pub tool: String,
    /// The arguments by name.
    pub args: Map,
    /// Who calls, in which session, with what the host vouches for.
    pub context: Context,
}

/// What the authenticated host knows about a call. Never read from arguments or model output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The session, one run of an agent. Its name keys facts and budgets.
    pub session_id: String,
    /// On whose account; empty where there is one tenant.
    pub tenant: String,
    /// `principal.*`: who acts.
    pub principal: Map,
    /// `session.*`: workspace, cwd, ticket and the like.
    pub session: Map,
    /// `fact.*` the host sets itself; trusted tool results add theirs to the session's state.
    pub facts: Map,
}

/// A call's name: 128 random bits in lower-case hexadecimal, or what the operator's file gave.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(String);

impl CallId {
    /// A name from random bytes.
    pub fn from_random(bytes: [u8; 16]) -> CallId {
        CallId(hex(&bytes))
    }

    /// A name an operator's file gave; anything but 1 to 64 letters, digits, `-`, `_`, `.`, `:` is refused.
    pub fn from_text(text: &str) -> Option<CallId> {
        let fits = (1..=64).contains(&text.len());
        let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b));
        (fits && plain).then(|| CallId(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a call's paths are found when it is frozen.
#[derive(Clone, Copy)]
pub struct Freezing<'a> {
    /// The arguments that the policy types as paths, and how their tool reads them.
    pub paths: &'a [PathArg],
    /// Looks at the file system.
    pub resolver: &'a dyn PathResolver,
    /// Whether the tool can be given other arguments than the caller wrote.
    pub rewrites: bool,
}

/// A call that no longer changes: within limits, its path arguments resolved. Only [`FrozenCall::freeze`] makes one.
#[derive(Clone, Debug)]
pub struct FrozenCall {
    call: Call,
    paths: BTreeMap<String, FrozenPath>,
}

impl FrozenCall {
    /// Checks every limit, and resolves the arguments that the policy types as paths: from here on they are what was found.
    ///
    /// A path that cannot be resolved is not an error here: the decision refuses it.
    pub fn freeze(call: Call, how: Freezing<'_>) -> Result<FrozenCall, Malformed> {
        check_tool_name(&call.tool)?;
        let args = Value::Map(call.args);
        args.within_limits()?;
        let Value::Map(mut args) = args else {
            return Err(Malformed::new(code::NOT_AN_OBJECT, "arguments are not an object"));
        };
        let mut paths = BTreeMap::new();
        for arg in how.paths {
            let Some(Value::Text(text)) = args.get_mut(&arg.name) else { continue };
            let path = FrozenPath::of(arg.clone(), text, &call.context.session, how.rewrites, how.resolver);
            if let Some(sent) = path.sent() {
                sent.clone_into(text);
            }
            paths.insert(arg.name.clone(), path);
        }
        Ok(FrozenCall { call: Call { args, ..call }, paths })
    }

    /// The call as its caller made it, to be frozen under another policy.
    pub(crate) fn thaw(self) -> Call {
        let mut call = self.call;
        for (name, path) in &self.paths {
            call.args.insert(name.clone(), Value::from(path.asked()));
        }
        call
    }

    /// The call.
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// The tool's name.
    pub fn tool(&self) -> &str {
        &self.call.tool
    }

    /// The arguments.
    pub fn args(&self) -> &Map {
        &self.call.args
    }

    /// What a path argument came to.
    pub fn path(&self, arg: &str) -> Option<&Result<DecidedPath, PathError>> {
        self.paths.get(arg).map(|path| &path.decided)
    }

    /// What the caller wrote for a path argument.
    pub(crate) fn asked_path(&self, arg: &str) -> Option<&str> {
        self.paths.get(arg).map(FrozenPath::asked)
    }

    /// A path argument that no longer leads where it led when the call was decided.
    pub(crate) fn changed_path(&self, resolver: &dyn PathResolver) -> Option<&str> {
        let changed = || self.paths.iter().find(|(_, path)| !path.is_unchanged(resolver));
        (0..LOOKS).find_map(|_| changed()).map(|(name, _)| name.as_str())
    }

    /// The canonical call: typed, length-prefixed, domain-separated. The call's id is not part of it, so that a grant for a
    /// call holds for the same call made again.
    pub fn canonical(&self) -> Vec<u8> {
        let mut out = b"enforcecore/call/v1\0".to_vec();
        let context = &self.call.context;
        encode_bytes(b'T', context.tenant.as_bytes(), &mut out);
        encode_bytes(b'S', context.session_id.as_bytes(), &mut out);
        encode_map(&context.principal, &mut out);
        encode_map(&context.session, &mut out);
        encode_map(&context.facts, &mut out);
        encode_bytes(b'N', self.call.tool.as_bytes(), &mut out);
        encode_map(&self.call.args, &mut out);
        for (name, path) in &self.paths {
            encode_bytes(b'p', name.as_bytes(), &mut out);
            match &path.decided {
                Ok(path) => path.readings().for_each(|path| {
                    encode_bytes(b'P', path.as_os_str().as_encoded_bytes(), &mut out);
                }),
                Err(_) => encode_bytes(b'E', b"", &mut out),
            }
        }
        out
    }

    /// SHA-256 of the canonical call.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.canonical()).into()
    }

    /// The same call with other arguments (redacted ones); its caller decides it again.
    pub(crate) fn with_args(&self, args: Map) -> FrozenCall {
        FrozenCall { call: Call { args, ..self.call.clone() }, paths: self.paths.clone() }
    }
}

/// A call that is refused before any rule is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The stable code.
    pub code: Code,
    /// What is wrong, naming keys and types (as [`shown_name`](crate::redact::shown_name) does) but no value.
    pub message: String,
}

impl Malformed {
    /// A refusal with its code and message.
    pub fn new(code: Code, message: impl Into<String>) -> Malformed {
        Malformed { code, message: message.into() }
    }
}

impl From<ValueError> for Malformed {
    fn from(error: ValueError) -> Malformed {
        Malformed::new(error.code(), shown_error(&error))
    }
}

fn check_tool_name(name: &str) -> Result<(), Malformed> {
    let fits = (1..=TOOL_NAME_BYTES_MAX).contains(&name.len());
    let plain = !name.chars().any(|c| c.is_control() || c.is_whitespace());
    if fits && plain {
        Ok(())
    } else {
        Err(Malformed::new(
            code::BAD_TOOL_NAME,
            format!("a tool name is 1 to {TOOL_NAME_BYTES_MAX} bytes without spaces or control characters"),
        ))
    }
}
