//! A log store in memory: for deciding without leaving evidence, and for tests.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::traits::{LogStore, LogTurn, StoreError};

/// Bytes that live as long as their last clone; clones are the same store.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl MemoryStore {
    /// A store that holds these bytes.
    pub fn new(bytes: Vec<u8>) -> MemoryStore {
        MemoryStore { bytes: Arc::new(Mutex::new(bytes)) }
    }

    /// A copy of what it holds.
    pub fn contents(&self) -> Vec<u8> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LogStore for MemoryStore {
    fn turn(&self) -> Result<Box<dyn LogTurn + '_>, StoreError> {
        Ok(Box::new(MemoryTurn { bytes: self.lock() }))
    }
}

struct MemoryTurn<'a> {
    bytes: MutexGuard<'a, Vec<u8>>,
}

impl LogTurn for MemoryTurn<'_> {
    fn bytes(&mut self) -> Result<u64, StoreError> {
        Ok(self.bytes.len() as u64)
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<(), StoreError> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let end = start.saturating_add(buffer.len());
        let bytes = self.bytes.get(start..end).ok_or_else(|| StoreError::new("read the log", "past its end"))?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn quarantine(&mut self, offset: u64) -> Result<String, StoreError> {
        self.bytes.truncate(usize::try_from(offset).unwrap_or(usize::MAX));
        Ok("memory".to_owned())
    }
}
