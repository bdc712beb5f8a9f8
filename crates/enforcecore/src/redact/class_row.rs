//! A class: its id, the form of its row, and how a placeholder of it is spelled.

use std::borrow::Cow;

/// A class: the place of its row in the table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class(pub(super) usize);

/// One class of classified text. Its row stands with its detector, and its line in the table `CLASSES`.
#[derive(Debug)]
pub struct ClassRow {
    /// The name in policies, logs and machine output, and in capitals in placeholders.
    pub name: &'static str,
    /// Other names by which a policy may ask for it.
    pub aliases: &'static [&'static str],
    /// What telling it from other text takes.
    pub tier: ClassTier,
    /// Whether a policy's word `secret` includes it.
    pub secret: bool,
    /// Which class names a span that several claim, the highest first: the surer its format, the better.
    pub(super) rank: u8,
    /// What makes two originals one value, which has one number: a card's number is its digits, however they are grouped.
    pub(super) canonical: fn(&str) -> Cow<'_, str>,
    /// One sentence for people.
    pub doc: &'static str,
    /// Where the format is described.
    pub source: &'static str,
}

/// What telling a class from other text takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassTier {
    /// It has a form of its own.
    Form,
    /// What stands around it must say what it is.
    Context,
}

impl Class {
    /// The class of this name in a table; where a constant is made so, another name does not compile.
    #[expect(clippy::indexing_slicing, reason = "only constants are made so")]
    pub(super) const fn of(classes: &[ClassRow], name: &str) -> Class {
        let mut place = 0;
        while !is_same(classes[place].name, name) {
            place += 1;
            assert!(place < classes.len(), "no class has this name");
        }
        Class(place)
    }
}

/// Whether two names are one, where a constant asks.
pub(super) const fn is_same(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one.as_bytes(), other.as_bytes());
    while let ([a, ones @ ..], [b, others @ ..]) = (one, other) {
        if *a != *b {
            return false;
        }
        (one, other) = (ones, others);
    }
    one.is_empty() && other.is_empty()
}

impl ClassRow {
    /// Whether a policy's word is its name or an alias.
    pub(super) fn is_called(&self, word: &str) -> bool {
        self.name == word || self.aliases.contains(&word)
    }

    /// The placeholder with this number.
    pub(super) fn placeholder(&self, number: u64) -> String {
        format!("{PREFIX}{}_{number}", self.name.to_ascii_uppercase())
    }

    /// The number of the placeholder of this class that begins a text, without its prefix.
    pub(super) fn number_in(&self, after_prefix: &str) -> Option<u64> {
        let digits = after_prefix.strip_prefix(&self.name.to_ascii_uppercase())?.strip_prefix('_')?;
        let digits = digits.get(..digits.bytes().take_while(u8::is_ascii_digit).count())?;
        // As it is written, and no other spelling of the number.
        digits.parse().ok().filter(|number: &u64| number.to_string() == digits)
    }
}

/// Every placeholder begins with this.
pub(super) const PREFIX: &str = "EC_";

/// Two originals are one value where every byte is the same.
pub(super) fn as_written(original: &str) -> Cow<'_, str> {
    Cow::Borrowed(original)
}
