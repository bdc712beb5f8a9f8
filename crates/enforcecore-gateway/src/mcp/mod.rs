//! The Model Context Protocol's stdio transport, proxied (`modelcontextprotocol.io/specification`).
//!
//! `stage` (what keeps the loop free) -> `frame` (lines to messages, strictly) -> `methods` and `shape` (what may be said by whom) ->
//! `inspect` (what may be seen of it) -> `proxy` (the session) -> `calls` (a tool call through the line) -> `peer` (requests on their
//! way to one side, and their answers) -> `answer` (what the client is told) -> `server` (the process). The messages are our own and not a library's: a typed reader accepts a key twice, drops
//! what it does not know, and has no place to say which of two ids a request meant.

mod answer;
mod calls;
mod frame;
mod inspect;
mod methods;
mod peer;
mod proxy;
mod server;
mod shape;
mod stage;

pub use frame::{FRAME_BYTES_MAX, LINE_BYTES_MAX};
pub use methods::PROTOCOL_VERSIONS;
pub use proxy::{CALLS_MAX, Ended, GRACE, Proxy};
pub use server::Server;

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
