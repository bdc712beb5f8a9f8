//! A code: a word that scripts rely on, and the page that `enforcecore explain` has for it.

use std::fmt;

/// One code. There is one for each page and none without.
///
/// It is compared with another code, or with its word: `refused.code == call::NO_RULE`, `refused.code == "no_rule"`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Code(&'static Page);

/// What there is to know about a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// The code's word: `EC0017`, `unknown_tool`. Two families may use one word.
    pub code: &'static str,
    /// What the code is about.
    pub family: Family,
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

impl Code {
    /// Only the tables of this room make codes.
    pub(super) const fn new(page: &'static Page) -> Code {
        Code(page)
    }

    /// The word, as it stands in diagnostics, logs and machine output.
    pub const fn as_str(self) -> &'static str {
        self.0.code
    }

    /// What there is to know about it.
    pub const fn page(self) -> &'static Page {
        self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl PartialEq<str> for Code {
    fn eq(&self, word: &str) -> bool {
        self.as_str() == word
    }
}

impl PartialEq<&str> for Code {
    fn eq(&self, word: &&str) -> bool {
        self.as_str() == *word
    }
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

/// The codes of one family: of each row the constant, and its place in the table `CODES`.
macro_rules! codes {
    ($family:expr; $(
        $name:ident = $code:literal, $title:literal:
            $explanation:literal
            example $example:literal
            instead $instead:literal;
    )*) => {
        $(
            #[doc = concat!("`", $code, "`: ", $title, ".")]
            pub const $name: Code = Code::new(&Page {
                code: $code,
                family: $family,
                title: $title,
                explanation: $explanation,
                example: $example,
                instead: $instead,
            });
        )*

        /// Every code, in order.
        pub const CODES: &[Code] = &[$($name),*];

        /// The constants' names.
        #[cfg(test)]
        pub(super) const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

pub(super) use codes;
