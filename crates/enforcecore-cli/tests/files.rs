//! Names that others may have made: no command waits for a pipe, reads a device or follows a link it should not.
#![cfg(test)]
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod cli_support;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;

use cli_support::{POLICY, Place, Ran, output};

const CALL: &str = r#"{"tool":"read_note","args":{"name":"a"}}"#;
const DECIDE: [&str; 3] = ["decide", "--call", CALL];
const MCP: [&str; 3] = ["mcp", "--", "cat"];
const KEYS: &str = ".enforcecore/keys/log-signing-key.pem";
const NAMES: &str = ".enforcecore/keys/log-names-secret";

/// A project with a log, its keys and its anchor.
fn project() -> Place {
    let place = Place::with(&[
        ("policy.yaml", &POLICY.replace("tools:\n", "bound_by: [base.yaml]\ntools:\n")),
        ("base.yaml", "enforcecore: 1\nname: base\nversion: \"1\"\nkind: guardrail\n"),
        ("enforcecore.toml", "policy = \"policy.yaml\"\nlog = \"log\"\nanchor = \"anchor\"\n"),
        ("home/.config/enforcecore/enforcecore.toml", ""),
        ("calls.jsonl", CALL),
        ("session.jsonl", "{\"facts\":{}}\n"),
    ]);
    assert_eq!(run(&place, &MCP).status, 0, "{:?}", run(&place, &MCP));
    place
}

/// The command, which must end by itself.
fn run(place: &Place, args: &[&str]) -> Ran {
    place.run(args)
}

fn make_fifo(place: &Place, name: &str) {
    assert!(Command::new("mkfifo").arg(place.path(name)).status().unwrap().success());
}

/// Ways to put something in a file's place.
fn put(place: &Place, name: &str, what: &str) {
    fs::remove_file(place.path(name)).unwrap();
    match what {
        "pipe" => make_fifo(place, name),
        "socket" => drop(UnixListener::bind(place.path(name)).unwrap()),
        "folder" => fs::create_dir(place.path(name)).unwrap(),
        device => symlink(device, place.path(name)).unwrap(),
    }
}

#[test]
fn what_is_no_file_is_refused_at_once() {
    let verify = ["audit", "verify"];
    let rows: &[(&str, &[&str], i32, i32)] = &[
        (KEYS, &MCP, 0, 5),
        (NAMES, &MCP, 0, 5),
        ("anchor/checkpoint", &MCP, 0, 5),
        ("log/log.jsonl", &MCP, 0, 5),
        ("log/lock", &MCP, 0, 5),
        ("policy.yaml", &MCP, 0, 5),
        ("base.yaml", &MCP, 0, 5),
        ("enforcecore.toml", &MCP, 0, 5),
        ("home/.config/enforcecore/enforcecore.toml", &MCP, 0, 5),
        ("policy.yaml", &DECIDE, 0, 5),
        ("policy.yaml", &["policy", "check", "policy.yaml"], 0, 2),
        ("policy.yaml", &["policy", "test", "policy.yaml"], 0, 2),
        ("base.yaml", &["policy", "check", "policy.yaml"], 0, 1),
        ("base.yaml", &["demo", "--policy", "base.yaml"], 5, 2),
        ("enforcecore.toml", &["config", "show"], 0, 1),
        ("enforcecore.toml", &["config", "show", "--config", "enforcecore.toml"], 0, 2),
        ("calls.jsonl", &["decide", "--calls", "calls.jsonl"], 0, 2),
        ("session.jsonl", &["decide", "--session", "session.jsonl", "--call", CALL], 0, 2),
        ("session.jsonl", &["decide", "--session", "session.jsonl", "--save", "--call", CALL], 0, 2),
        ("log/log.jsonl", &verify, 0, 2),
        ("log/log.jsonl", &["audit", "show"], 0, 2),
        ("log/log.jsonl", &["audit", "anchor"], 0, 2),
        ("anchor/checkpoint", &verify, 0, 2),
        ("anchor/checkpoint", &["audit", "verify", "--anchor", "anchor/checkpoint"], 0, 2),
        ("anchor/checkpoint", &["audit", "anchor"], 0, 2),
        (KEYS, &verify, 0, 2),
        (KEYS, &["audit", "anchor"], 0, 2),
        // An auditor waits for no lock that is none.
        ("log/lock", &verify, 0, 0),
        ("log/lock", &["audit", "show"], 0, 0),
    ];
    let whole = project();
    for (name, args, twin, refused) in rows {
        for what in ["pipe", "socket", "folder", "/dev/zero"] {
            let place = Place::new();
            let copied = Command::new("cp").args(["-a", "--"]).arg(whole.path(".")).arg(place.root()).status();
            assert!(copied.unwrap().success());
            // The demo plays for seconds, whatever the policy.
            if args.first() != Some(&"demo") {
                let ran = run(&place, args);
                assert_eq!(ran.status, *twin, "the twin of {name} {args:?}: {ran:?}");
            }
            put(&place, name, what);
            let ran = run(&place, args);
            let said = format!("{}{}", ran.stdout, ran.stderr);
            // A link within a project is a mistake in its configuration.
            let status = if said.contains("EC1005") && *refused == 2 { 5 } else { *refused };
            assert_eq!(ran.status, status, "{what} as {name}, {args:?}: {ran:?}");
            let why = ["not a regular file", "is a symbolic link", "it remembers no checkpoint"];
            assert!(*refused == 0 || why.iter().any(|why| said.contains(why)), "{what} as {name}, {args:?}: {ran:?}");
        }
    }
}

