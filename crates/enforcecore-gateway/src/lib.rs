//! The protocols, asynchronous: what stands between a client and a server that neither of them knows.
//!
//! A face here translates messages into calls and ends of calls into messages. It holds no policy logic: which call may run is
//! the enforcer's to say, and everything that is not a call is either on a list of this crate or refused.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

pub mod mcp;
