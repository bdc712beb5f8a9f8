//! A value that was read can be written, and what was written reads as the same value.

#![no_main]

use enforcecore::value::Value;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(value) = Value::from_json(data) else { return };
    let written = value.to_json();
    // Escapes may make the written text longer than what may be read; that is the only way for it to be refused.
    match Value::from_json(written.as_bytes()) {
        Ok(again) => {
            assert_eq!(again, value);
            assert_eq!(again.to_json(), written);
            assert_eq!(canonical(&again), canonical(&value));
        }
        Err(error) => assert_eq!(error.code(), "too_large"),
    }
    assert!(value.within_limits().is_ok() || written.len() > data.len(), "read, but beyond the limits");
});

fn canonical(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.encode(&mut bytes);
    bytes
}
