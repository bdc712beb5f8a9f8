//! One call against the compiled rules.

mod charges;
mod condition;
mod context;
pub(super) mod decide;
pub(super) mod explain;
pub(super) mod named;
pub(super) mod protected;
