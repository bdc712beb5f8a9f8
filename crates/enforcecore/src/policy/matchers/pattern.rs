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
pub(in super::super) struct Pattern {
    compiled: Compiled,
    /// The same pattern with each character composed, if that is another one.
    composed: Option<Compiled>,
}

#[derive(Clone, Debug)]
enum Compiled {
    Glob(GlobMatcher),
    Regex(Regex),
}

impl Pattern {
    /// `*` and `?` within one path component, `**` across components, `[..]` and `{a,b}`, where `{,b}` is `b` or nothing. The
    /// whole text must match.
    pub(in super::super) fn glob(text: &str) -> Result<Pattern, String> {
        Pattern::compile(text, compile_glob)
    }

    /// A regular expression that the whole text must match.
    pub(in super::super) fn regex(text: &str) -> Result<Pattern, String> {
        Pattern::compile(text, |text| {
            // The pattern is read on its own first: `a)|(b` must not close the group that anchors it.
            compile_regex(text)?;
            compile_regex(&format!(r"\A(?:{text})\z")).or_else(|_| compile_regex(&format!("\\A(?:{text}\n)\\z")))
        })
    }

    /// A regular expression that some part of the text must match.
    pub(in super::super) fn contains_regex(text: &str) -> Result<Pattern, String> {
        Pattern::compile(text, compile_regex)
    }

    fn compile(text: &str, compile: impl Fn(&str) -> Result<Compiled, String>) -> Result<Pattern, String> {
        check_size(text)?;
        let compiled = compile(text)?;
        let composed = composed_text(text);
        let composed = if composed == text { None } else { Some(compile(&composed)?) };
        Ok(Pattern { compiled, composed })
    }

    pub(in super::super) fn is_match(&self, text: &str) -> bool {
        self.compiled.is_match(text)
    }

    /// Whether the pattern matches once its own characters are composed, as those of `text` are.
    pub(in super::super) fn is_match_composed(&self, text: &str) -> bool {
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

fn compile_glob(text: &str) -> Result<Compiled, String> {
    let glob = GlobBuilder::new(text).literal_separator(true).backslash_escape(true).empty_alternates(true).build();
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

fn compile_regex(text: &str) -> Result<Compiled, String> {
    let config = Regex::config()
        .nfa_size_limit(Some(COMPILED_BYTES_MAX))
        .onepass_size_limit(Some(COMPILED_BYTES_MAX))
        .dfa_size_limit(Some(COMPILED_BYTES_MAX))
        .hybrid_cache_capacity(COMPILED_BYTES_MAX);
    let syntax = syntax::Config::new().nest_limit(NESTING_MAX);
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
