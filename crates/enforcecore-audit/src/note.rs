//! Checkpoints as signed notes (C2SP signed-note and tlog-checkpoint), which other logs' tools can read.
//!
//! A checkpoint is three lines, origin, size and root, and a signature over them. One signature type: Ed25519 (0x01).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::store::{Signer, StoreError};
use crate::tree::Hash;
use crate::tree::hex;

/// Signatures on a note at most, as Go's reader has it: cosignatures are few.
pub const SIGNATURES_MAX: usize = 100;
/// Bytes in a note at most: three short lines and a hundred signatures.
pub const NOTE_BYTES_MAX: usize = 64 * 1024;

const ED25519: u8 = 1;

/// How far a log had come: what a note says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// How many entries.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

impl Checkpoint {
    /// The signed note that says so.
    pub fn sign(&self, signer: &dyn Signer) -> Result<String, StoreError> {
        let text = self.text();
        let key = PublicKey { name: signer.name().to_owned(), key: signer.public_key() };
        let mut signed = key.id().to_vec();
        signed.extend_from_slice(&signer.sign(text.as_bytes())?);
        Ok(format!("{text}\n\u{2014} {} {}\n", key.name, BASE64.encode(signed)))
    }

    /// Reads a note's three lines without looking at its signatures.
    pub fn parse(note: &str) -> Result<Checkpoint, NoteError> {
        let (text, _) = split(note)?;
        let mut lines = text.split_terminator('\n');
        let (Some(origin), Some(size), Some(root), None) = (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(NoteError::Malformed("not three lines"));
        };
        let count: u64 = size.parse().map_err(|_| NoteError::Malformed("no size"))?;
        let root = BASE64.decode(root).ok().and_then(|root| Hash::try_from(root).ok());
        let root = root.ok_or(NoteError::Malformed("no root"))?;
        if origin.is_empty() || count.to_string() != size {
            return Err(NoteError::Malformed("no origin or an odd size"));
        }
        Ok(Checkpoint { origin: origin.to_owned(), size: count, root })
    }

    fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(self.root))
    }
}

/// Whether a text can be an origin: one line that is not empty, without control characters.
pub fn is_origin(text: &str) -> bool {
    !text.is_empty() && text.len() <= 255 && !text.chars().any(char::is_control)
}

/// Whether a text can name a key: no spaces, no plus sign.
pub fn is_key_name(text: &str) -> bool {
    is_origin(text) && !text.chars().any(|char| char.is_whitespace() || char == '+')
}

/// A public key with its name, as notes call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// The name.
    pub name: String,
    /// The Ed25519 public key.
    pub key: [u8; 32],
}

impl PublicKey {
    /// Reads a verifier key: `name+hex(id)+base64(0x01 || key)`.
    pub fn from_vkey(vkey: &str) -> Result<PublicKey, NoteError> {
        let malformed = NoteError::Malformed("not a verifier key");
        let mut parts = vkey.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(malformed);
        };
        let bytes = BASE64.decode(key).map_err(|_| malformed.clone())?;
        let Some((&ED25519, key)) = bytes.split_first() else { return Err(malformed) };
        let key = <[u8; 32]>::try_from(key).map_err(|_| malformed.clone())?;
        let public = PublicKey { name: name.to_owned(), key };
        let fits = is_key_name(name) && hex(&public.id()) == id && VerifyingKey::from_bytes(&key).is_ok();
        if fits { Ok(public) } else { Err(malformed) }
    }

    /// The verifier key as text.
    pub fn vkey(&self) -> String {
        format!("{}+{}+{}", self.name, hex(&self.id()), BASE64.encode(self.typed()))
    }

    /// The key id: which key a signature claims to be of.
    pub fn id(&self) -> [u8; 4] {
        let hash = Sha256::new().chain_update(&self.name).chain_update(b"\n").chain_update(self.typed()).finalize();
        let [a, b, c, d, ..] = Hash::from(hash);
        [a, b, c, d]
    }

    /// Checks that this key has signed the note. A wrong signature of ours is an error whatever other signatures there are.
    pub fn verify(&self, note: &str) -> Result<(), NoteError> {
        let (text, signatures) = split(note)?;
        let key = VerifyingKey::from_bytes(&self.key).map_err(|_| NoteError::Malformed("not a public key"))?;
        let mut signers = Vec::new();
        let mut verified = false;
        for (name, id, signature) in signatures.iter() {
            if name != &self.name || *id != self.id() {
                signers.push(format!("{name}+{}", hex(id)));
                continue;
            }
            let signature = Signature::from_slice(signature).map_err(|_| NoteError::BadSignature)?;
            key.verify_strict(text.as_bytes(), &signature).map_err(|_| NoteError::BadSignature)?;
            verified = true;
        }
        if verified { Ok(()) } else { Err(NoteError::OtherKey(signers.join(", "))) }
    }

    fn typed(&self) -> Vec<u8> {
        std::iter::once(ED25519).chain(self.key).collect()
    }
}

