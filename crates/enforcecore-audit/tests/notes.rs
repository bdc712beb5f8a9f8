//! Notes with several signatures: one of the key's own that is wrong is an error whatever stands beside it.
#![cfg(test)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use enforcecore_audit::{Checkpoint, KeySigner, NoteError, PublicKey, Signer as _, public_key};

const NAME: &str = "log.example/one";
const ROOT: &str = "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=";

fn signer(seed: u8) -> KeySigner {
    KeySigner::new(NAME, &[seed; 32]).unwrap()
}

fn open(note: &str, key: &PublicKey) -> Result<Checkpoint, NoteError> {
    key.verify(note)?;
    Checkpoint::parse(note)
}

fn key() -> PublicKey {
    public_key(&signer(1))
}

fn line(name: &str, id: [u8; 4], signature: &[u8]) -> String {
    format!("\u{2014} {name} {}\n", BASE64.encode([&id[..], signature].concat()))
}

/// A signature line of this kind under the text.
fn signature(kind: char, text: &str) -> String {
    let right = signer(1).sign(text.as_bytes()).unwrap();
    let (own, mut wrong) = (key().id(), right);
    wrong[10] ^= 1;
    match kind {
        // Ours: right, of one flipped bit, of another text, one byte short, one byte long.
        'R' => line(NAME, own, &right),
        'F' => line(NAME, own, &wrong),
        'T' => line(NAME, own, &signer(1).sign(b"another text").unwrap()),
        'S' => line(NAME, own, &right[..63]),
        'L' => line(NAME, own, &[&right[..], &[0]].concat()),
        // Of another key: under its own id, under our name, under our id, and under both without being it.
        'O' => line("witness.example", public_key(&signer(2)).id(), &signer(2).sign(text.as_bytes()).unwrap()),
        'N' => line(NAME, public_key(&signer(2)).id(), &signer(2).sign(text.as_bytes()).unwrap()),
        'I' => line("witness.example", own, &right),
        'K' => line(NAME, own, &signer(2).sign(text.as_bytes()).unwrap()),
        other => panic!("{other}"),
    }
}

fn note(text: &str, kinds: &str) -> String {
    let lines: String = kinds.chars().map(|kind| signature(kind, text)).collect();
    format!("{text}\n{lines}")
}

/// Signature lines in order, and what is said of them.
const SIGNED: &[(&str, &str)] = &[
    ("R", "ok"),
    ("RO", "ok"),
    ("OR", "ok"),
    ("RR", "ok"),
    ("RN", "ok"),
    ("IR", "ok"),
    ("OONIRO", "ok"),
    ("F", "wrong"),
    ("T", "wrong"),
    ("S", "wrong"),
    ("L", "wrong"),
    ("K", "wrong"),
    ("RF", "wrong"),
    ("FR", "wrong"),
    ("RT", "wrong"),
    ("TR", "wrong"),
    ("RS", "wrong"),
    ("SR", "wrong"),
    ("RL", "wrong"),
    ("RK", "wrong"),
    ("KR", "wrong"),
    ("RORF", "wrong"),
    ("OF", "wrong"),
    ("O", "other"),
    ("N", "other"),
    ("I", "other"),
    ("ONI", "other"),
];

#[test]
fn a_wrong_signature_of_the_key_is_not_made_good_by_a_right_one() {
    let text = format!("example.com/log\n7\n{ROOT}\n");
    for (kinds, expected) in SIGNED {
        let note = note(&text, kinds);
        let said = match key().verify(&note) {
            Ok(()) => "ok",
            Err(NoteError::BadSignature) => "wrong",
            Err(NoteError::OtherKey(_)) => "other",
            Err(NoteError::Malformed(why)) => why,
        };
        assert_eq!(said, *expected, "{kinds}");
        assert_eq!(open(&note, &key()).is_ok(), *expected == "ok", "{kinds}");
    }
}

