//! The digest of a policy.

use sha2::{Digest, Sha256};

use super::super::parse::document::Document;
use crate::value::{encode_bytes, encode_map};

/// SHA-256 over everything that a decision can depend on, document by document.
pub(crate) fn digest(documents: &[Document]) -> [u8; 32] {
    let mut out = b"enforcecore/policy/v1\0".to_vec();
    for document in documents {
        let mut encoded = Vec::new();
        if let Some(map) = document.core.as_map() {
            encode_map(map, &mut encoded);
        }
        encode_bytes(b'D', &encoded, &mut out);
    }
    Sha256::digest(out).into()
}
