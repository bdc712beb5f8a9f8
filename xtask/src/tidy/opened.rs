//! Files are opened in one place: what a name leads to may have been made by anyone.
//!
//! A pipe under the name of a key makes an open wait for ever, a device is read without an end, and a link in a folder that
//! others write leads to what they chose. `enforcecore_host::files` knows all of that; nothing else opens a file by its name.

use anyhow::{Context, Result};

use super::{Tree, source};

/// The code that ships.
const SHIPPED: [&str; 7] = [
    "crates/enforcecore-audit/src/",
    "crates/enforcecore/src/",
    "crates/enforcecore-host/src/",
    "crates/enforcecore-gateway/src/",
    "crates/enforcecore-demo/src/",
    "crates/enforcecore-cli/src/",
    "bindings/python/src/",
];

/// Where files may be opened by their names, and why.
const ALLOWED: [(&str, &str); 6] = [
    ("crates/enforcecore-host/src/files/", "the one place"),
    ("crates/enforcecore-host/src/file_system.rs", "reads what the kernel says about mounts"),
    (
        "crates/enforcecore-host/src/process/reaper.rs",
        "reads what the kernel says about its children, where only system calls may be made",
    ),
    ("crates/enforcecore-host/src/process/procfs.rs", "reads what the kernel says about processes"),
    ("crates/enforcecore-demo/src/", "plays in a folder that it has just made; its server is a tool"),
    ("crates/enforcecore-cli/src/command/init/mod.rs", "makes files that are not there, and opens none"),
];

/// What opens a file by its name, by the last words of its path.
const OPENERS: [&str; 14] = [
    "File::open",
    "File::create",
    "File::create_new",
    "File::options",
    "OpenOptions",
    "OpenOptions::new",
    "fs::read",
    "fs::read_to_string",
    "fs::write",
    "fs::copy",
    "fs::open",
    "fs::openat",
    "fs::openat2",
    "fs::*",
];

pub fn in_one_place(tree: &Tree) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    let mut unused: Vec<&str> = ALLOWED.iter().map(|(path, _)| *path).collect();
    for file in tree.with_extension("rs").filter(|file| SHIPPED.iter().any(|folder| file.path.starts_with(folder))) {
        if file.path.ends_with("tests.rs") || file.path.contains("/tests/") {
            continue;
        }
        let syntax = syn::parse_file(&file.text).with_context(|| format!("cannot read `{}`", file.path))?;
        let opened: Vec<_> = source::paths(&syntax).into_iter().filter(|named| is_opener(&named.path)).collect();
        match ALLOWED.iter().find(|(path, _)| file.path.starts_with(path)) {
            Some((path, _)) if !opened.is_empty() => unused.retain(|own| own != path),
            Some(_) => {}
            None => findings.extend(opened.iter().map(|named| {
                let place = format!("{}:{}", file.path, named.line);
                format!("{place}: `{}`, and not `enforcecore_host::files`", named.path)
            })),
        }
    }
    // A tree of one file, to show the rule, has none of them.
    if tree.file("Cargo.toml").is_some() {
        findings.extend(unused.iter().map(|path| format!("`{path}` opens no file, and is allowed to")));
    }
    Ok(findings)
}

fn is_opener(path: &str) -> bool {
    OPENERS.iter().any(|opener| path == *opener || path.strip_suffix(opener).is_some_and(|rest| rest.ends_with("::")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_opened_elsewhere_is_found() {
        let check = |path: &str, text: &str, expected: usize| {
            assert_eq!(in_one_place(&Tree::of(path, text)).unwrap().len(), expected, "{path}: {text}");
        };
        let cli = "crates/enforcecore-cli/src/command/decide.rs";
        check(cli, "fn f() { File::open(a) }", 1);
        check(cli, "fn f() { std::fs::File::open(a) }", 1);
        check(cli, "use std::fs::{self, OpenOptions};", 1);
        check(cli, "fn f() { fs::read_to_string(a) }", 1);
        check(cli, "use std::fs::read;", 1);
        check(cli, "use std::fs::*;", 1);
        check(cli, "fn f() { a.and_then(File::open) }", 1);
        check(cli, "fn f() { say!(fs::read(a)) }", 1);
        check(cli, "fn f() { tokio::fs::read(a) }", 1);
        check(cli, "use std::fs::{self, File}; fn f(file: File) { fs::create_dir(a); files::open(a, b, c) }", 0);
        check(cli, "#[cfg(test)] mod tests { fn f() { fs::write(a, b) } }", 0);
        check("crates/enforcecore-host/src/files/walk.rs", "fn f() { fs::openat(a, b) }", 0);
        check("crates/enforcecore-host/src/files.rs", "fn f() { fs::openat(a, b) }", 1);
        check("bindings/python/src/a.rs", "fn f() { File::open(a) }", 1);
        check("xtask/src/a.rs", "fn f() { File::open(a) }", 0);
    }
}
