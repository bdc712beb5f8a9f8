//! One file per command.

pub mod audit;
pub mod decide;
pub mod policy;
