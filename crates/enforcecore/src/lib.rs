//! Decides about the tool calls of AI agents, redacts what they carry, and records what became of each.
//!
//! A face builds a [`Call`](call::Call) and gives it to [`Enforcer::enforce`](enforcer::Enforcer::enforce) with the closure that runs
//! the tool. The closure gets a [`Permit`](outcome::Permit), which only the enforcer makes, and only once the call was decided,
//! redacted and admitted and its intent is in the log. An `Err` guarantees that the tool did not start.
//!
//! The crate is pure: no I/O, no unsafe code, no async. What it needs of the world are the traits of [`ports`]. Absent on purpose:
//! putting an enforcer together from files, keys and a clock, which is the job of the crate `enforcecore-host` and is shown there.
//!
//! The modules, from the lowest up: values and numbers; what is said to people ([`diagnostic`], [`codes`]); what a call is
//! ([`path`], [`call`]); what can become of it ([`decision`], [`outcome`]); what is needed of the world and of a face ([`ports`],
//! [`capabilities`]); [`redact`] and [`policy`], which look at it; [`state`]; and the [`engine`], which puts all of this in a line.

#![forbid(unsafe_code)]

pub mod call;
pub mod capabilities;
pub mod codes;
pub mod decision;
pub mod diagnostic;
pub mod engine;
pub mod inline_tests;
mod lookalike;
pub mod number;
pub mod outcome;
pub mod path;
pub mod policy;
pub mod ports;
pub mod redact;
pub mod state;
pub mod value;

pub use enforcecore_audit as audit;
pub use engine::{admission, enforcer};
pub use ports as traits;
pub use state::session;
