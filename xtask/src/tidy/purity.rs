//! What may stand where: no effect in the core, no decision outside it.
//!
//! Clippy's lists of methods are not used for it: they know no modules, so each function of `std::fs` would be a row.

use anyhow::{Context, Result};

use super::{File, Tree, source};

/// The crates that do nothing to the world.
const PURE: [&str; 2] = ["crates/enforcecore/src/", "crates/enforcecore-audit/src/"];

/// What the core never names, each with all that is in it: the world comes in through the traits it is given.
///
/// The number of the own process is no effect: a permit carries it, so that a copy made by `fork` is worth nothing.
const EFFECTS: [&str; 20] = [
    "std::env",
    "std::fs",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::ToSocketAddrs",
    "std::net::UdpSocket",
    "std::os",
    "std::process::Command",
    "std::process::abort",
    "std::process::exit",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "Instant::now",
    "SystemTime::now",
    "Timestamp::now",
    "Zoned::now",
];

/// Crates that hold no policy logic.
const AROUND_THE_CORE: [&str; 5] = [
    "crates/enforcecore-host/src/",
    "crates/enforcecore-gateway/src/",
    "crates/enforcecore-demo/src/",
    "crates/enforcecore-cli/src/",
    "bindings/python/src/",
];

/// Values and methods that make or change a decision.
const DECISIONS: [&str; 6] = ["Decision", "Obligations", "Permit", "and_deny", "stricter", "tighten"];

pub fn pure_core(tree: &Tree) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    let pure = |file: &&File| PURE.iter().any(|folder| file.path.starts_with(folder)) && !is_test_module(file);
    for file in tree.with_extension("rs").filter(pure) {
        let syntax = syn::parse_file(&file.text).with_context(|| format!("cannot read `{}`", file.path))?;
        for named in source::paths(&syntax) {
            let place = format!("{}:{}", file.path, named.line);
            if EFFECTS.iter().any(|effect| is_within(&named.path, effect)) {
                findings.push(format!("{place}: the core names `{}`", named.path));
            }
        }
        let tokens = file.text.parse().map_err(|error| anyhow::anyhow!("cannot read `{}`: {error}", file.path))?;
        let lines = source::lines_with(tokens, "async");
        findings.extend(lines.iter().map(|line| format!("{}:{line}: async code", file.path)));
    }
    Ok(findings)
}

/// Everything around the core asks it and does what it says.
pub fn no_decision_outside(tree: &Tree) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    let outside = |file: &&File| AROUND_THE_CORE.iter().any(|folder| file.path.starts_with(folder));
    for file in tree.with_extension("rs").filter(outside).filter(|file| !is_test_module(file)) {
        let syntax = syn::parse_file(&file.text).with_context(|| format!("cannot read `{}`", file.path))?;
        for made in source::made(&syntax).iter().filter(|made| DECISIONS.contains(&made.path.as_str())) {
            findings.push(format!("{}:{}: a decision is made, `{}`", file.path, made.line, made.path));
        }
    }
    Ok(findings)
}

/// A file that only exists in test builds, by its name.
fn is_test_module(file: &File) -> bool {
    file.path.ends_with("/tests.rs") || file.path.ends_with("_tests.rs") || file.path.contains("/tests/")
}

/// True for the module itself and for everything in it.
fn is_within(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effects_are_found_in_the_core() {
        let check = |path: &str, text: &str, expected: &[&str]| {
            for folder in PURE {
                let found = pure_core(&Tree::of(&format!("{folder}{path}"), text)).unwrap();
                let expected: Vec<String> = expected.iter().map(|found| format!("{folder}{found}")).collect();
                assert_eq!(found, expected, "{text}");
            }
        };
        let found = |what: &str| format!("a.rs:1: the core names `{what}`");
        check("a.rs", "use std::{fmt, fs::File};", &[&found("std::fs::File")]);
        check("a.rs", "fn f() { std::env::var(\"A\"); }", &[&found("std::env::var")]);
        check("a.rs", "fn f() { tell!(std::time::SystemTime::now()); }", &[&found("std::time::SystemTime::now")]);
        check("a.rs", "use std::time::Duration; use std::fmt;", &[]);
        check("a.rs", "#[cfg(test)] mod tests { use std::fs; }", &[]);
        check("a.rs", "async fn f() {}", &["a.rs:1: async code"]);
    }

    #[test]
    fn a_decision_made_by_a_face_is_found() {
        let check = |path: &str, text: &str, expected: usize| {
            assert_eq!(no_decision_outside(&Tree::of(path, text)).unwrap().len(), expected, "{path}: {text}");
        };
        let face = "crates/enforcecore-gateway/src/mcp.rs";
        check(face, "fn f() -> Decision { core::Decision { verdict: Verdict::Allow, ..d } }", 1);
        check(face, "fn f(d: Decision) -> Decision { d.stricter(other) }", 1);
        check(face, "fn f(d: Decision) { if let Decision { verdict, .. } = d {} }", 0);
        check(face, "#[cfg(test)] mod tests { fn f() { Decision { ..d }; } }", 0);
        check("crates/enforcecore/src/enforcer.rs", "fn f() { d.stricter(other); }", 0);
    }
}