/// Why a note is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not a signed note, or not a checkpoint.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// Signed by other keys only.
    #[error("signed by another key: `{0}`")]
    OtherKey(String),
    /// The signature does not fit the text.
    #[error("the signature is wrong")]
    BadSignature,
}

/// An Ed25519 key in memory. Hosts keep it in a file; tests make it from a number.
pub struct KeySigner {
    name: String,
    key: SigningKey,
}

impl KeySigner {
    /// A signer from the 32 secret bytes; `None` if the name cannot stand in a note.
    pub fn new(name: &str, secret: &[u8; 32]) -> Option<KeySigner> {
        is_key_name(name).then(|| KeySigner { name: name.to_owned(), key: SigningKey::from_bytes(secret) })
    }
}

impl Signer for KeySigner {
    fn name(&self) -> &str {
        &self.name
    }

    fn public_key(&self) -> [u8; 32] {
        self.key.verifying_key().to_bytes()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], StoreError> {
        Ok(self.key.sign(message).to_bytes())
    }
}

/// The public half of a signer, as notes call it.
pub fn public_key(signer: &dyn Signer) -> PublicKey {
    PublicKey { name: signer.name().to_owned(), key: signer.public_key() }
}

/// A signature line: whose, which key, what.
type SignatureLine = (String, [u8; 4], Vec<u8>);

/// The signed text, its last newline included, and the signature lines.
fn split(note: &str) -> Result<(&str, Vec<SignatureLine>), NoteError> {
    if note.len() > NOTE_BYTES_MAX || note.chars().any(|char| char.is_control() && char != '\n') {
        return Err(NoteError::Malformed("too long, or control characters"));
    }
    let (text, rest) = note.rsplit_once("\n\n").ok_or(NoteError::Malformed("no signatures"))?;
    let signatures = rest.strip_suffix('\n').ok_or(NoteError::Malformed("cut off"))?;
    let lines: Vec<&str> = signatures.split('\n').collect();
    if lines.len() > SIGNATURES_MAX {
        return Err(NoteError::Malformed("too many signatures"));
    }
    let signatures = lines.into_iter().map(signature_line).collect::<Result<_, _>>()?;
    // The text keeps the newline that ends its last line.
    let text = note.get(..=text.len()).ok_or(NoteError::Malformed("no text"))?;
    Ok((text, signatures))
}

