//! Text -> a tree with places, the reading of its maps and scalars, and what is found on the way.

pub(super) mod fields;
mod plain;
pub(super) mod report;
pub(super) mod yaml;
