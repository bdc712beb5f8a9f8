//! The policies that are shipped load without a finding, and their own tests pass.
#![cfg(test)]

mod policy_support;

use enforcecore::inline_tests::run_tests;
use policy_support::{Lexical, load, render};

fn check(name: &str, text: &str) {
    let loaded = load(text).unwrap_or_else(|found| panic!("{name}\n{}", render(&found)));
    assert_eq!(render(&loaded.warnings), "", "{name}");
    let report = run_tests(&loaded.policy, &Lexical);
    let failed: Vec<_> = report.results.iter().filter(|result| !result.passed).collect();
    assert!(failed.is_empty(), "{name}: {failed:#?}");
    assert!(report.results.len() >= 15, "{name} tests itself");
}

#[test]
fn shipped_policies_pass_their_tests() {
    check("support-agent", include_str!("../../../policies/support-agent.yaml"));
    check("filesystem", include_str!("../../../policies/filesystem.yaml"));
    check("demo", include_str!("../../../policies/demo.yaml"));
}
