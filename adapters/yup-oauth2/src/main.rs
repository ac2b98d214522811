//! The adapter for the crate `yup-oauth2`.

mod application;
mod sign_in;
mod store;

use rust_adapter::Introduction;
use rust_adapter::adapter_protocol::Capability;

use crate::application::{App, ERROR};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    rust_adapter::serve::<App>(Introduction {
        adapter: "yup-oauth2 1",
        name: "yup-oauth2",
        version: "12.1.2",
        homepage: "https://github.com/dermesser/yup-oauth2",
        claims: vec![
            Capability::SignIn,
            Capability::SignOut,
            Capability::SessionError,
            Capability::SessionAccessToken,
            Capability::SessionConcurrent,
            Capability::SessionCancel,
            Capability::RefreshOnSession,
            Capability::RefreshOnApi,
            Capability::ActorsTab,
            Capability::Restart,
            Capability::Logs,
        ],
        error: ERROR,
    })
    .await
}
