//! Every code a call can end with has a page for `enforcecore explain`, and every page a code.
//!
//! Codes are words in the source: what makes a denial or an end of a call is given one. The codes of policies and of logs are
//! held to their pages by tests beside them.
//!
//! A code is looked for where one is made: the first text given to `Malformed::new`, `and_deny` and the like, a member `code`,
//! the texts of a function `code`, and on the line itself the text that begins a tuple, as in `Err((code, reason))`.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::{Tree, source};

/// The pages.
const PAGES: &str = "crates/enforcecore/src/codes/call.rs";

const CORE: &str = "crates/enforcecore/src/";

/// The files of the core in which a text that begins a tuple is a code.
const TUPLES: [&str; 3] = ["engine/inbound.rs", "policy/eval/decide.rs", "engine/open_call.rs"];

/// Where codes are made.
const SOURCES: [&str; 5] = [
    CORE,
    "crates/enforcecore-host/src/",
    "crates/enforcecore-gateway/src/",
    "crates/enforcecore-cli/src/",
    "bindings/python/src/",
];

pub fn have_pages(tree: &Tree) -> Result<Vec<String>> {
    let mut made: BTreeMap<String, String> = BTreeMap::new();
    let mut pages = Vec::new();
    for file in tree.with_extension("rs").filter(|file| SOURCES.iter().any(|source| file.path.starts_with(source))) {
        let syntax = syn::parse_file(&file.text).with_context(|| format!("cannot read `{}`", file.path))?;
        if file.path == PAGES {
            pages = source::pages(&syntax);
        } else {
            let codes = source::codes(&syntax, file.path.strip_prefix(CORE).is_some_and(|path| TUPLES.contains(&path)));
            made.extend(codes.into_iter().map(|code| (code.path, format!("{}:{}", file.path, code.line))));
        }
    }
    let unexplained = made.iter().filter(|(code, _)| !pages.iter().any(|page| page.path == **code));
    let unused = pages.iter().filter(|page| !made.contains_key(&page.path));
    let unexplained = unexplained.map(|(code, place)| format!("{place}: the code `{code}` has no page in `{PAGES}`"));
    let unused = unused.map(|page| format!("{PAGES}:{}: nothing makes the code `{}`", page.line, page.path));
    Ok(unexplained.chain(unused).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_needs_a_page() {
        let check = |text: &str, expected: usize| {
            let tree = Tree::of("crates/enforcecore/src/engine/open_call.rs", text);
            assert_eq!(have_pages(&tree).unwrap().len(), expected, "{text}");
        };
        check("fn f() { Malformed::new(\"a\", b) }", 1);
        check("fn f() { Malformed::new(\"a b\", b) }", 0);
        check("fn f() { decision.and_deny(\"a_b\", b) }", 1);
        check("fn f() { Refused { code: \"a_b\", reason } }", 1);
        check("fn f() { Err((\"a_b\", b)) }", 1);
        check("fn f() { Ok(\"a_b\") }", 0);
        check("impl T { fn code(&self) { match self { A => \"a\", B => \"b\" } } }", 2);
        check("impl T { fn name(&self) { match self { A => \"a\" } } }", 0);
        check("#[cfg(test)] mod tests { fn f() { Malformed::new(\"a\", b) } }", 0);
        let page = Tree::of(PAGES, "const CODES: &[Code] = &[code(\"a\", \"b\")];");
        assert_eq!(have_pages(&page).unwrap().len(), 1, "a page without a code");
    }
}
