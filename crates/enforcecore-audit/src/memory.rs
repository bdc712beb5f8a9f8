//! A log store in memory: for deciding without leaving evidence, and for tests.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::store::{LogStore, LogTurn, StoreError};

/// Bytes in memory. Clones share them, as processes share a folder.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    log: Vec<u8>,
    torn: Vec<Vec<u8>>,
}

impl MemoryStore {
    /// A store that holds these bytes already.
    pub fn new(bytes: Vec<u8>) -> MemoryStore {
        MemoryStore { kept: Arc::new(Mutex::new(Kept { log: bytes, torn: Vec::new() })) }
    }

    /// The log's bytes.
    pub fn contents(&self) -> Vec<u8> {
        self.kept().log.clone()
    }

    /// The tails that were moved away.
    pub fn torn(&self) -> Vec<Vec<u8>> {
        self.kept().torn.clone()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LogStore for MemoryStore {
    fn turn(&self) -> Result<Box<dyn LogTurn + '_>, StoreError> {
        Ok(Box::new(MemoryTurn { kept: self.kept() }))
    }
}

struct MemoryTurn<'a> {
    kept: MutexGuard<'a, Kept>,
}

impl LogTurn for MemoryTurn<'_> {
    fn bytes(&mut self) -> Result<u64, StoreError> {
        Ok(self.kept.log.len() as u64)
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<(), StoreError> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let found = self.kept.log.get(start..start.saturating_add(buffer.len()));
        buffer.copy_from_slice(found.ok_or_else(|| StoreError::new("read the log", "it ends before"))?);
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.kept.log.extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn quarantine(&mut self, offset: u64) -> Result<String, StoreError> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.kept.log.len());
        let tail = self.kept.log.split_off(start);
        self.kept.torn.push(tail);
        Ok(format!("torn/{}", self.kept.torn.len()))
    }
}
