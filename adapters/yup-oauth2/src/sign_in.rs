//! How the crate reaches the user: it hands out an address, and wants the code that the user has got there.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rust_adapter::{REDIRECT_URI, browse, query};
use yup_oauth2::authenticator_delegate::InstalledFlowDelegate;

/// The user, who is there while signing in. Whoever reads a session is a program.
#[derive(Clone, Default)]
pub(crate) struct Person {
    there: Arc<AtomicBool>,
}

impl Person {
    pub(crate) fn comes(&self) {
        self.there.store(true, Ordering::SeqCst);
    }

    pub(crate) fn leaves(&self) {
        self.there.store(false, Ordering::SeqCst);
    }

    async fn code(&self, url: &str) -> Result<String, String> {
        if !self.there.load(Ordering::SeqCst) {
            return Err("nobody is there to sign in".to_owned());
        }
        let mut answer = query(&browse(url, REDIRECT_URI).await?);
        answer.remove("code").ok_or_else(|| format!("no code, but {:?}", answer.get("error")))
    }
}

impl InstalledFlowDelegate for Person {
    fn redirect_uri(&self) -> Option<&str> {
        Some(REDIRECT_URI)
    }

    fn present_user_url<'a>(
        &'a self,
        url: &'a str,
        _: bool,
    ) -> Pin<Box<dyn Future<Output = Result<String, String>> + Send + 'a>> {
        Box::pin(self.code(url))
    }
}
