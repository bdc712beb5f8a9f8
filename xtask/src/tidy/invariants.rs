//! Each numbered invariant of `ARCHITECTURE.md` names the tests that hold it: ``test: `package::module::name` ``.

use anyhow::Result;

use super::Tree;

const DOCUMENT: &str = "ARCHITECTURE.md";

/// What stands before the name of a test.
const MARK: &str = "test: `";

/// Packages and where they live.
const FOLDERS: [(&str, &str); 7] = [
    ("enforcecore-audit", "crates/enforcecore-audit/"),
    ("enforcecore", "crates/enforcecore/"),
    ("enforcecore-host", "crates/enforcecore-host/"),
    ("enforcecore-gateway", "crates/enforcecore-gateway/"),
    ("enforcecore-cli", "crates/enforcecore-cli/"),
    ("python", "bindings/python/"),
    ("xtask", "xtask/"),
];

pub fn are_tested(tree: &Tree) -> Result<Vec<String>> {
    Ok(tree.file(DOCUMENT).map(|document| findings(tree, &document.text)).unwrap_or_default())
}

fn findings(tree: &Tree, text: &str) -> Vec<String> {
    let invariants = invariants(text);
    if invariants.is_empty() {
        return vec![format!("{DOCUMENT}: no numbered list under a heading `Invariants`")];
    }
    let mut findings = Vec::new();
    for (number, text) in invariants {
        let tests: Vec<&str> = text.split(MARK).skip(1).filter_map(|rest| rest.split('`').next()).collect();
        if tests.is_empty() {
            findings.push(format!("{DOCUMENT}: invariant {number} names no test"));
        }
        for test in tests.into_iter().filter(|test| !exists(tree, test)) {
            findings.push(format!("{DOCUMENT}: invariant {number} names `{test}`, which does not exist"));
        }
    }
    findings
}

/// The numbered entries under the heading that ends in "Invariants", each with everything up to the next one.
fn invariants(text: &str) -> Vec<(String, String)> {
    let is_heading = |line: &str| line.starts_with('#');
    let begins = |line: &str| is_heading(line) && line.to_lowercase().contains("invariants");
    let section = text.lines().skip_while(|line| !begins(line)).skip(1).take_while(|line| !is_heading(line));
    let mut invariants: Vec<(String, String)> = Vec::new();
    for line in section {
        match (line.split_once(". "), invariants.last_mut()) {
            (Some((number, rest)), _) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => {
                invariants.push((number.to_owned(), rest.to_owned()));
            }
            (_, Some((_, text))) => {
                text.push('\n');
                text.push_str(line);
            }
            _ => {}
        }
    }
    invariants
}

/// True when a file of the package, in the named module, defines the test.
fn exists(tree: &Tree, test: &str) -> bool {
    let Some((path, name)) = test.rsplit_once("::") else { return false };
    let mut modules = path.split("::");
    let Some(folder) = modules.next().and_then(folder) else { return false };
    let modules: Vec<&str> = modules.collect();
    let definitions = [format!("fn {name}("), format!("def {name}("), format!("{name}: ")];
    tree.files.iter().filter(|file| file.path.starts_with(folder)).any(|file| {
        let stem = file.path.rsplit_once('.').map_or(file.path.as_str(), |(stem, _)| stem);
        let parts: Vec<&str> = stem.split('/').collect();
        let is_there = modules.iter().all(|module| parts.contains(module));
        is_there && definitions.iter().any(|definition| file.text.contains(definition.as_str()))
    })
}

/// Where a package lives.
fn folder(package: &str) -> Option<&'static str> {
    let place = FOLDERS.iter().find(|(name, _)| *name == package);
    place.map(|(_, folder)| *folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invariant_needs_a_test_that_exists() {
        let check = |text: &str, expected: usize| {
            let tree = Tree::of("crates/enforcecore/tests/line.rs", "#[test]\nfn holds() {}\n");
            let found = findings(&tree, &format!("# A\n\n## Invariants\n\n{text}\n\n## B\n\n7. not one\n"));
            assert_eq!(found.len(), expected, "{text}: {found:?}");
        };
        check("1. Holds. test: `enforcecore::line::holds`", 0);
        check("1. Holds.\n   test: `enforcecore::holds`", 0);
        check("1. Holds. test: `enforcecore::line::breaks`", 1);
        check("1. Holds. test: `enforcecore::lines::holds`", 1);
        check("1. Holds.\n2. Holds. test: `enforcecore::holds`", 1);
        check("Nothing.", 1);
    }
}
