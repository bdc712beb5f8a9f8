//! A policy document of any bytes loads or is refused with findings; it never stops the loader.

#![no_main]

use enforcecore::policy::Policy;
use enforcecore::ports::{PolicySource, PolicyText, StoreError};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = PolicyText { name: "policy.yaml".to_owned(), bytes: data.to_vec() };
    if let Err(findings) = Policy::load(text, &Itself(data)) {
        assert!(!findings.is_empty(), "refused without a reason");
    }
});

/// Every document it is bound by is itself, so that a bond can be followed and a circle met.
struct Itself<'a>(&'a [u8]);

impl PolicySource for Itself<'_> {
    fn read(&self, _from: &str, name: &str) -> Result<PolicyText, StoreError> {
        Ok(PolicyText { name: name.to_owned(), bytes: self.0.to_vec() })
    }
}
