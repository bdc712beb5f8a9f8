//! One file per command.

pub mod audit;
pub mod completions;
pub mod config;
pub mod decide;
#[cfg(feature = "demo")]
pub mod demo;
pub mod explain;
pub mod init;
pub mod mcp;
pub mod policy;
