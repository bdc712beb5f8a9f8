//! Words no tracked file may hold: addresses of package registries and names of the machines we happen to work on.
//!
//! A registry's address in a file decides for everyone where packages come from; that is each machine's own setting.

use anyhow::Result;

use super::Tree;

/// Hosts no address may point to. Written in two parts, so that this file does not find itself.
const HOSTS: [&str; 4] =
    [concat!("crates", ".io"), concat!("pypi", ".org"), concat!("npmjs", "."), concat!("debian", ".org")];

/// Words that stand nowhere.
const WORDS: [&str; 2] = [concat!("/wo", "rk/"), concat!("far", "m-")];

/// Files whose form another tool prescribes.
const EXCEPTIONS: [(&str, &str); 2] = [
    ("Cargo.lock", "cargo writes the registry's name into its lock file"),
    ("fuzz/Cargo.lock", "cargo writes the registry's name into its lock file"),
];

pub fn none_forbidden(tree: &Tree) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| !EXCEPTIONS.iter().any(|(path, _)| *path == file.path)) {
        for (index, line) in file.text.lines().enumerate() {
            let host = HOSTS.iter().find(|host| addresses(line).any(|address| address.contains(**host)));
            let word = WORDS.iter().find(|word| stands_in(line, word));
            for found in host.into_iter().chain(word) {
                findings.push(format!("{}:{}: `{found}`", file.path, index + 1));
            }
        }
    }
    Ok(findings)
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
    fn forbidden_words_are_found() {
        let check = |path: &str, text: &str, expected: usize| {
            assert_eq!(none_forbidden(&Tree::of(path, text)).unwrap().len(), expected, "{text}");
        };
        let [index, python, ..] = HOSTS;
        let [folder, machine] = WORDS;
        check("a.md", &format!("see https://{index}/crates/a"), 1);
        check("a.md", &format!("published on {index}"), 0);
        check("a.toml", &format!("index = \"https://{python}/simple\""), 1);
        check("a.rs", &format!("let path = \"{folder}a\";"), 1);
        check("a.rs", &format!("host {machine}1"), 1);
        check("a.rs", &format!("\"rel/..{folder}file\""), 0);
        check("a.rs", "https://example.com/networking", 0);
        check("Cargo.lock", &format!("https://{index}/"), 0);
    }
}
