//! Time and randomness of this machine.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use enforcecore::ports::{Clock, Random, StoreError};

/// The system's clocks.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    /// What the monotonic clock counts from. It is read when the clock is made and not at the first question: a fork in the
    /// middle of that would leave its child waiting.
    start: Instant,
}

impl SystemClock {
    /// A clock that counts from now on.
    pub fn start() -> SystemClock {
        SystemClock { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn wall_us(&self) -> i64 {
        // A clock set before 1970 is a label like any other wrong time: order never depends on it.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).map(|age| age.as_micros());
        since.ok().and_then(|us| i64::try_from(us).ok()).unwrap_or(0)
    }

    fn monotonic_us(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), StoreError> {
        getrandom::fill(buffer).map_err(|error| StoreError::new("get randomness from the system", error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_moves_on_and_randomness_differs() {
        let clock = SystemClock::start();
        let earlier = clock.monotonic_us();
        assert!(clock.monotonic_us() >= earlier);
        assert!(clock.wall_us() > 1_700_000_000_000_000);
        let (mut a, mut b) = ([0; 16], [0; 16]);
        SystemRandom.fill(&mut a).unwrap();
        SystemRandom.fill(&mut b).unwrap();
        assert_ne!(a, b);
    }
}
