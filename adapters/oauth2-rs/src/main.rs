//! The adapter for the crate `oauth2`.

mod application;
mod tokens;

use rust_adapter::Introduction;
use rust_adapter::adapter_protocol::Capability;

use crate::application::App;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    rust_adapter::serve::<App>(Introduction {
        adapter: "oauth2-rs 1",
        name: "oauth2",
        version: "5.0.0",
        homepage: "https://github.com/ramosbugs/oauth2-rs",
        claims: vec![
            Capability::SignIn,
            Capability::SignOut,
            Capability::SessionError,
            Capability::SessionAccessToken,
            Capability::SessionConcurrent,
            Capability::SessionCancel,
            Capability::RefreshOnSession,
            Capability::RefreshOnApi,
            Capability::ClockSet,
            Capability::ActorsTab,
            Capability::Restart,
            Capability::Logs,
        ],
        error: tokens::ERROR,
    })
    .await
}
