//! `cargo xtask platforms`: the product compiles for systems this machine is not.
//!
//! What is deliberately absent: running anything. `cargo xtask soak platforms-arm` and `platforms-windows` do.

use std::path::Path;

use anyhow::Result;

use crate::steps::Steps;
use crate::tool::{self, cargo, command, follow};

/// Targets the product is checked for, each the name the compiler knows it by.
const TARGETS: [&str; 3] = ["aarch64-unknown-linux-gnu", "x86_64-pc-windows-gnu", "aarch64-apple-darwin"];

/// What is checked: all that ships, except the extension module, which needs that system's Python.
const PACKAGES: [&str; 8] =
    ["-p", "enforcecore-audit", "-p", "enforcecore", "-p", "enforcecore-host", "-p", "enforcecore-cli"];

/// The program without what only its default features build: it compiles too, and leaves nothing unused.
const WITHOUT_DEFAULTS: [&str; 3] = ["-p", "enforcecore-cli", "--no-default-features"];

/// Checks every target; true when all compile.
pub fn run() -> Result<bool> {
    let root = tool::root()?;
    let mut steps = Steps::start();
    check(&root, &mut steps);
    Ok(steps.finish())
}

/// Adds a step for each target.
pub fn check(root: &Path, steps: &mut Steps) {
    for target in TARGETS {
        steps.check(&format!("check: {target}"), || compiles(root, target));
    }
}

/// Installs the target's standard library, if it is missing.
pub fn add_target(root: &Path, target: &str) -> Result<()> {
    follow(command("rustup", root, &["target", "add", target]), |_| false)?
        .require(&format!("installing the target `{target}`"))
}

fn compiles(root: &Path, target: &str) -> Result<()> {
    add_target(root, target)?;
    let place = ["--target", target, "--target-dir", "target/check"];
    for checked in [PACKAGES.as_slice(), &WITHOUT_DEFAULTS] {
        let mut check = cargo(root, &[["check", "--quiet"].as_slice(), &place, checked].concat());
        // What only one system uses is dead code on the others, and only their compilers see it.
        check.env("RUSTFLAGS", "-D warnings");
        follow(check, |_| false)?.require(&format!("the check for `{target}`, `{}`", checked.join(" ")))?;
    }
    Ok(())
}
