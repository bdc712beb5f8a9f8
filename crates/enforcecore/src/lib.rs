//! placeholder
pub mod audit;
pub mod call;
pub mod decision;
pub mod diagnostic;
pub mod number;
pub mod policy;
pub mod redact;
pub mod session;
pub mod traits;
pub mod value;
