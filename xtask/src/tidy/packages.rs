//! How many packages each part of the product pulls in: a reviewer has to read all of them.

use std::collections::BTreeSet;

use anyhow::Result;

use super::Tree;
use crate::tool::{cargo, read};

/// Packages the log may use, itself included: what an auditor who embeds the verifier takes on. It has 37 (2026-11-26), and
/// most of them are the cryptography.
const AUDIT_PACKAGES_MAX: usize = 60;
/// Packages the library may use, itself included: what a program that embeds it takes on. It has 91 (2026-11-24), and most of
/// them are the Unicode tables of host names and the cryptography.
const CORE_PACKAGES_MAX: usize = 110;
/// Packages of the library with its files and processes: little more than the library, because that much is the standard
/// library's. It has 102 (2026-11-24).
const HOST_PACKAGES_MAX: usize = 120;
/// Packages of the program: also the runtime for asynchronous code, the protocol and the terminal. It has 138 (2026-11-24).
const CLI_PACKAGES_MAX: usize = 220;

/// Each limit with the package it is for.
const LIMITS: [(&str, usize); 4] = [
    ("enforcecore-audit", AUDIT_PACKAGES_MAX),
    ("enforcecore", CORE_PACKAGES_MAX),
    ("enforcecore-host", HOST_PACKAGES_MAX),
    ("enforcecore-cli", CLI_PACKAGES_MAX),
];

/// Counted for one system, so that every machine counts alike.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// What one package pulls in.
pub struct Weight {
    /// The package.
    pub package: &'static str,
    /// Packages it is built from, itself included.
    pub packages: usize,
    /// How many they may be.
    pub max: usize,
}

pub fn within_limits(tree: &Tree) -> Result<Vec<String>> {
    Ok(weights(&tree.root)?.iter().filter_map(finding).collect())
}

/// Counts the packages of everything that has a limit, with default features.
pub fn weights(root: &std::path::Path) -> Result<Vec<Weight>> {
    let weigh = |(package, max)| {
        let arguments =
            ["tree", "--locked", "--edges=normal,build", "--prefix=none", "--target", TARGET, "-p", package];
        Ok(Weight { package, packages: unique(&read(cargo(root, &arguments))?), max })
    };
    LIMITS.into_iter().map(weigh).collect()
}

/// Different packages in a list of `cargo tree`; two versions of one name are two.
fn unique(list: &str) -> usize {
    let name_and_version = |line: &str| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    list.lines().filter(|line| !line.is_empty()).map(name_and_version).collect::<BTreeSet<_>>().len()
}

fn finding(weight: &Weight) -> Option<String> {
    let Weight { package, packages, max } = weight;
    (packages > max).then(|| format!("`{package}` is built from {packages} packages; the limit is {max}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_counted_once_for_each_version() {
        let check = |list: &str, expected: usize| assert_eq!(unique(list), expected, "{list}");
        check("a v1.0.0 (/a)\nb v2.0.0\nc v1.0.0 (proc-macro)\nb v2.0.0 (*)\n", 3);
        check("a v1.0.0\na v2.0.0\n", 2);
        check("a v1.0.0\n\na v1.0.0 (*)\n", 1);
    }

    #[test]
    fn one_package_too_many_is_found() {
        let weight = |packages| Weight { package: "enforcecore", packages, max: CORE_PACKAGES_MAX };
        assert_eq!(finding(&weight(CORE_PACKAGES_MAX)), None);
        let found = finding(&weight(CORE_PACKAGES_MAX + 1));
        assert_eq!(found.unwrap(), "`enforcecore` is built from 111 packages; the limit is 110");
    }
}
