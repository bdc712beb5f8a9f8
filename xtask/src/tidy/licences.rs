//! Every dependency's licence is one of those in `deny.toml`, read here so that the check needs no further tool.

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Tree, dependencies};

const LIST: &str = "deny.toml";

pub fn allowed(tree: &Tree) -> Result<Vec<String>> {
    let list = tree.file(LIST).with_context(|| format!("`{LIST}` is missing"))?;
    let list: toml::Table = list.text.parse().with_context(|| format!("cannot read `{LIST}`"))?;
    let allowed = list.get("licenses").and_then(|licences| licences.get("allow")).and_then(toml::Value::as_array);
    let allowed: Vec<&str> = allowed.into_iter().flatten().filter_map(toml::Value::as_str).collect();
    findings(&dependencies::metadata(tree)?, &allowed)
}

fn findings(metadata: &Value, allowed: &[&str]) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for package in metadata["packages"].as_array().context("cargo metadata lists no packages")? {
        let name = package["name"].as_str().unwrap_or_default();
        match package["license"].as_str() {
            None => findings.push(format!("`{name}` names no licence")),
            Some(licence) if !is_allowed(licence, allowed)? => findings.push(format!("`{name}` is under {licence}")),
            Some(_) => {}
        }
    }
    Ok(findings)
}

/// True when a choice the expression offers consists of allowed licences alone.
fn is_allowed(licence: &str, allowed: &[&str]) -> Result<bool> {
    let expression = spdx::Expression::parse_mode(licence, spdx::ParseMode::LAX);
    let expression = expression.with_context(|| format!("`{licence}` is no licence expression"))?;
    // An exception only adds permissions to its licence.
    Ok(expression.evaluate(|requirement| requirement.license.id().is_some_and(|id| allowed.contains(&id.name))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_licence_is_allowed_when_a_choice_of_it_is() {
        let check = |licence: &str, expected: bool| {
            assert_eq!(is_allowed(licence, &["MIT", "Apache-2.0", "Unicode-3.0"]).unwrap(), expected, "{licence}");
        };
        check("MIT", true);
        check("MIT/Apache-2.0", true);
        check("GPL-3.0-only OR MIT", true);
        check("GPL-3.0-only AND MIT", false);
        check("(MIT OR Apache-2.0) AND Unicode-3.0", true);
        check("Apache-2.0 WITH LLVM-exception", true);
        check("AGPL-3.0-only", false);
    }

    #[test]
    fn a_package_without_a_licence_is_found() {
        let metadata =
            serde_json::json!({"packages": [{"name": "a", "license": null}, {"name": "b", "license": "MIT"}]});
        assert_eq!(findings(&metadata, &["MIT"]).unwrap(), ["`a` names no licence"]);
    }
}
