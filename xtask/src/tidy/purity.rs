//! What may stand where: unsafe code in the host crate alone, no effect in the core, no decision outside it.

use anyhow::{Context, Result};

use super::{File, Tree, source};

/// The one crate that talks to the kernel.
const UNSAFE_ALLOWED: &str = "crates/enforcecore-host/";

/// The library and its log.
const CORE: [&str; 2] = ["crates/enforcecore/src/", "crates/enforcecore-audit/src/"];

/// What the core never names: the world comes in through the traits it is given.
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

pub fn no_unsafe(tree: &Tree) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for file in tree.with_extension("rs").filter(|file| !file.path.starts_with(UNSAFE_ALLOWED)) {
        let tokens = file.text.parse().map_err(|error| anyhow::anyhow!("cannot read `{}`: {error}", file.path))?;
        let lines = source::lines_with(tokens, "unsafe");
        findings.extend(lines.iter().map(|line| format!("{}:{line}: unsafe code", file.path)));
    }
    Ok(findings)
}

pub fn pure_core(tree: &Tree) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    let is_core = |file: &&File| CORE.iter().any(|folder| file.path.starts_with(folder));
    for file in tree.with_extension("rs").filter(is_core).filter(|file| !is_test_module(file)) {
        let syntax = syn::parse_file(&file.text).with_context(|| format!("cannot read `{}`", file.path))?;
        for named in source::paths(&syntax) {
            if EFFECTS.iter().any(|effect| is_within(&named.path, effect)) {
                findings.push(format!("{}:{}: the core names `{}`", file.path, named.line, named.path));
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
    fn unsafe_code_is_found_outside_the_host_crate() {
        let check = |path: &str, text: &str, expected: usize| {
            assert_eq!(no_unsafe(&Tree::of(path, text)).unwrap().len(), expected, "{path}: {text}");
        };
        let code = "fn f() { unsafe { g() } }";
        check("crates/enforcecore/src/a.rs", code, 1);
        check("crates/enforcecore-host/src/a.rs", code, 0);
        check("bindings/python/src/a.rs", "run!(unsafe { g() });", 1);
        check("xtask/src/a.rs", "// unsafe\nconst A: &str = \"unsafe\";", 0);
    }

    #[test]
    fn effects_are_found_in_the_core() {
        let check = |path: &str, text: &str, expected: &[&str]| {
            for folder in CORE {
                let expected: Vec<String> = expected.iter().map(|found| format!("{folder}a.rs:1: {found}")).collect();
                assert_eq!(pure_core(&Tree::of(&format!("{folder}{path}"), text)).unwrap(), expected, "{text}");
            }
        };
        let found = |what: &str| format!("the core names `{what}`");
        check("a.rs", "use std::{fmt, fs::File};", &[&found("std::fs::File")]);
        check("a.rs", "fn f() { std::env::var(\"A\"); }", &[&found("std::env::var")]);
        check("a.rs", "fn f() { tell!(std::time::SystemTime::now()); }", &[&found("std::time::SystemTime::now")]);
        check("a.rs", "use std::time::Duration; use std::fmt;", &[]);
        check("a.rs", "#[cfg(test)] mod tests { use std::fs; }", &[]);
        check("a.rs", "async fn f() {}", &["async code"]);
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
