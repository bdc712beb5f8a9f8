//! Sets of rows of a table, as wide as the table is long.

/// Rows in one word of a set.
const WORD_ROWS: usize = u64::BITS as usize;

/// Rows of a table by their place in it, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct RowSet<const WORDS: usize>([u64; WORDS]);

/// The words of a set that has room for every row of a table.
pub(super) const fn words_for(rows: usize) -> usize {
    rows.div_ceil(WORD_ROWS)
}

#[expect(
    clippy::indexing_slicing,
    reason = "a set has a word for each row of its table, and no row is added to a table"
)]
impl<const WORDS: usize> RowSet<WORDS> {
    pub(super) const NONE: RowSet<WORDS> = RowSet([0; WORDS]);

    pub(super) fn with(mut self, row: usize) -> RowSet<WORDS> {
        self.0[row / WORD_ROWS] |= 1 << (row % WORD_ROWS);
        self
    }

    pub(super) fn union(mut self, other: RowSet<WORDS>) -> RowSet<WORDS> {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
        self
    }

    pub(super) fn contains(&self, row: usize) -> bool {
        self.0[row / WORD_ROWS] & 1 << (row % WORD_ROWS) != 0
    }
}
