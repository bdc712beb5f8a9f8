//! Systems this machine is not, and what runs their programs here.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{Variables, counted};
use crate::platforms::add_target;
use crate::rust_tests::give_seed;
use crate::setup;
use crate::steps::Count;
use crate::tool::{cargo, command, read, watch};

/// A system, as its tests are built and run here.
pub struct System {
    target: &'static str,
    /// Debian packages with its linker and with what runs its programs.
    packages: &'static [&'static str],
    /// Tests that can run there, each a selection of `cargo test`.
    tests: &'static [&'static [&'static str]],
    variables: Variables,
    /// What is left to do once the packages are there.
    complete: fn(&System, &Path) -> Result<()>,
}

/// 64-bit ARM. Absent: the tests of whole process trees, because the emulator knows no reaper of orphans.
pub fn arm() -> System {
    let runner = "qemu-aarch64 -L /usr/aarch64-linux-gnu";
    System {
        target: "aarch64-unknown-linux-gnu",
        packages: &["qemu-user", "gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"],
        tests: &[
            &["-p", "enforcecore-audit", "-p", "enforcecore", "--lib", "--tests"],
            &["-p", "enforcecore-host", "--lib", "--test", "config"],
            &["-p", "enforcecore-host", "--test", "crashes", "--test", "evidence", "--test", "spawn_anywhere"],
        ],
        variables: vec![
            ("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", "aarch64-linux-gnu-gcc".into()),
            ("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", runner.into()),
            ("TEST_RUNNER", runner.into()),
        ],
        complete: |_, _| Ok(()),
    }
}

/// Windows. Absent: the tests of the configuration, which speak of Unix's paths, and those of whole process trees.
pub fn windows(root: &Path) -> System {
    System {
        target: "x86_64-pc-windows-gnu",
        packages: &["gcc-mingw-w64-x86-64", "wine", "wine64"],
        tests: &[
            &["-p", "enforcecore-audit", "-p", "enforcecore", "--lib", "--tests"],
            &["-p", "enforcecore-host", "--lib"],
            &["-p", "enforcecore-host", "--test", "crashes", "--test", "evidence", "--test", "spawn_anywhere"],
        ],
        variables: vec![
            ("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", "wine".into()),
            ("WINEPREFIX", wine_folder(root).into()),
            ("WINEDEBUG", "-all".into()),
        ],
        complete: complete_wine,
    }
}

impl System {
    /// Installs what builds and runs its programs.
    pub fn install(&self, root: &Path) -> Result<()> {
        setup::system_packages(self.packages)?;
        add_target(root, self.target)?;
        (self.complete)(self, root)
    }

    /// Runs its tests; the seed decides what the tests of properties try.
    pub fn test(&self, root: &Path, seed: u32) -> Result<Count> {
        let mut total = Count::default();
        for selection in self.tests {
            let place = ["--target", self.target, "--target-dir", "target/cross"];
            let arguments = [["test", "--quiet", "--no-fail-fast"].as_slice(), &place, selection].concat();
            let mut test = cargo(root, &arguments);
            test.envs(self.variables.clone());
            give_seed(&mut test, seed);
            total += counted(test)?;
        }
        Ok(total)
    }
}

fn wine_folder(root: &Path) -> PathBuf {
    root.join("target/wine")
}

/// Makes Wine's folder, and the library in it that this Wine may lack.
fn complete_wine(wine: &System, root: &Path) -> Result<()> {
    let libraries = wine_folder(root).join("drive_c/windows/system32");
    if !libraries.exists() {
        fs::create_dir_all(wine_folder(root)).context("cannot make a folder for Wine")?;
        let mut boot = command("wine", root, &["wineboot", "--init"]);
        boot.envs(wine.variables.clone());
        read(boot)?;
    }
    let library = libraries.join("bcryptprimitives.dll");
    if library.exists() {
        return Ok(());
    }
    let mut compile = command("x86_64-w64-mingw32-gcc", root, &["-shared", "xtask/src/soak/bcryptprimitives.c", "-o"]);
    compile.arg(library).arg("-ladvapi32");
    watch(compile)
}
