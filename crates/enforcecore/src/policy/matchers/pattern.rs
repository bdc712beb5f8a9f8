//! Globs and regular expressions: linear in the text, bounded in size, no backtracking, no look-around.

use globset::{GlobBuilder, GlobMatcher};
use regex_automata::meta::Regex;
use regex_automata::util::syntax;

use crate::path::composed_text;

/// Bytes in a pattern at most: a person has to be able to read it.
const PATTERN_BYTES_MAX: usize = 4 << 10;
/// Bytes of a compiled pattern at most: a hundred thousand rules must fit into memory.
const COMPILED_BYTES_MAX: usize = 1 << 20;
/// Levels of nesting in a regular expression at most.
const NESTING_MAX: u32 = 32;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    /// As it was written.
    text: Box<str>,
    compiled: Compiled,
    /// The same pattern with each character composed, if that is another one.
    composed: Option<Compiled>,
    /// The same pattern whatever the case, if it has a capital letter.
    uncased: Option<Box<Compiled>>,
    /// Where it has letters that a name in DNS has not: anywhere, and in the part that is about a host.
    letters: Letters,
}

/// What a pattern is written in.
#[derive(Clone, Copy, Debug)]
struct Letters {
    is_ascii: bool,
    has_ascii_host: bool,
    has_capital_host: bool,
}

impl Letters {
    fn of(text: &str) -> Letters {
        let host = text.rsplit_once('@').map_or(text, |(_, host)| host);
        let has_capital_host = host.bytes().any(|byte| byte.is_ascii_uppercase());
        Letters { is_ascii: text.is_ascii(), has_ascii_host: host.is_ascii(), has_capital_host }
    }
}

/// Whether a pattern looks at the case of letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    Kept,
    Ignored,
}

#[derive(Clone, Debug)]
enum Compiled {
    Glob(GlobMatcher),
    Regex(Regex),
}

impl Pattern {
    /// `*` and `?` within one path component, `**` across components, `[..]` and `{a,b}`, where `{,b}` is `b` or nothing. The
    /// whole text must match.
    pub(crate) fn glob(text: &str) -> Result<Pattern, String> {
        Pattern::compile(text, compile_glob)
    }

    /// A regular expression that the whole text must match.
    pub(crate) fn regex(text: &str) -> Result<Pattern, String> {
        Pattern::compile(text, |text, case| {
            // The pattern is read on its own first: `a)|(b` must not close the group that anchors it.
            compile_regex(text, case)?;
            compile_regex(&format!(r"\A(?:{text})\z"), case)
                .or_else(|_| compile_regex(&format!("\\A(?:{text}\n)\\z"), case))
        })
    }

    /// A regular expression that some part of the text must match.
    pub(crate) fn contains_regex(text: &str) -> Result<Pattern, String> {
        Pattern::compile(text, compile_regex)
    }

    fn compile(text: &str, compile: impl Fn(&str, Case) -> Result<Compiled, String>) -> Result<Pattern, String> {
        check_size(text)?;
        let compiled = compile(text, Case::Kept)?;
        let composed = composed_text(text);
        let composed = if composed == text { None } else { Some(compile(&composed, Case::Kept)?) };
        let has_capitals = text.bytes().any(|byte| byte.is_ascii_uppercase());
        let uncased = if has_capitals { Some(Box::new(compile(text, Case::Ignored)?)) } else { None };
        Ok(Pattern { text: text.into(), compiled, composed, uncased, letters: Letters::of(text) })
    }

    /// As it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.compiled.is_match(text)
    }

    /// Whether the pattern matches whatever the case of its own letters.
    pub(crate) fn is_match_uncased(&self, text: &str) -> bool {
        self.uncased.as_deref().unwrap_or(&self.compiled).is_match(text)
    }

    /// Whether every letter of it is one that a name in DNS can have.
    pub(crate) fn is_ascii(&self) -> bool {
        self.letters.is_ascii
    }

    /// The same of what stands behind its last `@`.
    pub(crate) fn has_ascii_host(&self) -> bool {
        self.letters.has_ascii_host
    }

    /// Whether there is a capital letter behind its last `@`.
    pub(crate) fn has_capital_host(&self) -> bool {
        self.letters.has_capital_host
    }

    /// Whether the pattern matches once its own characters are composed, as those of `text` are.
    pub(crate) fn is_match_composed(&self, text: &str) -> bool {
        self.composed.as_ref().unwrap_or(&self.compiled).is_match(text)
    }
}

