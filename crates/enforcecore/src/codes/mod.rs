//! Every code this software can answer with, and what there is to know about it: the pages of `enforcecore explain`.
//!
//! A code is a promise to scripts: it never changes its meaning. It is a constant beside its page, so that what has no page
//! cannot be answered with; that each constant is answered with somewhere, a test reads in the sources.
//!
//! Absent on purpose: words of the log's own reader, whose findings are an enumeration; a test holds its pages to that.

pub mod call;
mod code;
pub mod config;
pub mod log;
pub mod policy;

pub use code::{Code, Family, Page};

/// Every code.
pub fn all() -> impl Iterator<Item = Code> {
    [policy::CODES, config::CODES, call::CODES, log::CODES].into_iter().flatten().copied()
}

/// The codes of this word, in either case: two families may use one word.
pub fn explain(word: &str) -> Vec<Code> {
    all().filter(|code| code.as_str().eq_ignore_ascii_case(word)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_page_says_something_and_is_found() {
        for one in all() {
            let Page { code, family: _, title, explanation, example, instead } = one.page();
            assert!(explain(code).contains(&one), "{code}");
            for text in [title, explanation, example, instead] {
                assert!(!text.is_empty() && !text.ends_with(' '), "{code}");
            }
            assert!(explanation.ends_with('.') && !title.ends_with('.'), "{code}");
        }
        assert_eq!(explain("ec0017").len(), 1);
        assert_eq!(explain("duplicate_key").len(), 2, "of a call and of a log");
        assert!(explain("EC9999").is_empty());
    }

    #[test]
    fn a_code_is_the_word_of_its_family() {
        assert_ne!(call::DUPLICATE_KEY, log::DUPLICATE_KEY);
        assert_eq!(call::DUPLICATE_KEY.as_str(), log::DUPLICATE_KEY.as_str());
        assert_eq!(
            (call::NO_RULE.to_string(), format!("{:?}", call::NO_RULE)),
            ("no_rule".to_owned(), "\"no_rule\"".to_owned())
        );
        for (codes, names) in [(call::CODES, call::NAMES), (log::CODES, log::NAMES)] {
            assert!(
                codes.iter().map(|code| code.as_str().to_uppercase()).eq(names.iter().copied()),
                "named by its word"
            );
        }
        for codes in [policy::CODES, config::CODES, call::CODES, log::CODES] {
            assert!(codes.is_sorted_by(|a, b| a.as_str() < b.as_str()), "in order, and none twice");
        }
    }

    /// Every file of sources below a folder.
    fn sources(folder: &Path, into: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() && !entry.ends_with("codes") {
                sources(&entry, into);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                into.push(fs::read_to_string(&entry).unwrap());
            }
        }
    }

    #[test]
    fn every_code_is_answered_with_somewhere() {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        let crates = fs::read_dir(root.join("crates")).unwrap().map(|entry| entry.unwrap().path());
        let mut files = Vec::new();
        for product in crates.chain([root.join("bindings/python")]) {
            sources(&product.join("src"), &mut files);
        }
        for (family, names) in [("policy", policy::NAMES), ("config", config::NAMES), ("call", call::NAMES)] {
            let path = format!("codes::{family}");
            let those = files.iter().filter(|text| text.contains(&path));
            let words: BTreeSet<&str> =
                those.flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')).collect();
            let unused: Vec<&&str> = names.iter().filter(|name| !words.contains(**name)).collect();
            assert!(unused.is_empty(), "nothing makes {unused:?} of {family}");
        }
    }
}
