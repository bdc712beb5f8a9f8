//! What a tool may do, by the policy's words.

/// One thing that a tool may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ToolEffect {
    Reads,
    Writes,
    Deletes,
    Executes,
    Fetches,
    Sends,
    Pays,
    Deploys,
    Changes,
}

impl ToolEffect {
    /// Every effect with its word.
    const WORDS: [(&str, ToolEffect); 9] = [
        ("reads", ToolEffect::Reads),
        ("writes", ToolEffect::Writes),
        ("deletes", ToolEffect::Deletes),
        ("executes", ToolEffect::Executes),
        ("fetches", ToolEffect::Fetches),
        ("sends", ToolEffect::Sends),
        ("pays", ToolEffect::Pays),
        ("deploys", ToolEffect::Deploys),
        ("changes", ToolEffect::Changes),
    ];

    /// Every word, in the order of messages.
    pub(crate) fn words() -> [&'static str; 9] {
        ToolEffect::WORDS.map(|(word, _)| word)
    }

    pub(crate) fn named(word: &str) -> Option<ToolEffect> {
        ToolEffect::WORDS.iter().find(|(own, _)| *own == word).map(|(_, effect)| *effect)
    }

    /// What makes a tool one that writes, to `any_write` and `every_write`.
    const WRITING: [ToolEffect; 3] = [ToolEffect::Writes, ToolEffect::Deletes, ToolEffect::Changes];
}

/// A set of effects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ToolEffects(u16);

impl ToolEffects {
    /// Every effect there is: what an undeclared tool does.
    pub(crate) fn all() -> ToolEffects {
        ToolEffect::WORDS.iter().fold(ToolEffects::default(), |all, (_, effect)| all.with(*effect))
    }

    pub(crate) fn with(self, effect: ToolEffect) -> ToolEffects {
        self.union(ToolEffects(1 << effect as u16))
    }

    pub(crate) fn union(self, other: ToolEffects) -> ToolEffects {
        ToolEffects(self.0 | other.0)
    }

    pub(crate) fn has(self, effect: ToolEffect) -> bool {
        self.0 & (1 << effect as u16) != 0
    }

    /// Whether these are more than reading.
    pub(crate) fn beyond_reading(self) -> bool {
        ToolEffect::WORDS.iter().any(|(_, effect)| *effect != ToolEffect::Reads && self.has(*effect))
    }

    /// Whether one of these is a kind of writing.
    pub(crate) fn write(self) -> bool {
        ToolEffect::WRITING.iter().any(|effect| self.has(*effect))
    }

    /// Whether one of these reaches other machines.
    pub(crate) fn reach_network(self) -> bool {
        self.has(ToolEffect::Fetches) || self.has(ToolEffect::Sends)
    }
}
