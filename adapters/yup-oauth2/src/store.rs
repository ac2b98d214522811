//! Where the crate keeps a user's tokens, by its own trait for that.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use yup_oauth2::storage::{TokenInfo, TokenStorage, TokenStorageError};

/// One entry, as JSON: the application asks for the same scopes every time.
#[derive(Clone, Default)]
pub(crate) struct Store(Arc<Mutex<Option<String>>>);

impl Store {
    pub(crate) fn new(saved: Option<String>) -> Self {
        Self(Arc::new(Mutex::new(saved)))
    }

    pub(crate) fn saved(&self) -> Option<String> {
        self.entry().clone()
    }

    fn entry(&self) -> MutexGuard<'_, Option<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl TokenStorage for Store {
    async fn set(&self, _: &[&str], token: TokenInfo) -> Result<(), TokenStorageError> {
        let text = serde_json::to_string(&token);
        *self.entry() = Some(text.map_err(|error| TokenStorageError::Other(error.to_string().into()))?);
        Ok(())
    }

    async fn get(&self, _: &[&str]) -> Option<TokenInfo> {
        serde_json::from_str(self.entry().as_deref()?).ok()
    }
}
