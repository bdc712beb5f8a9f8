//! What a key's file may hold: one Ed25519 key in PKCS#8 PEM, and nothing that only looks like one.
#![cfg(test)]

mod support;

use std::fs;
use std::path::Path;

use enforcecore::audit::LogError;
use enforcecore::ports::Signer as _;
use enforcecore_host::evidence::LogFolders;
use enforcecore_host::keys::{
    NAMES_SECRET_FILE, SIGNING_KEY_FILE, load_or_create_keyer, load_or_create_signer, load_signer,
};
use support::{ORIGIN, folders, intend, open};

/// The first test vector of RFC 8032, section 7.1: its secret key as PKCS#8, and its public key.
const ED25519: &str = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g";
const PUBLIC: [u8; 32] = [
    0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1, 0x72,
    0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
];

/// Keys of other algorithms, each made by OpenSSL: PKCS#8, and what is older than that.
const OTHERS: [(&str, &str); 7] = [
    ("X25519", "MC4CAQAwBQYDK2VuBCIEIGiMrnT0DBw1nOeKjEFMY1LqBjI+kw6pab/hhoJf5hF9"),
    ("Ed448", "MEcCAQAwBQYDK2VxBDsEOQwiOeMWYs9/14fDBybENJdRplhOI3DYMCoxMoYDriJoQlkMP3HdyQfX3ua/rLmM6/Edp1hfxTFudQ=="),
    ("X448", "MEYCAQAwBQYDK2VvBDoEOMSTZZHCE7iYRBArAXpZQ7DCNg+1eeGF1kEEAdsk6ljNfhsIdaLVnUT09qdocHiwmJXh4151VzmP"),
    (
        "P-256",
        "MHcCAQEEIEzWkiOw6kHwZQnNnYMcUswM9+pAgPI3VK0IDeWv+g+woAoGCCqGSM49AwEHoUQDQgAE9Div2IUyarF1GevntHLROFd0uCGJ1LMmjjkOIH1ccqAgYBjAej6hhu6/9W9hezalngwRjcN3/ucG49xrkClCLg==",
    ),
    (
        "RSA",
        "MIIBOwIBAAJBANsfEgvEefuuHifAAwU3iFCJFcSq8NFiIw/3cwLXLf9FfHmBiptegA0H7LwDH1UIxu9yFi850sz0qfYZQSyTO9UCAwEAAQJACbTDoN/QI3TgAxS/TYDbOe4Il9CWoD+/m9pzLsIHWJJPXBWuiGAV3fPyc5e2rWaL1m3lvTjlWO6zmPMS5z/wQQIhAP2ePHfGc7g1qXZqWVFvc3gdyjPZEaLn0DTGKm/L5VMlAiEA3S3lKZQMAT8AmRq1r3aJ/87E4cwA+53iiYAfJ/JJPvECIG8/GJEFWL8lsrbBgXpKI+E9V/OUNLs7acWsYvL1AhuNAiEArQeojXx6X8cv6pbQp/HuR6c0swhrhGyhurv2o8ORtaECIQDDZlA27yzuhlfMiMUZefZj5NMnObTjDd1aUjMaI8iodQ==",
    ),
    (
        "Ed25519, encrypted",
        "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiE/rmPMZakhgICCAAwDAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEIk5iGX6EO5gZdqwBPtXd/wEQM39MkhRn1urWbJM/xLrh8WjZpCPjBpCM3XgPbEtVXLEidL0xDWNO+ZU8Snbc75a4qf+CYRoJK3/oAaCkSby0YQ=",
    ),
    ("Ed25519, public", "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="),
];