/// Characters that steer a terminal or end a line for some readers, none of which a note holds.
const CONTROL: &[char] = &[
    '\0', '\u{1}', '\u{7}', '\u{8}', '\t', '\u{b}', '\u{c}', '\r', '\u{1b}', '\u{1f}', '\u{7f}', '\u{80}', '\u{85}',
    '\u{9b}', '\u{9f}',
];
const PLAIN: &[char] = &[' ', '!', '~', 'é', '\u{a0}', '语', '😀'];

#[test]
fn a_note_holds_no_control_character() {
    for (characters, fits) in [(PLAIN, true), (CONTROL, false)] {
        for character in characters {
            let text = format!("example{character}log\n7\n{ROOT}\n");
            let opened = open(&note(&text, "R"), &key());
            assert_eq!(opened.is_ok(), fits, "{character:?}: {opened:?}");
            assert_eq!(key().verify(&note(&text, "R")).is_ok(), fits, "{character:?}");
        }
    }
}

/// The lines of a note's text, and whether they are a checkpoint.
const TEXTS: &[(&str, bool)] = &[
    ("a\n7\nR\n", true),
    ("a b\n7\nR\n", true),
    ("a\n0\nR\n", true),
    ("\n7\nR\n", false),
    ("a\n7\n", false),
    ("a\n7\nR\nmore\n", false),
    ("a\n7\nR\n \n", false),
    ("7\nR\n", false),
    ("a\n\nR\n", false),
    ("a\n7\n\n", false),
    ("a\n7\nR=\n", false),
    ("a\n7\nRR\n", false),
    ("a\n7\n AAAA\n", false),
    ("a\n7\nAAAA\n", false),
    ("a\nR\n7\n", false),
];

#[test]
fn a_checkpoint_is_an_origin_a_size_and_a_root_and_nothing_more() {
    for (text, fits) in TEXTS {
        let text = text.replace('R', ROOT);
        assert_eq!(open(&note(&text, "R"), &key()).is_ok(), *fits, "{text:?}");
    }
}

/// A verifier key's parts, and whether it is one: `N` stands for the name, `I` for the id, `K` for the typed key.
const VKEYS: &[(&str, bool)] = &[
    ("N+I+K", true),
    ("other+I+K", false),
    ("N+00000000+K", false),
    ("N+i+K", false),
    ("N+I", false),
    ("N+K", false),
    ("N++K", false),
    ("+I+K", false),
    ("N+I+", false),
    ("N+I+K+K", false),
    ("N+I+KK", false),
    (" N+I+K", false),
    ("N+I+K ", false),
    ("N+I+K\n", false),
    ("N I K", false),
    ("", false),
];

#[test]
fn a_verifier_key_is_its_name_its_id_and_its_key() {
    let vkey = key().vkey();
    let [name, id, typed] = vkey.splitn(3, '+').collect::<Vec<_>>()[..] else { panic!("{vkey}") };
    for (form, fits) in VKEYS {
        let form: String = form
            .chars()
            .map(|part| match part {
                'N' => name.to_owned(),
                'I' => id.to_owned(),
                'i' => id.to_uppercase(),
                'K' => typed.to_owned(),
                other => other.to_string(),
            })
            .collect();
        assert_eq!(PublicKey::from_vkey(&form).is_ok(), *fits, "{form:?}");
    }
    // The first byte says which algorithm, and the others are so many.
    let bytes = BASE64.decode(typed).unwrap();
    for (key, fits) in [
        (bytes.clone(), true),
        ([&[2], &bytes[1..]].concat(), false),
        ([&[0], &bytes[1..]].concat(), false),
        (bytes[..32].to_vec(), false),
        ([&bytes[..], &[0]].concat(), false),
    ] {
        let made = format!("{name}+{id}+{}", BASE64.encode(&key));
        assert_eq!(PublicKey::from_vkey(&made).is_ok(), fits, "{made}");
    }
}