fn signature_line(line: &str) -> Result<SignatureLine, NoteError> {
    const MALFORMED: NoteError = NoteError::Malformed("not a signature line");
    let (name, encoded) = line.strip_prefix("\u{2014} ").and_then(|line| line.split_once(' ')).ok_or(MALFORMED)?;
    let bytes = BASE64.decode(encoded).map_err(|_| MALFORMED)?;
    let (id, signature) = bytes.split_first_chunk::<4>().ok_or(MALFORMED)?;
    if !is_key_name(name) || signature.is_empty() {
        return Err(MALFORMED);
    }
    Ok((name.to_owned(), *id, signature.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(seed: u8) -> KeySigner {
        KeySigner::new("log.example/one", &[seed; 32]).unwrap()
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint { origin: "example.com/log".to_owned(), size: 7, root: [9; 32] }
    }

    /// The checkpoint of a note that this key has signed.
    fn opened(note: &str, key: &PublicKey) -> Result<Checkpoint, NoteError> {
        key.verify(note)?;
        Checkpoint::parse(note)
    }

    #[test]
    fn a_checkpoint_comes_back_and_only_under_its_own_key() {
        let note = checkpoint().sign(&signer(1)).unwrap();
        assert_eq!(opened(&note, &public_key(&signer(1))), Ok(checkpoint()));
        assert!(matches!(opened(&note, &public_key(&signer(2))), Err(NoteError::OtherKey(_))));
        let cosigned = format!("{note}\u{2014} witness.example AAAAAAA=\n");
        assert_eq!(opened(&cosigned, &public_key(&signer(1))), Ok(checkpoint()));
    }

    #[test]
    fn every_flipped_bit_of_a_note_is_refused() {
        let note = checkpoint().sign(&signer(1)).unwrap();
        let key = public_key(&signer(1));
        for at in 0..note.len() * 8 {
            let mut bytes = note.clone().into_bytes();
            bytes[at / 8] ^= 1 << (at % 8);
            let Ok(flipped) = String::from_utf8(bytes) else { continue };
            assert!(opened(&flipped, &key).is_err(), "{at}: {flipped}");
        }
    }

    #[test]
    fn a_verifier_key_comes_back_and_no_flipped_bit_passes() {
        let vkey = public_key(&signer(3)).vkey();
        assert_eq!(PublicKey::from_vkey(&vkey), Ok(public_key(&signer(3))));
        for at in 0..vkey.len() * 8 {
            let mut bytes = vkey.clone().into_bytes();
            bytes[at / 8] ^= 1 << (at % 8);
            let Ok(flipped) = String::from_utf8(bytes) else { continue };
            assert!(PublicKey::from_vkey(&flipped).is_err(), "{flipped}");
        }
    }

    #[test]
    fn a_note_has_its_limits() {
        let key = public_key(&signer(1));
        let note = checkpoint().sign(&signer(1)).unwrap();
        let cosigned = |count: usize| format!("{note}{}", "\u{2014} witness.example AAAAAAA=\n".repeat(count));
        assert_eq!(key.verify(&cosigned(99)), Ok(()));
        assert_eq!(key.verify(&cosigned(100)), Err(NoteError::Malformed("too many signatures")));
        let long = |bytes: usize| signed(&format!("{}\n7\n{ROOT}\n", "a".repeat(bytes)));
        let room = (64 << 10) - long(0).len();
        assert_eq!(key.verify(&long(room)), Ok(()));
        assert!(matches!(key.verify(&long(room + 1)), Err(NoteError::Malformed(_))));
        for (bytes, fits) in [(0, false), (1, true), (255, true), (256, false)] {
            assert_eq!((is_origin(&"a".repeat(bytes)), is_key_name(&"a".repeat(bytes))), (fits, fits), "{bytes}");
        }
        for control in ["\u{0}", "\t", "\r", "\n", "\u{7f}", "\u{85}"] {
            assert!(!is_origin(&format!("a{control}b")), "{control:?}");
        }
    }

    #[test]
    fn names_that_notes_cannot_hold_are_refused() {
        for name in ["", "a b", "a+b", "a\nb", "a\u{a0}b"] {
            assert!(KeySigner::new(name, &[1; 32]).is_none(), "{name}");
        }
    }

    /// A note of these lines, signed by the key of that name.
    fn signed(text: &str) -> String {
        let signer = signer(1);
        let mut signature = public_key(&signer).id().to_vec();
        signature.extend_from_slice(&signer.sign(text.as_bytes()).unwrap());
        format!("{text}\n\u{2014} log.example/one {}\n", BASE64.encode(signature))
    }

    const ROOT: &str = "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=";

    #[test]
    fn a_size_has_one_spelling() {
        let read = |size: &str| opened(&signed(&format!("a\n{size}\n{ROOT}\n")), &public_key(&signer(1)));
        for (size, expected) in [("0", 0), ("7", 7), ("10", 10), ("18446744073709551615", u64::MAX)] {
            assert_eq!(read(size), Ok(Checkpoint { origin: "a".to_owned(), size: expected, root: [9; 32] }));
        }
        for size in [
            "007",
            "07",
            "00",
            "-0",
            "+0",
            "+7",
            "-7",
            " 7",
            "7 ",
            "",
            " ",
            "7.0",
            "7e0",
            "0x7",
            "7_0",
            "1,000",
            "\u{667}",
            "\u{ff17}",
            "18446744073709551616",
            "99999999999999999999999",
            "seven",
        ] {
            assert!(matches!(read(size), Err(NoteError::Malformed(_))), "{size:?}");
        }
    }

    #[test]
    fn a_checkpoint_is_three_lines_and_no_more() {
        let read = |text: &str| opened(&signed(text), &public_key(&signer(1)));
        assert!(read(&format!("a\n7\n{ROOT}\n")).is_ok());
        let short_root = ROOT.trim_end_matches('=');
        for text in [
            String::new(),
            "a\n".to_owned(),
            "a\n7\n".to_owned(),
            format!("\n7\n{ROOT}\n"),
            format!("a\n\n{ROOT}\n"),
            format!("a\n7\n{ROOT}\nb\n"),
            format!("a\n7\n{ROOT}\n\n"),
            format!("7\na\n{ROOT}\n"),
            format!("a\n7\n{ROOT} \n"),
            format!("a\n7\n {ROOT}\n"),
            format!("a\n7\n{short_root}\n"),
            format!("a\n7\n{ROOT}{ROOT}\n"),
            "a\n7\nCQkJ\n".to_owned(),
            format!("a\r\n7\r\n{ROOT}\r\n"),
        ] {
            assert!(matches!(read(&text), Err(NoteError::Malformed(_))), "{text:?}");
        }
    }

    /// The example of the C2SP signed-note page's sibling, Go's `note` package: PeterNeumann's key.
    #[test]
    fn the_published_example_verifies() {
        let vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let key = PublicKey::from_vkey(vkey).unwrap();
        let note = "If you think cryptography is the answer to your problem,\n\
            then you don't know what your problem is.\n\n\
            \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        assert_eq!(key.verify(note), Ok(()));
        assert_eq!(key.verify(&note.replace("answer", "Answer")), Err(NoteError::BadSignature));
    }
}
