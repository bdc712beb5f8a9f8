//! What is said of a log that is read: that it cannot be, that it is not what was written, that names cannot be found.

use std::io;
use std::path::Path;

use enforcecore::audit::VerifyOptions;
use enforcecore_host::config::Config;
use enforcecore_host::evidence;

use super::select::Wanted;
use crate::error::CommandError;
use crate::output::complain;

/// What is shown is only what the file says; this says whether that is what was written.
pub fn warn_if_altered(log: &Path) -> Result<bool, CommandError> {
    let report = evidence::verify_folder(log, &VerifyOptions::default()).map_err(|error| cannot_read(log, &error))?;
    let Some(first) = report.findings.first() else { return Ok(false) };
    complain(&format!(
        "warning: the log is not what was written: {first}\n  help: `enforcecore audit verify` says more"
    ));
    Ok(true)
}

/// Says that keyed names cannot be found here.
pub fn warn_without_secret(wanted: &Wanted, config: &Config) {
    if wanted.without_secret {
        complain(&format!(
            "warning: the secret of names is not in `{}`, so only entries with that name in clear are found",
            config.folders().keys.display()
        ));
    }
}

/// A log that cannot be read, in words, with the way out.
pub fn cannot_read(log: &Path, error: &io::Error) -> CommandError {
    let what = match error.kind() {
        io::ErrorKind::NotFound => format!("there is no log in `{}`: nothing was recorded there yet", log.display()),
        _ => format!("cannot read the log `{}`: {error}", log.display()),
    };
    CommandError::usage(what).help("give the folder that holds `log.jsonl`, by default `.enforcecore/log`")
}
