//! `cargo xtask lines`: the lines of the product, counted the same way in the tree and at a commit.
//!
//! A line counts when code stands on it: tests, comments, documentation and blank lines do not.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use anyhow::{Context, Result};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::Attribute;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::modules::{Modules, Sources, attributes, is_for_tests};
use crate::tool::{self, say};

/// The crates that are counted: what decides, redacts, admits and records, and what does it on a system.
const CRATES: [&str; 3] = ["crates/enforcecore-audit/src/", "crates/enforcecore/src/", "crates/enforcecore-host/src/"];

/// What may be said about counting.
#[derive(clap::Args)]
pub struct LinesOptions {
    /// The commit to count at; without it, the tree as it is.
    #[arg(long)]
    at: Option<String>,
    /// Print every file, too.
    #[arg(long)]
    files: bool,
}

/// Prints the lines of each crate and of all together.
pub fn run(options: &LinesOptions) -> Result<bool> {
    let root = tool::root()?;
    let sources = match &options.at {
        Some(commit) => Sources::of_commit(&root, commit, &CRATES)?,
        None => Sources::of_tree(&root, &CRATES)?,
    };
    let mut total = 0;
    for folder in CRATES {
        let Some(modules) = Modules::read(&sources, folder)? else { continue };
        let files: BTreeSet<&str> = modules.0.iter().map(|module| module.file.as_str()).collect();
        let mut lines = 0;
        for file in files {
            let text = sources.0.get(file).with_context(|| format!("`{file}` is missing"))?;
            let counted = count(text).with_context(|| format!("cannot read `{file}`"))?;
            if options.files {
                say(&format!("{counted:>7}   {file}"));
            }
            lines += counted;
        }
        say(&format!("{lines:>7} {folder}"));
        total += lines;
    }
    say(&format!("{total:>7} together"));
    Ok(true)
}

/// The lines of a file on which code stands that is not for tests alone.
fn count(text: &str) -> Result<usize> {
    let mut tests = Tests(Vec::new());
    tests.visit_file(&syn::parse_file(text)?);
    let mut lines = BTreeSet::new();
    let tokens: TokenStream = text.parse().map_err(|error| anyhow::anyhow!("{error}"))?;
    note(tokens, &mut lines);
    let blank = |line: &usize| text.lines().nth(line - 1).is_none_or(|line| line.trim().is_empty());
    lines.retain(|line| !tests.0.iter().any(|test| test.contains(line)) && !blank(line));
    Ok(lines.len())
}

/// Notes the lines of every token but those of documentation, which the compiler reads as attributes.
fn note(tokens: TokenStream, lines: &mut BTreeSet<usize>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let is_mark = |token: &TokenTree, mark| matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark);
        if is_mark(&token, '#') {
            let inner = tokens.next_if(|token| is_mark(token, '!'));
            if tokens.next_if(is_documentation).is_some() {
                continue;
            }
            inner.into_iter().for_each(|token| lines.extend(token.span().start().line..=token.span().end().line));
        }
        if let TokenTree::Group(group) = token {
            lines.extend([group.span_open().start().line, group.span_close().end().line]);
            note(group.stream(), lines);
        } else {
            lines.extend(token.span().start().line..=token.span().end().line);
        }
    }
}

fn is_documentation(token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else { return false };
    let first = group.stream().into_iter().next();
    group.delimiter() == Delimiter::Bracket && matches!(first, Some(TokenTree::Ident(ident)) if ident == "doc")
}

/// The lines of what is compiled in tests alone.
struct Tests(Vec<RangeInclusive<usize>>);

impl Tests {
    /// Notes what is for tests, and says whether it is.
    fn is_one(&mut self, attributes: &[Attribute], whole: &dyn Spanned) -> bool {
        let is_one = is_for_tests(attributes);
        if is_one {
            let span = whole.span();
            self.0.push(span.start().line..=span.end().line);
        }
        is_one
    }
}

impl<'ast> Visit<'ast> for Tests {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !self.is_one(attributes(item), item) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !self.is_one(&function.attrs, function) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        self.is_one(&field.attrs, field);
    }

    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        if !self.is_one(&field.attrs, field) {
            visit::visit_field_value(self, field);
        }
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        if !self.is_one(&local.attrs, local) {
            visit::visit_local(self, local);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_with_code_are_counted() {
        let check = |text: &str, expected: usize| assert_eq!(count(text).unwrap(), expected, "{text}");
        check("", 0);
        check("//! What it is.\n\n// A comment.\nuse a::b; // c\n", 1);
        check(
            "/// Doc.\n/// More.\n#[derive(Debug)]\nstruct A {\n    /// Doc.\n    a: u8,\n\n    /* b\n     */\n}\n",
            4,
        );
        check("fn f() {\n    // nothing\n    g(\"a\n\n// b\n\");\n}\n", 5);
        check("#![allow(a)]\n#[doc = \"a\"]\nfn f() {}", 2);
        check("fn f() {}\n\n#[cfg(test)]\nmod tests {\n    fn g() {}\n}\n", 1);
        check("/// Doc.\n#[cfg(test)]\n#[derive(Debug)]\nstruct A {\n    a: u8,\n}\n#[cfg(not(test))]\nstruct A;\n", 2);
        check(
            "impl A {\n    #[cfg(test)]\n    fn f() {\n    }\n\n    fn g() {\n        #[cfg(test)]\n        let a = 1;\n    }\n}\n",
            4,
        );
        check("struct A {\n    #[cfg(test)]\n    a: u8,\n    b: u8,\n}\n", 3);
        check("macros! {\n    /// Doc.\n    A = 1;\n\n    B = 2;\n}\n", 4);
    }
}
