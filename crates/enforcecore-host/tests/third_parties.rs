//! What others make of our logs: Go's transparency-log packages, and OpenSSL.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use enforcecore::audit::{Durability, public_key};
use enforcecore_host::keys::load_or_create_signer;
use support::{ORIGIN, folders, intend, intent, open};

/// Runs a program of the system, or says how to get it: this test is never skipped.
fn run(program: &str, arguments: &[&str], environment: &[(&str, &Path)]) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).envs(environment.iter().map(|(name, value)| (*name, *value)));
    command.output().unwrap_or_else(|error| {
        panic!(
            "`{program}` does not run ({error}): `cargo xtask test` installs what the tests need, {program} included"
        )
    })
}

fn build_verifier(root: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/go/main.go");
    let program = root.join("verify");
    // Debian keeps its Go packages here; nothing is fetched.
    let places = [
        ("GO111MODULE", Path::new("off")),
        ("GOPATH", Path::new("/usr/share/gocode")),
        ("GOFLAGS", Path::new("")),
        ("GOCACHE", &root.join("go-cache")),
    ];
    let built = run("go", &["build", "-o", program.to_str().unwrap(), source.to_str().unwrap()], &places);
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "`cargo xtask test` installs the Go packages this needs: {said}");
    program
}

#[test]
fn go_verifies_every_entry_and_every_seal() {
    let root = tempfile::tempdir().unwrap();
    let verifier = build_verifier(root.path());
    let verify = |log: &Path, vkey: &str| {
        let output = run(verifier.to_str().unwrap(), &[log.to_str().unwrap(), vkey], &[]);
        let said = if output.status.success() { output.stdout } else { output.stderr };
        (output.status.success(), String::from_utf8(said).unwrap().trim_end().to_owned())
    };
    let folders = folders(&root.path().join("evidence"));
    let path = folders.log.join("log.jsonl");
    let log = open(&folders).unwrap();
    let vkey = public_key(&load_or_create_signer(&folders.keys, ORIGIN).unwrap()).vkey();
    assert_eq!(verify(&path, &vkey), (true, "1 entries, 1 seals".to_owned()));
    // Groups of one, then of three, until the sizes around a full tile.
    let mut seals = 1;
    for index in 1..257 {
        let strict = index < 20 || index % 3 == 0 || index >= 254;
        if strict {
            assert_eq!(intend(&log, &format!("call-{index} \"é\"")), index);
            seals += 1;
        } else {
            let entry = intent(&format!("call-{index}"));
            log.commit(Durability::Buffered, |_, _| Ok::<_, ()>((entry, ()))).unwrap();
        }
        if [1, 2, 3, 6, 7, 254, 255, 256].contains(&index) {
            assert_eq!(verify(&path, &vkey), (true, format!("{} entries, {seals} seals", index + 1)));
        }
    }
    let other = public_key(&load_or_create_signer(&root.path().join("other"), ORIGIN).unwrap()).vkey();
    assert!(!verify(&path, &other).0);
    let whole = fs::read(&path).unwrap();
    let changed = root.path().join("changed.jsonl");
    for text in ["call-1 ", "call-200", "\"seal\":"] {
        let at = whole.windows(text.len()).rposition(|window| window == text.as_bytes()).unwrap();
        let mut bytes = whole.clone();
        bytes[at + 3] ^= 1;
        fs::write(&changed, bytes).unwrap();
        assert!(!verify(&changed, &vkey).0, "{text}");
    }
}

#[test]
fn openssl_verifies_a_checkpoint_and_reads_the_key() {
    let root = tempfile::tempdir().unwrap();
    let folders = folders(root.path());
    let log = open(&folders).unwrap();
    intend(&log, "a");
    let note = log.checkpoint().unwrap();
    let (text, signatures) = note.rsplit_once("\n\n").unwrap();
    let signature = BASE64.decode(signatures.trim_end().rsplit_once(' ').unwrap().1).unwrap();
    let at = |name: &str| root.path().join(name).to_str().unwrap().to_owned();
    let (key, public, message, signed) =
        (at("keys/log-signing-key.pem"), at("public.pem"), at("text"), at("signature"));
    fs::write(&signed, &signature[4..]).unwrap();
    let made = run("openssl", &["pkey", "-in", &key, "-pubout", "-out", &public], &[]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    for (text, genuine) in [(format!("{text}\n"), true), (format!("{text} \n"), false)] {
        fs::write(&message, text).unwrap();
        let arguments =
            ["pkeyutl", "-verify", "-pubin", "-inkey", &public, "-rawin", "-in", &message, "-sigfile", &signed];
        assert_eq!(run("openssl", &arguments, &[]).status.success(), genuine);
    }
}
