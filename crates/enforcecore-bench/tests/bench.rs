//! The measurement is one object that `cargo xtask bench` reads, or a reason.
#![cfg(test)]

use std::process::{Command, Output};

use serde_json::Value as Json;

fn measure(folder: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_enforcecore-bench")).args(["--dir", folder]).output().unwrap()
}

#[test]
fn each_row_has_a_baseline_and_nothing_stays() {
    let folder = env!("CARGO_TARGET_TMPDIR");
    let left = || std::fs::read_dir(folder).unwrap().count();
    let before = left();
    let measured = measure(folder);
    let said = String::from_utf8(measured.stderr).unwrap();
    // A build folder in memory has nothing to wait for, which is said.
    if !said.contains("nothing is ever durable") {
        let measured: Json = serde_json::from_slice(&measured.stdout).unwrap();
        let rows = measured["rows"].as_array().unwrap();
        assert_eq!(rows.len(), 2, "{measured}");
        for row in rows {
            assert!(row["name"].is_string() && row["baseline"].is_string(), "{row}");
            assert!(row["median_us"].as_f64() > Some(0.0) && row["ratio"].as_f64() > Some(0.0), "{row}");
        }
    }
    assert_eq!(left(), before, "{said}");
}

#[test]
fn a_folder_that_is_not_there_is_refused() {
    let measured = measure("nowhere");
    assert!(!measured.status.success() && measured.stdout.is_empty(), "{measured:?}");
    assert!(String::from_utf8(measured.stderr).unwrap().contains("cannot use the folder `nowhere`"));
}
