//! The reference client as an adapter.

use std::io;
use std::sync::Arc;

use adapter_protocol::{Answer, Capability, HelloAnswer, Implementation, PROTOCOL, Start, Verb};
use adapter_server::Case;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::application::{Application, Tools};
use crate::browser::Browser;
use crate::defect::Defect;
use crate::mutant_transport::HttpClients;

/// An adapter around the reference client. One adapter serves any number of connections, each with a case of its own.
#[derive(Clone, Debug)]
pub struct Adapter {
    tools: Tools,
    defect: Option<Defect>,
}

impl Adapter {
    /// An adapter; with a defect, of a mutant.
    ///
    /// # Errors
    /// When no HTTP client can be set up.
    pub fn new(defect: Option<Defect>) -> io::Result<Self> {
        let clients = HttpClients::new(defect).map_err(io::Error::other)?;
        Ok(Self { tools: Tools { clients, browser: Browser::new().map_err(io::Error::other)? }, defect })
    }

    /// Speaks the adapter protocol until the runner closes its end.
    ///
    /// # Errors
    /// When a pipe breaks.
    pub async fn serve(self, input: impl AsyncRead + Unpin, output: impl AsyncWrite + Unpin) -> io::Result<()> {
        adapter_server::serve(&Applications(self), input, output).await
    }
}

/// Makes an application for each case.
struct Applications(Adapter);

impl adapter_server::Adapter for Applications {
    type Case = Application;

    fn hello(&self) -> HelloAnswer {
        hello(self.0.defect)
    }

    fn start(&self, start: Start) -> BoxFuture<'_, Result<Application, String>> {
        let started = Application::start(start, self.0.tools.clone(), self.0.defect);
        std::future::ready(started.map_err(|error| error.to_string())).boxed()
    }
}

impl Case for Application {
    fn perform(self: Arc<Self>, id: u64, verb: Verb) -> BoxFuture<'static, Answer> {
        async move { self.answer(id, verb).await }.boxed()
    }
}

fn hello(defect: Option<Defect>) -> HelloAnswer {
    let version = env!("CARGO_PKG_VERSION");
    let version_of_target = match defect {
        None => version.to_owned(),
        Some(defect) => format!("{version} with the defect {defect}"),
    };
    let target = Implementation {
        name: "client-core".to_owned(),
        version: version_of_target,
        language: Some("Rust".to_owned()),
        homepage: None,
    };
    let claims = vec![
        Capability::SignIn,
        Capability::SignOut,
        Capability::SessionError,
        Capability::SessionAccessToken,
        Capability::SessionConcurrent,
        Capability::SessionDelivery,
        Capability::SessionChunks,
        Capability::SessionCancel,
        Capability::RefreshOnSession,
        Capability::RefreshOnApi,
        Capability::ClockSet,
        Capability::ActorsTab,
        Capability::ActorsFork,
        Capability::Restart,
        Capability::IdToken,
        Capability::Revocation,
        Capability::Logs,
    ];
    let adapter = format!("reference-adapter {version}");
    HelloAnswer { protocol: PROTOCOL, adapter, target, claims, errors: Default::default() }
}
