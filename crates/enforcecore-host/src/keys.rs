//! Secrets in files: the key that signs checkpoints, and the secret that keys the log's names.
//!
//! Each is made once, from the operating system's generator, readable by its owner only. A file that others can read is
//! refused: what is signed with it proves nothing. The signing key is PKCS#8 in PEM, which other tools can read.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use enforcecore::audit::{KeySigner, Keyer, hex};
use enforcecore::ports::StoreError;
use zeroize::Zeroizing;

use crate::files::{Folder, How, MadeBy, is_owners_alone};

/// The name of the file with the signing key.
pub const SIGNING_KEY_FILE: &str = "log-signing-key.pem";
/// The name of the file with the secret of names.
pub const NAMES_SECRET_FILE: &str = "log-names-secret";

/// Bytes in a secret's file at most: a key and its frame.
const SECRET_FILE_BYTES_MAX: u64 = 4096;
/// What PKCS#8 puts before the 32 bytes of an Ed25519 key (RFC 8410, section 7).
const PKCS8_ED25519: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
const PEM_BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const PEM_END: &str = "-----END PRIVATE KEY-----";

/// Loads the signing key of this folder, or makes one; `name` is what checkpoints call it.
pub fn load_or_create_signer(folder: &Path, name: &str) -> Result<KeySigner, StoreError> {
    signer(secret_file(folder, SIGNING_KEY_FILE, to_pem), folder, name)
}

/// Loads the signing key of this folder, if it has one, and makes nothing.
pub fn load_signer(folder: &Path, name: &str) -> Result<Option<KeySigner>, StoreError> {
    match Folder::open(folder, MadeBy::Us).and_then(|folder| folder.linked_file(SIGNING_KEY_FILE)) {
        Err(refused) if refused.is_missing() => Ok(None),
        opened => signer(opened.map_err(io::Error::from).and_then(read_secret), folder, name).map(Some),
    }
}

fn signer(read: io::Result<Zeroizing<String>>, folder: &Path, name: &str) -> Result<KeySigner, StoreError> {
    let file = folder.join(SIGNING_KEY_FILE);
    let failed = |why: &dyn std::fmt::Display| StoreError::new(format!("use the key `{}`", file.display()), why);
    let text = read.map_err(|error| failed(&error))?;
    let secret = from_pem(&text).ok_or_else(|| failed(&"it is not an Ed25519 key in PKCS#8 PEM"))?;
    KeySigner::new(name, &secret).ok_or_else(|| failed(&"its name cannot stand in a signed note"))
}

/// Loads the secret that keys the log's names, or makes one.
pub fn load_or_create_keyer(folder: &Path) -> Result<Keyer, StoreError> {
    let encode = |secret: &[u8; 32]| Zeroizing::new(format!("{}\n", BASE64.encode(secret)));
    keyer_of(secret_file(folder, NAMES_SECRET_FILE, encode), &folder.join(NAMES_SECRET_FILE))
}

/// Loads the secret that keys the log's names, if the folder has one, and makes nothing.
pub fn load_keyer(folder: &Path) -> Result<Option<Keyer>, StoreError> {
    match Folder::open(folder, MadeBy::Us).and_then(|folder| folder.linked_file(NAMES_SECRET_FILE)) {
        Err(refused) if refused.is_missing() => Ok(None),
        opened => {
            let read = opened.map_err(io::Error::from).and_then(read_secret);
            keyer_of(read, &folder.join(NAMES_SECRET_FILE)).map(Some)
        }
    }
}

fn keyer_of(read: io::Result<Zeroizing<String>>, file: &Path) -> Result<Keyer, StoreError> {
    let failed = |why: &dyn std::fmt::Display| StoreError::new(format!("use the secret `{}`", file.display()), why);
    let text = read.map_err(|error| failed(&error))?;
    let bytes = BASE64.decode(text.trim_end()).map(Zeroizing::new).ok();
    let secret = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok());
    Ok(Keyer::new(secret.ok_or_else(|| failed(&"it is not 32 bytes in base64"))?))
}

/// The text of a secret's file. Where there is none, one is made from 32 random bytes; if two processes do so at once, both
/// get the one that came first. It may be a link, as in a folder that a container's secret is mounted as.
fn secret_file(
    folder: &Path,
    name: &str,
    encode: impl FnOnce(&[u8; 32]) -> Zeroizing<String>,
) -> io::Result<Zeroizing<String>> {
    let is_new = !folder.is_dir();
    let folder = Folder::open_or_make_own(folder)?;
    if is_new {
        keep_out_of_version_control(&folder)?;
    }
    match folder.linked_file(name) {
        Err(refused) if refused.is_missing() => {}
        opened => return read_secret(opened?),
    }
    let mut secret = Zeroizing::new([0u8; 32]);
    let mut random = [0u8; 8];
    getrandom::fill(secret.as_mut_slice()).map_err(io::Error::other)?;
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let fresh = format!(".new-{}", hex(&random));
    let mut file = folder.file(&fresh, How::MakeNew)?;
    let written = file.write_all(encode(&secret).as_bytes()).and_then(|()| file.sync_all());
    // Windows removes no file that is open.
    drop(file);
    let linked = written.and_then(|()| match folder.link(&fresh, name) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    });
    folder.remove(&fresh)?;
    linked?;
    folder.sync()?;
    read_secret(folder.linked_file(name)?)
}

/// Says to git that nothing in a folder of ours is to be added.
fn keep_out_of_version_control(folder: &Folder) -> io::Result<()> {
    match folder.file(".gitignore", How::MakeNew).map_err(io::Error::from) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        file => file?.write_all(b"*\n"),
    }
}

fn read_secret(file: File) -> io::Result<Zeroizing<String>> {
    if file.metadata()?.len() > SECRET_FILE_BYTES_MAX {
        return Err(io::Error::other("it is larger than a key and its frame"));
    }
    if !is_owners_alone(&file)? {
        return Err(io::Error::other("others than its owner can use it (its permissions must be 600)"));
    }
    let mut text = Zeroizing::new(String::new());
    file.take(SECRET_FILE_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

fn to_pem(secret: &[u8; 32]) -> Zeroizing<String> {
    let der = Zeroizing::new([PKCS8_ED25519.as_slice(), secret].concat());
    let body = Zeroizing::new(BASE64.encode(der.as_slice()));
    Zeroizing::new(format!("{PEM_BEGIN}\n{}\n{PEM_END}\n", body.as_str()))
}

fn from_pem(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let body = text.trim().strip_prefix(PEM_BEGIN)?.strip_suffix(PEM_END)?;
    let der = Zeroizing::new(BASE64.decode(body.trim()).ok()?);
    let secret = der.strip_prefix(PKCS8_ED25519.as_slice())?;
    Some(Zeroizing::new(secret.try_into().ok()?))
}
