//! The network and the protocols. The only async crate.
