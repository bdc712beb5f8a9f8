//! A log of any bytes is read and judged, never trusted and never a panic; and what is called valid has a checkpoint.

#![no_main]

use enforcecore::audit::{Checkpoint, LogVerdict, VerifyOptions, entries, verify};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let report = verify(&mut &data[..], &VerifyOptions::default());
    let again = verify(&mut &data[..], &VerifyOptions { all_signatures: true, ..VerifyOptions::default() });
    assert!(again.entries <= report.entries, "checking more signatures finds more entries");
    assert!(report.verdict != LogVerdict::Valid || report.checkpoint.is_some(), "valid without a checkpoint");
    entries(&mut &data[..]).for_each(drop);
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = Checkpoint::parse(text);
    }
});
