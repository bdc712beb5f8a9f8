//! The direction of dependencies, read from what cargo resolved: `cli -> gateway -> host -> enforcecore -> audit`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::Value;

use super::Tree;
use crate::tool::{cargo, read};

/// What each member may depend on among its fellows, and whether a runtime for asynchronous code may come along.
const MEMBERS: [(&str, &[&str], bool); 9] = [
    // An auditor verifies a log with nothing but the log.
    ("enforcecore-audit", &[], false),
    ("enforcecore", &["enforcecore-audit"], false),
    ("enforcecore-host", &["enforcecore"], false),
    ("enforcecore-gateway", &["enforcecore", "enforcecore-host"], true),
    ("enforcecore-demo", &["enforcecore", "enforcecore-host"], false),
    ("enforcecore-cli", &["enforcecore", "enforcecore-host", "enforcecore-gateway", "enforcecore-demo"], true),
    ("enforcecore-bench", &["enforcecore", "enforcecore-host"], false),
    ("enforcecore-python", &["enforcecore", "enforcecore-host"], false),
    ("xtask", &[], false),
];

const RUNTIME: &str = "tokio";

pub fn direction(tree: &Tree) -> Result<Vec<String>> {
    Ok(wrong_edges(&Graph::of(&metadata(tree)?)?))
}

pub fn asynchrony(tree: &Tree) -> Result<Vec<String>> {
    Ok(wrong_runtimes(&Graph::of(&metadata(tree)?)?))
}

/// What `cargo metadata` says of the workspace and everything it uses.
pub fn metadata(tree: &Tree) -> Result<Value> {
    let text = read(cargo(&tree.root, &["metadata", "--format-version=1", "--locked"]))?;
    serde_json::from_str(&text).context("cargo metadata is not JSON")
}

/// Packages by name; the workspace has one version of each of those the rules ask about.
#[derive(Default)]
struct Graph {
    members: BTreeSet<String>,
    /// Dependencies of every kind, tests' included.
    all: BTreeMap<String, BTreeSet<String>>,
    /// Dependencies that end up in the product.
    shipped: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    fn of(metadata: &Value) -> Result<Graph> {
        let mut graph = Graph::default();
        let mut names = BTreeMap::new();
        for package in metadata["packages"].as_array().context("cargo metadata lists no packages")? {
            let (Some(id), Some(name)) = (package["id"].as_str(), package["name"].as_str()) else { continue };
            names.insert(id.to_owned(), name.to_owned());
        }
        let name = |id: &Value| id.as_str().and_then(|id| names.get(id)).cloned();
        graph.members.extend(metadata["workspace_members"].as_array().into_iter().flatten().filter_map(name));
        let nodes = metadata.pointer("/resolve/nodes").and_then(Value::as_array);
        for node in nodes.context("cargo metadata resolved nothing")? {
            let Some(from) = name(&node["id"]) else { continue };
            for dependency in node["deps"].as_array().into_iter().flatten() {
                let Some(to) = name(&dependency["pkg"]) else { continue };
                let mut kinds = dependency["dep_kinds"].as_array().into_iter().flatten();
                if kinds.any(|kind| kind["kind"].is_null()) {
                    graph.shipped.entry(from.clone()).or_default().insert(to.clone());
                }
                graph.all.entry(from.clone()).or_default().insert(to);
            }
        }
        Ok(graph)
    }

    /// Everything that ships with `package`.
    fn shipped_with<'a>(&'a self, package: &'a str) -> BTreeSet<&'a str> {
        let mut seen = BTreeSet::new();
        let mut open = vec![package];
        while let Some(package) = open.pop() {
            let next = self.shipped.get(package).into_iter().flatten().map(String::as_str);
            open.extend(next.filter(|name| seen.insert(*name)));
        }
        seen
    }
}

fn wrong_edges(graph: &Graph) -> Vec<String> {
    let mut findings = Vec::new();
    for member in &graph.members {
        let Some((_, allowed, _)) = MEMBERS.iter().find(|(name, ..)| name == member) else {
            findings.push(format!("`{member}` has no place in the direction of dependencies"));
            continue;
        };
        for dependency in graph.all.get(member).into_iter().flatten() {
            if graph.members.contains(dependency) && !allowed.contains(&dependency.as_str()) {
                findings.push(format!("`{member}` depends on `{dependency}`"));
            }
        }
    }
    findings
}

fn wrong_runtimes(graph: &Graph) -> Vec<String> {
    let may = |member: &str| MEMBERS.iter().any(|(name, _, allowed)| *name == member && *allowed);
    let mut findings = Vec::new();
    for member in graph.members.iter().filter(|member| !may(member)) {
        let for_tests = graph.all.get(member).is_some_and(|names| names.contains(RUNTIME));
        if for_tests || graph.shipped_with(member).contains(RUNTIME) {
            findings.push(format!("`{member}` depends on `{RUNTIME}`"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &str)]) -> Graph {
        let mut graph = Graph::default();
        graph.members.extend(MEMBERS.map(|(name, ..)| name.to_owned()));
        for (from, to) in edges {
            graph.all.entry((*from).to_owned()).or_default().insert((*to).to_owned());
            graph.shipped.entry((*from).to_owned()).or_default().insert((*to).to_owned());
        }
        graph
    }

    #[test]
    fn an_edge_against_the_direction_is_found() {
        assert!(wrong_edges(&graph(&[("enforcecore-host", "enforcecore")])).is_empty());
        assert!(wrong_edges(&graph(&[("enforcecore", "enforcecore-audit")])).is_empty());
        assert_eq!(wrong_edges(&graph(&[("enforcecore-audit", "enforcecore")])).len(), 1);
        assert_eq!(wrong_edges(&graph(&[("enforcecore", "enforcecore-host")])).len(), 1);
        assert_eq!(wrong_edges(&graph(&[("enforcecore-python", "enforcecore-gateway")])).len(), 1);
        let mut stranger = graph(&[]);
        stranger.members.insert("enforcecore-extra".to_owned());
        assert_eq!(wrong_edges(&stranger).len(), 1);
    }

    #[test]
    fn a_runtime_is_found_through_other_packages() {
        assert!(wrong_runtimes(&graph(&[("enforcecore-gateway", "tokio")])).is_empty());
        let found = wrong_runtimes(&graph(&[("enforcecore-host", "reader"), ("reader", "tokio")]));
        assert_eq!(found, ["`enforcecore-host` depends on `tokio`"]);
    }
}
