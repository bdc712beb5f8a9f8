//! The pipeline: one call from its caller to its end.
//!
//! `identity` (names in the log) -> `context` (who calls) -> `inbound` (redaction of arguments) -> `recorded` (arguments in the log) -> `admission` (budgets and grants) -> `open_call` (the end) ->
//! `enforcer` (the pipeline itself) -> `dry_run` (the pipeline without its effects).

mod context;
mod inbound;
mod open_call;
mod recorded;

pub(crate) mod admission;
pub mod enforcer;
pub mod identity;

mod dry_run;
