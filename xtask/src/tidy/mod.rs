//! The house rules as tests: `cargo test -p xtask` fails when one is broken, `cargo xtask tidy` lists where.
//!
//! Each rule is a function from the tree to its findings, one file per rule, with examples it must find beside it: a rule
//! that finds nothing because it looks at nothing would be worse than none.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::modules::Sources;
use crate::tool::{self, command, read, say};
use crate::{docs, surface};

mod dependencies;
pub mod floors;
mod invariants;
mod lazy;
mod licences;
mod numbers;
mod opened;
pub mod packages;
mod purity;
mod sizes;
pub mod source;
mod words;

/// A rule: what it is called and how its findings are made.
type Rule = (&'static str, fn(&Tree) -> Result<Vec<String>>);

const RULES: [Rule; 15] = [
    ("dependencies point one way", dependencies::direction),
    ("only the outer crates are asynchronous", dependencies::asynchrony),
    ("files use lower floors alone", floors::import_downwards),
    ("a change of the public surface is written down", surface_is_known),
    ("no part pulls in too many packages", packages::within_limits),
    ("every licence is on the list", licences::allowed),
    ("the core does no I/O", purity::pure_core),
    ("faces hold no policy logic", purity::no_decision_outside),
    ("nothing is initialised at its first use", lazy::nothing_lazy),
    ("files are opened in one place", opened::in_one_place),
    ("no file is too long", sizes::within_limits),
    ("numbers in the readme say where they come from", numbers::have_a_source),
    ("commands in the documents are marked to be run", commands_are_marked),
    ("every invariant names a test that exists", invariants::are_tested),
    ("no tracked file names a registry or this machine", words::none_forbidden),
];

/// Applies every rule; true when none found anything.
pub fn run() -> Result<bool> {
    let tree = Tree::read(tool::root()?)?;
    let mut findings = 0;
    for (name, rule) in RULES {
        let found = rule(&tree)?;
        say(&format!("{} {name}", if found.is_empty() { "ok  " } else { "FAIL" }));
        found.iter().for_each(|finding| say(&format!("    {finding}")));
        findings += found.len();
    }
    Ok(findings == 0)
}

/// The tracked text files.
pub struct Tree {
    /// The folder of the workspace.
    root: PathBuf,
    /// Each file, in order of its path.
    files: Vec<File>,
}

/// One tracked text file.
struct File {
    /// Relative to the root, with `/`.
    path: String,
    text: String,
}

impl Tree {
    fn read(root: PathBuf) -> Result<Tree> {
        let mut files = Vec::new();
        for path in tracked(&root)? {
            let bytes = fs::read(root.join(&path)).with_context(|| format!("cannot read `{path}`"))?;
            // What is not text holds no words, functions or imports.
            if let Ok(text) = String::from_utf8(bytes) {
                files.push(File { path, text });
            }
        }
        Ok(Tree { root, files })
    }

    fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    fn with_extension<'a>(&'a self, extension: &'a str) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(move |file| file.path.rsplit_once('.').is_some_and(|(_, end)| end == extension))
    }

    /// Its Rust files.
    fn sources(&self) -> Sources {
        Sources(self.with_extension("rs").map(|file| (file.path.clone(), file.text.clone())).collect())
    }

    /// A tree of one file, to show a rule what it must find.
    #[cfg(test)]
    fn of(path: &str, text: &str) -> Tree {
        let file = File { path: path.to_owned(), text: text.to_owned() };
        Tree { root: PathBuf::new(), files: vec![file] }
    }
}

/// Paths of the files git tracks or would track, those that exist.
pub fn tracked(root: &Path) -> Result<Vec<String>> {
    let list = read(command("git", root, &["ls-files", "-z", "--cached", "--others", "--exclude-standard"]))?;
    let mut paths: Vec<String> = list.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    paths.retain(|path| root.join(path).is_file());
    paths.sort();
    paths.dedup();
    Ok(paths)
}

/// The listed lines are made by `cargo xtask surface --write`.
fn surface_is_known(tree: &Tree) -> Result<Vec<String>> {
    surface::differences(&tree.sources(), |path| tree.file(path).map(|file| file.text.as_str()))
}

/// The commands themselves are run by `cargo xtask test`.
fn commands_are_marked(tree: &Tree) -> Result<Vec<String>> {
    let documents = tree.files.iter().filter(|file| docs::is_document(&file.path));
    Ok(documents.flat_map(|file| docs::refused_marks(&file.path, &file.text)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One test per rule, so that a broken rule is named in the list of failures.
    macro_rules! rules_hold {
        ($($test:ident: $rule:path;)*) => {$(
            #[test]
            fn $test() {
                let found = $rule(&Tree::read(tool::root().unwrap()).unwrap()).unwrap();
                assert!(found.is_empty(), "\n{}", found.join("\n"));
            }
        )*};
    }

    rules_hold! {
        dependencies_point_one_way: dependencies::direction;
        only_the_outer_crates_are_asynchronous: dependencies::asynchrony;
        files_use_lower_floors_alone: floors::import_downwards;
        a_change_of_the_public_surface_is_written_down: surface_is_known;
        no_part_pulls_in_too_many_packages: packages::within_limits;
        every_licence_is_on_the_list: licences::allowed;
        the_core_does_no_io: purity::pure_core;
        faces_hold_no_policy_logic: purity::no_decision_outside;
        nothing_is_initialised_at_its_first_use: lazy::nothing_lazy;
        files_are_opened_in_one_place: opened::in_one_place;
        no_file_is_too_long: sizes::within_limits;
        numbers_in_the_readme_say_where_they_come_from: numbers::have_a_source;
        commands_in_the_documents_are_marked_to_be_run: commands_are_marked;
        every_invariant_names_a_test_that_exists: invariants::are_tested;
        no_tracked_file_names_a_registry_or_this_machine: words::none_forbidden;
    }

    #[test]
    fn the_tree_has_this_file() {
        let tree = Tree::read(tool::root().unwrap()).unwrap();
        assert!(tree.file("xtask/src/tidy/mod.rs").is_some());
        assert!(tree.with_extension("rs").count() > 5);
    }
}
