//! placeholder
pub mod audit;
pub mod call;
pub mod capabilities;
pub mod codes;
pub mod decision;
pub mod diagnostic;
pub mod engine;
pub mod number;
pub mod outcome;
pub mod path;
pub mod policy;
pub mod ports;
pub mod redact;
pub mod state;
pub mod value;

pub use engine::{admission, enforcer};
pub use ports as traits;
pub use state::session;
