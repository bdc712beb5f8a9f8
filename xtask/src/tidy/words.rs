//! What is true of one machine alone stands in no tracked file: where its packages come from, where this checkout lies, what
//! the machine is called.
//!
//! A registry's address in a file decides for everyone where packages come from. A folder or a machine's name in one is of no
//! use to others; both are read from the machine that the rule runs on, so writing one down is an error there.

use std::path::Path;

use anyhow::Result;

use super::Tree;

/// Hosts no address may point to. Written in two parts, so that this file does not find itself.
const HOSTS: [&str; 4] =
    [concat!("crates", ".io"), concat!("pypi", ".org"), concat!("npmjs", "."), concat!("debian", ".org")];

/// Files whose form another tool prescribes.
const EXCEPTIONS: [(&str, &str); 2] = [
    ("Cargo.lock", "cargo writes the registry's name into its lock file"),
    ("fuzz/Cargo.lock", "cargo writes the registry's name into its lock file"),
];

/// Folders that a checkout may lie in and that files name for other reasons.
const USUAL_FOLDERS: [&str; 3] = ["/tmp/", "/home/", "/root/"];

pub fn none_forbidden(tree: &Tree) -> Result<Vec<String>> {
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    Ok(findings(tree, &own_words(&tree.root, machine.trim())))
}

/// What only this machine knows: the folder that the checkout lies in, and a name that is no usual word.
fn own_words(root: &Path, machine: &str) -> Vec<String> {
    let folder = root.parent().map(|folder| format!("{}/", folder.display()));
    let folder = folder.filter(|folder| folder.len() > 2 && !USUAL_FOLDERS.contains(&folder.as_str()));
    let is_name = machine.len() > 3 && machine.contains(|c: char| c.is_ascii_digit() || c == '-');
    folder.into_iter().chain(is_name.then(|| machine.to_owned())).collect()
}

fn findings(tree: &Tree, own: &[String]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| !EXCEPTIONS.iter().any(|(path, _)| *path == file.path)) {
        for (index, line) in file.text.lines().enumerate() {
            let host = HOSTS.iter().find(|host| addresses(line).any(|address| address.contains(**host)));
            let word = own.iter().find(|word| stands_in(line, word));
            for found in host.copied().into_iter().chain(word.map(String::as_str)) {
                findings.push(format!("{}:{}: `{found}`", file.path, index + 1));
            }
        }
    }
    findings
}

/// True when the line has the word at the beginning of a path or word, not inside a longer one.
fn stands_in(line: &str, word: &str) -> bool {
    let begins = |before: &str| !before.ends_with(|c: char| c.is_alphanumeric() || "._-/".contains(c));
    line.match_indices(word).any(|(at, _)| line.get(..at).is_some_and(begins))
}

/// The host part of every address in a line.
fn addresses(line: &str) -> impl Iterator<Item = &str> {
    let ends = |c: char| c.is_whitespace() || "/\"'`<>)]".contains(c);
    line.split("://").skip(1).filter_map(move |rest| rest.split(ends).next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_registries_are_found() {
        let check = |path: &str, text: &str, expected: usize| {
            assert_eq!(findings(&Tree::of(path, text), &[]).len(), expected, "{text}");
        };
        let [index, python, ..] = HOSTS;
        check("a.md", &format!("see https://{index}/crates/a"), 1);
        check("a.md", &format!("published on {index}"), 0);
        check("a.toml", &format!("index = \"https://{python}/simple\""), 1);
        check("a.rs", "https://example.com/networking", 0);
        check("Cargo.lock", &format!("https://{index}/"), 0);
    }

    #[test]
    fn what_only_this_machine_knows_is_found() {
        let own = own_words(Path::new("/srv/ann/enforcecore"), "build-7");
        let check = |text: &str, expected: usize| {
            assert_eq!(findings(&Tree::of("a.rs", text), &own).len(), expected, "{text}");
        };
        check("let path = \"/srv/ann/other/file\";", 1);
        check("on build-7 it takes a second", 1);
        check("\"rel/..srv/ann/file\"", 0);
        check("/srv/annex/, rebuild-7, a build", 0);
        // A usual name or folder is no sign of one machine.
        assert_eq!(own_words(Path::new("/tmp/enforcecore"), "localhost"), [""; 0]);
        assert_eq!(own_words(Path::new("/enforcecore"), "debian"), [""; 0]);
    }
}
