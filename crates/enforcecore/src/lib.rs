//! The runtime enforcement layer for AI agents: decides, redacts, admits and records a tool call before it runs.
//!
//! A **call** (who, which tool, which arguments, in which session) meets a **policy**; the result is a **decision**: allow, ask
//! or deny. What is let through is **redacted**, **admitted** under budgets and written down as an **intent**; then the tool
//! **runs**; its result is redacted on the way back, and what became of the call is written down as an **outcome**. All of it is
//! one function, [`Enforcer::enforce`](enforcer::Enforcer::enforce), and nothing bypasses it:
//!
//! ```text
//! let frozen  = freeze(call)?;              // from here on nothing changes under us
//! let decided = decide(frozen);             // pure and total: every path ends in a decision
//! let decided = redact_inbound(decided);    // a changed call is decided again; the stricter wins
//! let permit  = admit(decided)?;            // budgets taken, intent durable, or nothing runs
//! let outcome = run(permit);                // the only effect; consumes the permit
//! let ending  = ending(outcome);            // what may be seen
//! settle(ending)                            // always, whatever the tool did
//! ```
//!
//! # An example
//!
//! Everything that this crate needs from the world is passed to it: a clock, randomness, a key, a place for the log. Here all of
//! it is in memory. The crate `enforcecore-host` has what a program uses instead, and puts an enforcer together from files.
//!
//! ```
//! use std::sync::Arc;
//!
//! use enforcecore::audit::{Durability, Keyer, Log, LogParts, MemoryStore, VerifyOptions, verify};
//! use enforcecore::call::{Call, Context};
//! use enforcecore::enforcer::{Enforcer, EnforcerParts};
//! use enforcecore::identity::Identities;
//! use enforcecore::outcome::{Completed, Outcome};
//! use enforcecore::capabilities::{Capabilities, Capability, Face};
//! use enforcecore::policy::{Policy, Protected};
//! use enforcecore::session::State;
//! use enforcecore::ports::PolicyText;
//! use enforcecore::value::{Map, Value};
//! # use std::path::{Path, PathBuf};
//! # use std::sync::atomic::{AtomicU8, Ordering};
//! # use ed25519_dalek::{Signer as _, SigningKey};
//! # use enforcecore::path::{PathError, PathResolver};
//! # use enforcecore::ports::{Clock, PolicySource, Random, Signer, StoreError};
//! #
//! # /// The world of this example: a clock that stands, counted randomness, a known key, no files.
//! # struct World(AtomicU8);
//! # impl Clock for World {
//! #     fn wall_us(&self) -> i64 { 1_772_366_400_000_000 }
//! #     fn monotonic_us(&self) -> u64 { 0 }
//! # }
//! # impl Random for World {
//! #     fn fill(&self, buffer: &mut [u8]) -> Result<(), StoreError> {
//! #         buffer.fill(self.0.fetch_add(1, Ordering::Relaxed));
//! #         Ok(())
//! #     }
//! # }
//! # impl Signer for World {
//! #     fn name(&self) -> &str { "example.test/log" }
//! #     fn public_key(&self) -> [u8; 32] { SigningKey::from_bytes(&[7; 32]).verifying_key().to_bytes() }
//! #     fn sign(&self, message: &[u8]) -> Result<[u8; 64], StoreError> {
//! #         Ok(SigningKey::from_bytes(&[7; 32]).sign(message).to_bytes())
//! #     }
//! # }
//! # impl PathResolver for World {
//! #     fn follow(&self, path: &Path) -> Result<PathBuf, PathError> { Ok(path.to_owned()) }
//! #     fn is_there(&self, _path: &Path) -> bool { false }
//! # }
//! # impl PolicySource for World {
//! #     fn read(&self, _from: &str, name: &str) -> Result<PolicyText, StoreError> {
//! #         Err(StoreError::new(format!("read `{name}`"), "there are no files"))
//! #     }
//! # }
//! # fn world() -> World { World(AtomicU8::new(0)) }
//!
//! const POLICY: &str = r#"
//! enforcecore: 1
//! name: refunds
//! version: "1"
//! tools:
//!   refund: {does: pays, args: {amount: decimal, note: text}, returns: trusted}
//! rules:
//!   - {allow: refund, id: small-refund, when: {amount: {at_most: 50}}}
//! redact: {args: {note: [email]}}
//! "#;
//!
//! let text = PolicyText { name: "policy.yaml".to_owned(), bytes: POLICY.as_bytes().to_vec() };
//! let policy = Policy::load(text, &world()).expect("the policy loads").policy;
//! let store = MemoryStore::default();
//! let log = Log::open(
//!     LogParts {
//!         store: Box::new(store.clone()),
//!         signer: Box::new(world()),
//!         anchor: None,
//!         clock: Arc::new(world()),
//!         random: Arc::new(world()),
//!         keyer: Keyer::new([9; 32]),
//!         origin: "example.test/log".to_owned(),
//!     },
//!     State::default(),
//! )?;
//! let enforcer = Enforcer::new(EnforcerParts {
//!     policy,
//!     face: Face::new("example", Capabilities::ALL.without(Capability::EndAtDeadline)),
//!     log: Arc::new(log),
//!     resolver: Arc::new(world()),
//!     protected: Protected::default(),
//!     approver: None,
//!     clock: Arc::new(world()),
//!     random: Arc::new(world()),
//!     durability: Durability::Strict,
//!     identities: Identities::Keyed,
//! })?;
//!
//! let refund = |amount: i64| -> Result<Call, StoreError> {
//!     let note = Value::from("asked by jo@example.com");
//!     let args = Map::from_iter([("amount".to_owned(), Value::from(amount)), ("note".to_owned(), note)]);
//!     let context = Context { session_id: "session-1".to_owned(), ..Context::default() };
//!     Ok(Call { id: enforcer.call_id()?, parent: None, tool: "refund".to_owned(), args, context })
//! };
//!
//! // An allowed call runs, with what the policy lets the tool see.
//! let completed = enforcer.enforce(refund(20)?, |permit| {
//!     let note = permit.call().args().get("note").and_then(Value::as_text);
//!     assert_eq!(note, Some("asked by EC_EMAIL_1"));
//!     Outcome::Done(Value::from("refunded"))
//! })?;
//! assert!(matches!(completed, Completed::Released { .. }));
//!
//! // A refused call did not start.
//! let refused = enforcer.enforce(refund(5000)?, |_| unreachable!("it is refused")).unwrap_err();
//! assert_eq!(refused.code, "no_rule");
//!
//! // Both are in the log, and its bytes show that none is missing and none was changed.
//! drop(enforcer);
//! let report = verify(&mut store.contents().as_slice(), &VerifyOptions::default());
//! assert_eq!((report.findings.len(), report.outcome_unknown), (0, 0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is guaranteed
//!
//! * **No effect without a permit.** [`Permit`](outcome::Permit) cannot be cloned and is made in one place, once the intent is
//!   durable and signed. An `Err` of [`enforce`](enforcer::Enforcer::enforce) says that the tool did not start.
//! * **An error restricts.** A condition that cannot be evaluated permits nothing and denies where it could have denied; a
//!   log that cannot be written refuses the call.
//! * **What was decided is what runs.** The arguments that were decided, committed to and handed to the tool are the same bytes,
//!   and a path among them is the resolved path that was decided.
//! * **Every call is accounted for**: by one intent, pending request or denial, and an intent by at most one end, also after a
//!   panic, a crash or a missed deadline.
//! * **What redaction removed appears nowhere**: in no log entry, error, result or trace.
//! * **Work is linear** in the bytes of a call and in what is found in them, and every input has a limit.
//!
//! # Where to look
//!
//! | for | see |
//! |---|---|
//! | the function itself, and its split form for a host that runs the tool | [`enforcer`] |
//! | calls, their values and what they end with | [`call`], [`value`], [`outcome`] |
//! | policies and decisions | [`policy`], [`decision`] |
//! | what is redacted | [`redact`] |
//! | the evidence log and its verification | [`audit`] |
//! | what a program passes in | [`ports`] |
//! | what each code means | [`codes`] |
//!
//! # Absent on purpose
//!
//! * Input and output, threads, `unsafe`, `async`: this crate reads no file, no clock and no environment.
//! * A model: nothing here guesses. Two equal calls under equal state get equal decisions.
//! * Isolation: once a tool runs, only the operating system holds it.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

pub mod call;
pub mod capabilities;
pub mod characters;
pub mod codes;
pub mod decision;
pub mod diagnostic;
mod engine;
#[cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]
pub mod explanation;
pub mod inline_tests;
mod lookalike;
pub mod number;
pub mod outcome;
pub mod path;
pub mod policy;
pub mod ports;
pub mod redact;
mod state;
pub mod value;

pub use enforcecore_audit as audit;
pub use engine::{enforcer, identity};
pub use state::session;
