//! The pipeline: one call from its caller to its end.
//!
//! `context` (who calls) -> `inbound` (redaction of arguments) -> `admission` (budgets and grants) -> `open_call` (the end) ->
//! `enforcer` (the pipeline itself) -> `dry_run` (the pipeline without its effects).

mod context;
mod inbound;
mod open_call;

pub(crate) mod admission;
pub mod enforcer;

mod dry_run;
