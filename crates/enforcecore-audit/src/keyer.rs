//! Keyed names: a log says that two things are the same without saying what they are.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::tree::hex;

/// A value with one encoding, so that equal values have one fingerprint.
pub trait Encoded {
    /// Appends its encoding.
    fn encode(&self, out: &mut Vec<u8>);
}

impl<T: Encoded> Encoded for &T {
    fn encode(&self, out: &mut Vec<u8>) {
        T::encode(self, out);
    }
}

/// Makes keyed pseudonyms and fingerprints (HMAC-SHA256), so that the log says "the same" without saying what.
#[derive(Clone)]
pub struct Keyer {
    key: zeroize::Zeroizing<[u8; 32]>,
}

impl Keyer {
    /// A keyer with this secret.
    pub fn new(key: [u8; 32]) -> Keyer {
        Keyer { key: zeroize::Zeroizing::new(key) }
    }

    /// The keyed name of `bytes` in one domain: 32 hexadecimal digits.
    pub fn name(&self, domain: &str, bytes: &[u8]) -> String {
        hex(self.mac(domain, bytes).get(..16).unwrap_or_default())
    }

    /// The fingerprint of a fact's value.
    pub fn fingerprint(&self, value: &impl Encoded) -> String {
        let mut encoded = Vec::new();
        value.encode(&mut encoded);
        self.name("fact", &encoded)
    }

    fn mac(&self, domain: &str, bytes: &[u8]) -> [u8; 32] {
        // HMAC takes a key of any length, so this constructor cannot fail; an all-zero name would still never be a grant.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.key.as_slice()) else { return [0; 32] };
        mac.update(domain.as_bytes());
        mac.update(&[0]);
        mac.update(bytes);
        mac.finalize().into_bytes().into()
    }
}

impl std::fmt::Debug for Keyer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyer(..)")
    }
}
