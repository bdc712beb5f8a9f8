//! Configuration: `enforcecore.toml` of the project over that of the user, overlaid by variables, overlaid by flags and
//! arguments.
//!
//! Every value knows where it comes from. What is unknown, unusable or written by somebody else is an error with its place, and
//! so is a project that says otherwise than its user about what protects them: enforcement never runs on a guess at what was
//! meant. A [`Config`] is made in one step from all that is said, so nobody reads one with such a question open. Absent on
//! purpose: anything that a policy says.

mod files;
mod keys;
mod load;
mod problem;
mod trust;
mod values;

pub use files::CONFIG_FILE;
pub use keys::{Key, LOG_LEVELS_FORM, TRUSTED_PROJECTS, VARIABLE_PREFIX, are_log_levels};
pub use values::{Config, Given, Origin, Setting, TrustedProjects};
