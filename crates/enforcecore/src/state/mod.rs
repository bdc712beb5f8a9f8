//! What the log says of sessions: a fold over its entries, and the numbers of placeholders, which are state too.

pub(crate) mod budget;
pub(crate) mod numbering;
pub(crate) mod recall;
pub mod session;