/// The frame's words, which no scanner for secrets is to find here.
fn pem(label: &str, body: &str) -> String {
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

fn private(body: &str) -> String {
    pem("PRIVATE KEY", body)
}

/// What is said of a key's file: nothing, or why it was not used. Nothing of what it held is repeated.
fn said(folders: &LogFolders, text: &[u8]) -> Option<String> {
    let file = folders.keys.join(SIGNING_KEY_FILE);
    write_secret(&file, text);
    let loaded = load_signer(&folders.keys, ORIGIN).map(|key| key.unwrap().public_key());
    let made = load_or_create_signer(&folders.keys, ORIGIN).map(|key| key.public_key());
    assert_eq!(loaded, made);
    let log = open(folders);
    assert_eq!(fs::read(&file).unwrap(), text, "the file stays as it is");
    match (loaded, log) {
        (Ok(key), Ok(log)) => {
            assert_eq!(key, PUBLIC, "{}", String::from_utf8_lossy(text));
            intend(&log, "a");
            None
        }
        (Err(error), Err(LogError::Store(same))) => {
            assert_eq!(error, same);
            assert!(
                !folders.log.join("log.jsonl").exists() || fs::read(folders.log.join("log.jsonl")).unwrap().is_empty()
            );
            assert!(!error.to_string().contains("nWGxne"), "{error}");
            Some(error.why)
        }
        other => panic!("{:?}", other.0),
    }
}

fn write_secret(file: &Path, text: &[u8]) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

fn check(text: &str, why: Option<&str>) {
    let root = tempfile::tempdir().unwrap();
    assert_eq!(said(&folders(root.path()), text.as_bytes()).as_deref(), why, "{text}");
}

const NO_KEY: Option<&str> = Some("it is not an Ed25519 key in PKCS#8 PEM");

#[test]
fn a_key_is_ed25519_in_pkcs8_pem() {
    for text in [
        private(ED25519),
        private(ED25519).replace('\n', "\r\n"),
        private(ED25519).trim_end().to_owned(),
        format!("\n\n{}\n\n", private(ED25519)),
    ] {
        check(&text, None);
    }
}

#[test]
fn a_key_of_another_algorithm_is_none() {
    for (name, body) in OTHERS {
        let label = match name {
            "P-256" => "EC PRIVATE KEY",
            "RSA" => "RSA PRIVATE KEY",
            "Ed25519, encrypted" => "ENCRYPTED PRIVATE KEY",
            "Ed25519, public" => "PUBLIC KEY",
            _ => "PRIVATE KEY",
        };
        check(&pem(label, body), NO_KEY);
        check(&private(body), NO_KEY);
    }
    for label in ["OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "EC PRIVATE KEY", "PUBLIC KEY", "private key", ""] {
        check(&pem(label, ED25519), NO_KEY);
    }
}

/// Bytes of the key's DER changed one by one, its length, and what stands around it.
#[test]
fn a_key_with_one_byte_more_or_less_or_another_frame_is_none() {
    let der = decode(ED25519);
    assert_eq!(der.len(), 48);
    for at in 0..16 {
        let mut changed = der.clone();
        changed[at] ^= 1;
        check(&private(&encode(&changed)), NO_KEY);
    }
    for length in [0, 15, 16, 17, 47] {
        check(&private(&encode(&der[..length])), NO_KEY);
    }
    check(&private(&encode(&[&der[..], b"\0"].concat())), NO_KEY);
    check(&private(&encode(&[&der[..], &der[..]].concat())), NO_KEY);
    check(&private(&encode(&der[16..])), NO_KEY);
    let key = private(ED25519);
    for text in [
        String::new(),
        "\n".to_owned(),
        ED25519.to_owned(),
        format!("{key}{key}"),
        format!("{key}trailing"),
        format!("{key}-----"),
        format!("leading\n{key}"),
        format!("\u{feff}{key}"),
        key.replace("-----END PRIVATE KEY-----\n", ""),
        key.replace("-----BEGIN PRIVATE", "----BEGIN PRIVATE"),
        key.replace("MC4C", "MC4 C"),
        key.replace("MC4C", "MC4\nC"),
        key.replace("/V", "_V"),
        key.replace("n9g\n", "n9g=\n"),
        key.replace("n9g\n", "n9\n"),
    ] {
        check(&text, NO_KEY);
    }
    let root = tempfile::tempdir().unwrap();
    assert!(said(&folders(root.path()), &der).is_some_and(|why| why.contains("UTF-8")));
    check(&(key.clone() + &" ".repeat(4096 - key.len())), None);
    check(&(key.clone() + &" ".repeat(4097 - key.len())), Some("it is larger than a key and its frame"));
}

/// Whatever a mode lets others do, the key is not used, and is as it was once it is its owner's alone.
#[cfg(unix)]
#[test]
fn a_secret_that_others_can_use_is_none() {
    use std::os::unix::fs::PermissionsExt as _;
    let root = tempfile::tempdir().unwrap();
    let folders = folders(root.path());
    write_secret(&folders.keys.join(SIGNING_KEY_FILE), private(ED25519).as_bytes());
    write_secret(&folders.keys.join(NAMES_SECRET_FILE), encode(&[7; 32]).as_bytes());
    let refused = "others than its owner can use it (its permissions must be 600)";
    for (mode, expected) in [
        (0o600, None),
        (0o400, None),
        (0o700, None),
        (0o640, Some(refused)),
        (0o620, Some(refused)),
        (0o610, Some(refused)),
        (0o604, Some(refused)),
        (0o601, Some(refused)),
        (0o660, Some(refused)),
        (0o644, Some(refused)),
        (0o440, Some(refused)),
    ] {
        let set = |name: &str, mode| {
            fs::set_permissions(folders.keys.join(name), fs::Permissions::from_mode(mode)).unwrap();
        };
        set(SIGNING_KEY_FILE, mode);
        let loaded = load_signer(&folders.keys, ORIGIN).map(|key| key.unwrap().public_key());
        assert_eq!(loaded.as_ref().err().map(|error| error.why.as_str()), expected, "{mode:o}");
        assert!(loaded.is_err() || loaded == Ok(PUBLIC), "{mode:o}");
        assert_eq!(open(&folders).is_ok(), expected.is_none(), "{mode:o}");
        set(SIGNING_KEY_FILE, 0o600);
        set(NAMES_SECRET_FILE, mode);
        let loaded = load_or_create_keyer(&folders.keys).map(drop);
        assert_eq!(loaded.err().map(|error| error.why).as_deref(), expected, "{mode:o}");
        set(NAMES_SECRET_FILE, 0o600);
    }
}

#[test]
fn a_secret_of_names_is_32_bytes_in_base64() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("keys");
    let file = folder.join(NAMES_SECRET_FILE);
    let right = encode(&[7; 32]);
    for text in [right.clone(), format!("{right}\n"), format!("{right}\r\n")] {
        write_secret(&file, text.as_bytes());
        assert!(load_or_create_keyer(&folder).is_ok(), "{text:?}");
    }
    for text in [
        String::new(),
        "\n".to_owned(),
        encode(&[7; 31]),
        encode(&[7; 33]),
        encode(&[7; 64]),
        "07".repeat(32),
        format!(" {right}"),
        format!("{right}{right}"),
        right.trim_end_matches('=').to_owned(),
        private(ED25519),
    ] {
        write_secret(&file, text.as_bytes());
        let Err(error) = load_or_create_keyer(&folder) else { panic!("{text:?} was used") };
        assert_eq!(error.why, "it is not 32 bytes in base64", "{text:?}");
        assert_eq!(fs::read_to_string(&file).unwrap(), text, "it is not made anew");
    }
}

fn encode(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn decode(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}
