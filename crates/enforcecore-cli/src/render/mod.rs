//! What people and machines see of the core's types: one file each.

pub mod decision;
pub mod diagnostic;
pub mod report;
