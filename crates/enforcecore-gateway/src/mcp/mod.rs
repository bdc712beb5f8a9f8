//! The Model Context Protocol's stdio transport, proxied (`modelcontextprotocol.io/specification`).
//!
//! `outline` and `frame` (lines to messages) -> `stage` (what keeps the loop free) -> `shape` and `methods` (what may be said by
//! whom) -> `outbox` (what is on its way to one side) -> `peer` (requests of one side, and their answers) -> `answer` (what the
//! client is told) -> `server` (the process) -> `cuts` (what is left out, for a person) -> `session` (what its tasks share) ->
//! `overdue` (a call and its deadline) -> `call` (a tool call through the line) -> `inspect` (what each side may see of the
//! other) -> `session_loop` -> `restart`; and `explain`, for a person. Each uses only those before it. The messages are our own and not a library's: a typed reader
//! accepts a key twice, drops what it does not know, and has no place to say which of two ids a request meant.

mod outline;

mod frame;
mod stage;

mod shape;

mod explain;
mod methods;
mod outbox;
mod peer;

mod cuts;

mod answer;
mod server;
mod session;

mod overdue;

mod call;
mod contract;
mod inspect;
mod session_loop;

mod restart;

pub use explain::explain;
pub use frame::{MESSAGE_BYTES, MESSAGE_SETTING};
pub use methods::PROTOCOL_VERSIONS;
pub use server::Server;
pub use session_loop::{CALLS_MAX, Ended, GRACE, Proxy};

use enforcecore::capabilities::{Capabilities, Capability, Face};

/// What this face can honour.
pub const FACE: Face = Face::new(
    "mcp",
    Capabilities::NONE
        .with(Capability::RewriteArguments)
        .with(Capability::RewriteResults)
        .with(Capability::EndAtDeadline)
        .with(Capability::ResolvePaths)
        .with(Capability::KeepState),
);
