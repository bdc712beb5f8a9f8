//! placeholder

#![forbid(unsafe_code)]

pub mod admission;
pub mod call;
pub mod codes;
pub mod decision;
pub mod diagnostic;
pub mod enforcer;
mod inbound;
pub mod inline_tests;
mod lookalike;
pub mod number;
mod numbering;
pub mod outcome;
pub mod path;
pub mod policy;
pub mod redact;
pub mod session;
mod settle;
pub mod traits;
pub mod value;

pub use enforcecore_audit as audit;
