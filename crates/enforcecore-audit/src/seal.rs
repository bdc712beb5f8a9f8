//! The line that closes a group: the signed checkpoint, and the leaf hashes of the group.
//!
//! Seals are not leaves. The hashes are not signed themselves, but with the group before them they must give the signed root:
//! so a damaged entry is named, and everything after it is still checked against the hash it should have had. That is worth
//! their 43 bytes an entry; a prefix of each would name the entry and then lose the thread.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::tree::Hash;

/// Entries in one group at most: more threads than a process has, few enough to hold in memory.
pub const GROUP_ENTRIES_MAX: usize = 16 * 1024;
/// Bytes in a seal line at most: the hashes of the largest group and the note.
pub const SEAL_BYTES_MAX: usize = 1 << 20;

/// A seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// The leaf hashes of the group's entries, in order.
    pub leaves: Vec<Hash>,
    /// The checkpoint that covers them: a signed note.
    pub note: String,
}

impl Seal {
    /// The canonical line, without its newline.
    pub fn line(&self) -> Vec<u8> {
        let line = SealLine { leaves: BASE64.encode(self.leaves.concat()), seal: self.note.clone() };
        // Two strings always serialise; an empty line would be refused by every reader.
        serde_json::to_vec(&line).unwrap_or_default()
    }

    /// Reads a line that is already known to be canonical.
    pub fn parse(line: &[u8]) -> Result<Seal, &'static str> {
        let line: SealLine = serde_json::from_slice(line).map_err(|_| "not a seal")?;
        let bytes = BASE64.decode(line.leaves).map_err(|_| "its list of hashes is not base64")?;
        let (leaves, []) = bytes.as_chunks::<32>() else { return Err("its list of hashes is cut") };
        Ok(Seal { leaves: leaves.to_vec(), note: line.seal })
    }
}

/// The hash that the next group's first entry carries.
pub fn seal_hash(line: &[u8]) -> Hash {
    Sha256::digest(line).into()
}

/// Whether a canonical line is a seal.
pub fn is_seal(line: &[u8]) -> bool {
    line.starts_with(START)
}

/// Whether a damaged line was meant to be a seal: one of its two marks is still there.
pub fn was_seal(line: &[u8]) -> bool {
    is_seal(line) || memchr::memmem::find(line, MIDDLE).is_some()
}

const START: &[u8] = b"{\"leaves\":\"";
const MIDDLE: &[u8] = b"\",\"seal\":\"";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SealLine {
    leaves: String,
    seal: String,
}
