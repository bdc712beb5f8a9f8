//! One file per command.

pub mod audit;
pub mod decide;
pub mod mcp;
pub mod policy;
