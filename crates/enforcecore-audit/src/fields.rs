//! The words that fields of an entry may hold.

use serde::{Deserialize, Serialize};

/// How an acknowledged entry is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// Signed and on stable storage before the tool starts.
    #[default]
    Strict,
    /// In memory; written with the next strict entry, when the buffer is full, and at the end. A kill may lose it.
    Buffered,
}

impl Durability {
    /// The word in lines and machine output.
    pub fn as_str(self) -> &'static str {
        match self {
            Durability::Strict => "strict",
            Durability::Buffered => "buffered",
        }
    }
}

/// What the face proves about execution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The enforcer ran the tool itself: executed as decided.
    #[default]
    Closed,
    /// The host ran it between begin and finish: decided and recorded.
    Split,
    /// Another program asked and ran it: decided and recorded.
    Hook,
}

/// Whether an effect happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectStatus {
    /// The tool ran to its end.
    Happened,
    /// The tool started and how far it came is not known.
    Unknown,
}

impl EffectStatus {
    /// The word in machine output.
    pub fn as_str(self) -> &'static str {
        match self {
            EffectStatus::Happened => "happened",
            EffectStatus::Unknown => "unknown",
        }
    }
}
