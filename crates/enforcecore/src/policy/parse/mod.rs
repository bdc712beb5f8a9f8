//! The tree -> typed documents, every finding collected: the grammar and nothing else.

pub(super) mod budget;
pub(super) mod condition;
mod deadline;
pub(super) mod document;
#[cfg(test)]
mod page;
pub(super) mod rule;
mod test_cases;
pub(super) mod tool;
