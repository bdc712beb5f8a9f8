//! Places of the log from which it can be read and checked again without what is before them.

use crate::verify::Chain;

/// Marks in memory at most.
const MARKS_MAX: usize = 256;
/// Bytes of the log between two marks at first. Where there would be too many marks, every second one is dropped.
const SPACING_BYTES: u64 = 1 << 20;

/// How far the log had come at some places, in their order.
pub struct Marks {
    at: Vec<Chain>,
    spacing: u64,
}

impl Default for Marks {
    fn default() -> Marks {
        Marks { at: Vec::new(), spacing: SPACING_BYTES }
    }
}

impl Marks {
    /// Marks this place, if the last mark is far enough behind it.
    pub fn pass(&mut self, chain: &Chain) {
        if chain.offset < self.at.last().map_or(0, |last| last.offset) + self.spacing {
            return;
        }
        self.at.push(chain.clone());
        if self.at.len() > MARKS_MAX {
            let mut last = false;
            self.at.retain(|_| {
                last = !last;
                !last
            });
            self.spacing *= 2;
        }
    }

    /// The last mark that is not behind this byte; without one the beginning.
    pub fn before(&self, byte: u64) -> Chain {
        let count = self.at.partition_point(|chain| chain.offset <= byte);
        count.checked_sub(1).and_then(|last| self.at.get(last)).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(offset: u64) -> Chain {
        Chain { offset, ..Chain::default() }
    }

    #[test]
    fn a_mark_lies_before_every_byte_however_long_the_log() {
        let mut marks = Marks::default();
        let group = 300_000;
        for groups in 1..20_000_u64 {
            marks.pass(&chain(groups * group));
            assert!(marks.at.len() <= 256);
        }
        assert!(marks.at.len() > 100, "{}", marks.at.len());
        let spacing = marks.spacing;
        for byte in (0..20_000 * group).step_by(7_777_777) {
            let mark = marks.before(byte).offset;
            assert!(mark <= byte && byte - mark <= 2 * spacing + group, "{byte}: {mark}");
        }
        assert_eq!(marks.before(u64::MAX).offset, marks.at.last().unwrap().offset);
        let third = marks.at[2].offset;
        assert_eq!((marks.before(third).offset, marks.before(third - 1).offset < third), (third, true));
    }
}
