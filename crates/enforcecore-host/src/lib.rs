//! The operating system, blocking: files, locks, keys, paths, clocks, processes. The only crate that may hold unsafe code.
//!
//! A Rust program that calls tools puts an enforcer together with [`assembly::enforcer`] and runs each call through
//! [`Enforcer::enforce`](enforcecore::enforcer::Enforcer::enforce):
//!
//! ```
//! use enforcecore::call::{Call, Context};
//! use enforcecore::outcome::{Completed, Outcome};
//! use enforcecore::capabilities::{Capabilities, Capability, Face};
//! use enforcecore::value::{Map, Value};
//! use enforcecore_host::assembly::{Setup, enforcer};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let policy = folder.path().join("policy.yaml");
//! std::fs::write(&policy, r#"
//! enforcecore: 1
//! name: notes
//! version: "1"
//! tools:
//!   append_note:
//!     does: writes
//!     args: {text: text}
//!     returns: trusted
//! rules:
//!   - allow: append_note
//!     id: notes
//! redact: {args: {every_string: [email]}}
//! "#)?;
//!
//! let face = Face::new(
//!     "my program",
//!     Capabilities::NONE
//!         .with(Capability::RewriteArguments)
//!         .with(Capability::RewriteResults)
//!         .with(Capability::ResolvePaths)
//!         .with(Capability::KeepState),
//! );
//! let mut setup = Setup::new(&policy, face);
//! # setup.folders.log = folder.path().join("log");
//! # setup.folders.keys = folder.path().join("keys");
//! let enforcer = enforcer(setup)?;
//!
//! let notes = std::sync::Mutex::new(Vec::new());
//! let call = |tool: &str, text: &str| -> Result<Call, Box<dyn std::error::Error>> {
//!     let args = Map::from_iter([("text".to_owned(), Value::from(text))]);
//!     let context = Context { session_id: "s1".to_owned(), ..Context::default() };
//!     Ok(Call { id: enforcer.call_id()?, parent: None, tool: tool.to_owned(), args, context })
//! };
//!
//! // An allowed call runs, with what the policy lets the tool see.
//! let done = enforcer.enforce(call("append_note", "write to jo@example.com")?, |permit| {
//!     let text = permit.call().args().get("text").and_then(Value::as_text).unwrap_or_default();
//!     notes.lock().unwrap().push(text.to_owned());
//!     Outcome::Done(Value::from("written"))
//! })?;
//! assert!(matches!(done, Completed::Released { .. }));
//! assert_eq!(*notes.lock().unwrap(), ["write to EC_EMAIL_1"]);
//!
//! // A refused call did not start.
//! let refused = enforcer.enforce(call("delete_notes", "all")?, |_| unreachable!()).unwrap_err();
//! assert_eq!(refused.code, "unknown_tool");
//! # Ok(())
//! # }
//! ```

#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

pub mod anchor;
pub mod assembly;
pub mod clock;
pub mod config;
pub mod evidence;
pub mod file_log;
pub mod file_system;
pub mod files;
pub mod keys;
pub mod paths;
mod policy_files;
pub mod process;
mod protected;
mod setup;
pub mod stderr;