impl Compiled {
    fn is_match(&self, text: &str) -> bool {
        match self {
            Compiled::Glob(glob) => glob.is_match(text),
            Compiled::Regex(regex) => regex.is_match(text),
        }
    }
}

fn compile_glob(text: &str, case: Case) -> Result<Compiled, String> {
    let mut glob = GlobBuilder::new(text);
    glob.literal_separator(true).backslash_escape(true).empty_alternates(true);
    let glob = glob.case_insensitive(case == Case::Ignored).build();
    let glob = glob.map_err(|error| error.kind().to_string())?;
    Ok(Compiled::Glob(glob.compile_matcher()))
}

fn check_size(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    if text.len() > PATTERN_BYTES_MAX {
        return Err(format!("{} bytes, more than the {PATTERN_BYTES_MAX} allowed", text.len()));
    }
    Ok(())
}

fn compile_regex(text: &str, case: Case) -> Result<Compiled, String> {
    let config = Regex::config()
        .nfa_size_limit(Some(COMPILED_BYTES_MAX))
        .onepass_size_limit(Some(COMPILED_BYTES_MAX))
        .dfa_size_limit(Some(COMPILED_BYTES_MAX))
        .hybrid_cache_capacity(COMPILED_BYTES_MAX);
    let syntax = syntax::Config::new().nest_limit(NESTING_MAX).case_insensitive(case == Case::Ignored);
    let regex = Regex::builder().configure(config).syntax(syntax).build(text).map_err(|error| {
        if error.size_limit().is_some() {
            return format!("it compiles to more than {COMPILED_BYTES_MAX} bytes");
        }
        match error.syntax_error() {
            // The last line of the library's message says what is wrong; the lines before it draw the pattern.
            Some(error) => {
                error.to_string().lines().last().unwrap_or("not a regular expression").replace("error: ", "")
            }
            None => error.to_string(),
        }
    })?;
    Ok(Compiled::Regex(regex))
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn patterns_match_as_their_name_says() {
        let regex = |pattern: &str, text: &str| Pattern::regex(pattern).unwrap().is_match(text);
        let contains = |pattern: &str, text: &str| Pattern::contains_regex(pattern).unwrap().is_match(text);
        let glob = |pattern: &str, text: &str| Pattern::glob(pattern).unwrap().is_match(text);
        assert!(regex("[a-z]+", "abc") && !regex("[a-z]+", "abc1") && !regex("[a-z]+", "abc\n"));
        assert!(regex("a|b", "b") && !regex("a|b", "ab"), "alternatives are anchored together");
        assert!(!regex("(?m)^a$", "x\na\nb"), "a flag inside does not move the anchors");
        assert!(regex("(?x) a # comment", "a") && !regex("(?x) a # comment", "ab"));
        assert!(contains("b", "abc") && !contains("d", "abc"));
        assert!(glob("*.md", "a.md") && !glob("*.md", "a/b.md") && glob("**/*.md", "a/b.md"));
        for (text, expected) in
            [(".git", true), ("a/.git", true), ("a/.git/b/c", true), ("a/.gitx", false), ("git", false)]
        {
            assert_eq!(glob("**/.git{,/**}", text), expected, "{text}");
        }
        assert!(glob("a{,.txt}", "a") && glob("a{,.txt}", "a.txt") && !glob("a{,.txt}", "a.") && glob("a{.md,}", "a"));
        assert!(glob("a{}", "a") && !glob("a{}", "ab"), "an empty alternative is nothing, not anything");
        assert!(
            Pattern::regex("a)|(b").is_err() && Pattern::regex("(?=a)").is_err() && Pattern::regex(r"(a)\1").is_err()
        );
        assert!(Pattern::regex("(((((a{100}){100}){100}){100}){100})").is_err());
        assert!(Pattern::glob("[a").is_err() && Pattern::glob("").is_err());
        assert!(!regex("(a+)+", &format!("{}b", "a".repeat(1 << 16))));
    }
}