#[test]
fn what_lies_about_in_a_folder_is_no_end_to_looking_at_it() {
    let place = Place::new();
    for name in [".mcp.json", "agent.py", "pyproject.toml"] {
        make_fifo(&place, name);
    }
    assert_eq!(run(&place, &["init", "."]).status, 0);
    // What an anchor's folder holds beside the checkpoint is nothing to open either.
    let place = project();
    make_fifo(&place, "anchor/.checkpoint.new");
    fs::remove_dir_all(place.path("log")).unwrap();
    fs::remove_file(place.path("anchor/checkpoint")).unwrap();
    assert_eq!(run(&place, &MCP).status, 0);
    assert!(place.read("anchor/checkpoint").starts_with("enforcecore.local/log\n"));
}

#[test]
fn what_decides_lies_where_no_other_can_exchange_it() {
    for (args, refused) in [
        (&["policy", "check", "shared/mine/policy.yaml"][..], 2),
        (&["decide", "--policy", "shared/mine/policy.yaml", "--call", CALL], 5),
        (&["mcp", "--policy", "shared/mine/policy.yaml", "--", "cat"], 5),
        (&["mcp", "--log", "shared/mine/log", "--", "cat"], 5),
        (&["mcp", "--keys", "shared/mine/keys", "--", "cat"], 5),
        (&["mcp", "--config", "shared/mine/enforcecore.toml", "--", "cat"], 5),
        (&["decide", "--session", "shared/mine/session.jsonl", "--call", CALL], 2),
    ] {
        let place = project();
        for name in ["policy.yaml", "base.yaml", "session.jsonl"] {
            place.write(&format!("shared/mine/{name}"), place.read(name));
        }
        place.write("shared/mine/enforcecore.toml", "policy = \"policy.yaml\"\n");
        for (mode, expected) in [(0o777, refused), (0o1777, 0), (0o775, 0)] {
            fs::set_permissions(place.path("shared"), Permissions::from_mode(mode)).unwrap();
            // Another anchor is another log's.
            let _ = fs::remove_dir_all(place.path("anchor"));
            let _ = fs::remove_dir_all(place.path("log"));
            let ran = run(&place, args);
            assert_eq!(ran.status, expected, "{mode:o} {args:?}: {ran:?}");
            let said = format!("{}{}", ran.stdout, ran.stderr);
            let mine = fs::metadata(place.root()).unwrap().uid();
            let why = format!("the folder `{}` (owner {mine}, mode 0777)", place.path("shared").display());
            assert_eq!(said.contains(&why), expected != 0, "{args:?}: {ran:?}");
            assert_eq!(said.contains("`chmod go-w "), expected != 0, "{args:?}: {ran:?}");
        }
    }
}

/// Builds a container's volume as it is mounted, in a mount namespace of its own, and runs the rest of its words.
const VOLUME: &str = r#"set -e
volume=$1 mode=$2 mount=$3; shift 3
mount -t tmpfs tmpfs "$volume"
mkdir "$volume/..2026_01_01_00_00_00.1"
cp policy.yaml base.yaml .enforcecore/keys/log-* "$volume/..2026_01_01_00_00_00.1"
chmod 0400 "$volume"/..2026_01_01_00_00_00.1/*
ln -s ..2026_01_01_00_00_00.1 "$volume/..data"
for name in policy.yaml base.yaml log-signing-key.pem log-names-secret; do ln -s "..data/$name" "$volume/$name"; done
chmod "$mode" "$volume"
mount -o "remount,$mount" "$volume"
exec "$@"
"#;

#[cfg(target_os = "linux")]
#[test]
fn a_volume_of_a_container_loads_where_it_is_mounted_read_only() {
    let probe = Command::new("unshare").args(["--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).status();
    if !probe.is_ok_and(|status| status.success()) {
        return eprintln!("skipped: this system lets no one mount; the table in `files/walk_tests.rs` plays it");
    }
    let place = project();
    fs::create_dir(place.path("volume")).unwrap();
    let check: [&[&str]; 3] = [
        &["policy", "check", "volume/policy.yaml"],
        &["decide", "--policy", "volume/policy.yaml", "--call", CALL],
        &["mcp", "--keys", "volume", "--", "cat"],
    ];
    for (args, refused) in check.into_iter().zip([2, 5, 5]) {
        for (mode, mount, expected) in
            [("0777", "ro", 0), ("3777", "ro", 0), ("0777", "rw", refused), ("0755", "rw", 0), ("0755", "ro", 0)]
        {
            let mut command = Command::new("unshare");
            command.args(["--mount", "sh", "-c", VOLUME, "sh", "volume", mode, mount]);
            let product = place.command(args);
            command.arg(product.get_program()).args(product.get_args());
            command.current_dir(place.root()).env("HOME", place.path("home"));
            let ran = Ran::of(output(&mut command));
            assert_eq!(ran.status, expected, "{mode} {mount} {args:?}: {ran:?}");
            let why = format!("the folder `{}` (owner 0, mode 0777)", place.path("volume").display());
            assert_eq!(format!("{}{}", ran.stdout, ran.stderr).contains(&why), expected != 0, "{ran:?}");
        }
    }
}
