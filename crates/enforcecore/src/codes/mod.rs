//! Every code this software can answer with, and what there is to know about it: the pages of `enforcecore explain`.
//!
//! A code is a promise to scripts: it never changes its meaning. The tables are complete by a test that reads the source.

mod call;
mod config;
mod log;

use crate::policy::codes as policy;

pub use call::CODES as CALL_CODES;
pub use config::CODES as CONFIG_CODES;
pub use log::CODES as LOG_CODES;

/// One code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The code: `EC0017`, `unknown_tool`.
    pub code: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What it means, why that is so, and what to do.
    pub explanation: &'static str,
    /// Something that earns it.
    pub example: &'static str,
    /// What to write, do or run instead.
    pub instead: &'static str,
}

/// What a code is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A mistake in a policy.
    Policy,
    /// What became of a call.
    Call,
    /// Something wrong with an evidence log.
    Log,
    /// A mistake in a configuration.
    Config,
}

impl Family {
    /// The word in machine output.
    pub fn as_str(self) -> &'static str {
        match self {
            Family::Policy => "policy",
            Family::Call => "call",
            Family::Log => "log",
            Family::Config => "config",
        }
    }
}

/// Every code with its family.
pub fn all() -> impl Iterator<Item = (Family, &'static Code)> {
    let families = [
        (Family::Policy, policy::CODES),
        (Family::Config, CONFIG_CODES),
        (Family::Call, CALL_CODES),
        (Family::Log, LOG_CODES),
    ];
    families.into_iter().flat_map(|(family, codes)| codes.iter().map(move |code| (family, code)))
}

/// The pages of a code, in either case: two families may use one word.
pub fn explain(code: &str) -> Vec<(Family, &'static Code)> {
    all().filter(|(_, own)| own.code.eq_ignore_ascii_case(code)).collect()
}

pub(crate) const fn code(
    code: &'static str,
    title: &'static str,
    explanation: &'static str,
    example: &'static str,
    instead: &'static str,
) -> Code {
    Code { code, title, explanation, example, instead }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_says_something_and_is_found() {
        for (family, page) in all() {
            let Code { code, title, explanation, example, instead } = page;
            assert!(explain(code).contains(&(family, page)), "{code}");
            for text in [title, explanation, example, instead] {
                assert!(!text.is_empty() && !text.ends_with(' '), "{code}");
            }
            assert!(explanation.ends_with('.') && !title.ends_with('.'), "{code}");
        }
        assert_eq!(explain("ec0017").len(), 1);
        assert_eq!(explain("duplicate_key").len(), 2, "of a call and of a log");
        assert_eq!(explain("EC9999"), []);
    }
}
