//! From a command line to a server that answers.

use std::future::IntoFuture as _;
use std::io::{self, Write as _};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{get, post};
use client_core::{
    BadSecrets, ClientConfig, Discovered, DiscoveryError, Limits, ReqwestTransport, SealingSecrets, SetupError,
    discover,
};
use serde_json::json;
use tokio::net::TcpListener;
use url::Url;

use crate::app::{App, Settings};
use crate::args::Args;
use crate::{auth_routes, log, page, resource, test_clock};

/// Bytes of an answer that are read.
const MOST: usize = 1 << 20;

/// What every answer says: nothing is kept, nothing is framed, nothing but this application's own style is loaded.
const HEADERS: [(header::HeaderName, &str); 4] = [
    (header::CACHE_CONTROL, "private, no-cache, no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// Why the application does not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    #[error("cannot listen on port {port}: {source}")]
    Listen { port: u16, source: io::Error },
    #[error("--base-url: `{0}` is no http or https URL of a host")]
    BaseUrl(Url),
    #[error("--secret: {0}")]
    Secrets(#[from] BadSecrets),
    #[error(transparent)]
    Transport(#[from] SetupError),
    #[error("cannot discover the endpoints of {issuer}: {source}")]
    Discovery { issuer: String, source: DiscoveryError },
    #[error("serving failed: {0}")]
    Serving(#[from] io::Error),
}

/// Serves until Ctrl-C or SIGTERM. Writes one line of JSON to standard output once requests are answered.
pub(crate) async fn serve(args: Args) -> Result<(), ServeError> {
    let port = args.port;
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    let listener = bound.map_err(|source| ServeError::Listen { port, source })?;
    let url = format!("http://{}/", listener.local_addr()?);
    let app = Arc::new(app(args, &url).await?);
    let line = json!({"ready": true, "url": app.base, "listens": url});
    let serving = axum::serve(listener, router(app));
    writeln!(io::stdout().lock(), "{line}")?;
    tokio::select! {
        ended = serving.into_future() => Ok(ended?),
        () = stop_signal() => Ok(()),
    }
}

async fn app(args: Args, url: &str) -> Result<App, ServeError> {
    let secrets = SealingSecrets::new(args.secrets)?;
    let base = base_url(args.base_url, url)?;
    let limits = Limits { time: Duration::from_millis(args.provider_timeout_ms), size: MOST };
    let transport = ReqwestTransport::new(limits)?;
    let discovered = discover(&transport, &args.issuer).await;
    let Discovered { authorization_endpoint, token_endpoint, jwks_uri, revocation_endpoint } =
        discovered.map_err(|source| ServeError::Discovery { issuer: args.issuer.clone(), source })?;
    let config = ClientConfig {
        issuer: args.issuer,
        authorization_endpoint,
        token_endpoint,
        jwks_uri,
        revocation_endpoint,
        client_id: args.client_id,
        client_secret: Some(args.client_secret),
        redirect_uri: auth_routes::callback_url(&base),
        scopes: args.scopes.split_whitespace().map(str::to_owned).collect(),
    };
    let settings = Settings { base, show_access_token: args.show_access_token, test_clock: args.test_clock };
    Ok(App::new(config, settings, &secrets, transport))
}

/// The origin that browsers use. A path has no place there: the cookies are of the whole host.
fn base_url(told: Option<Url>, listens: &str) -> Result<Url, ServeError> {
    let Some(url) = told else { return Ok(Url::parse(listens).map_err(io::Error::other)?) };
    let fine = matches!(url.scheme(), "http" | "https") && url.path() == "/" && url.query().is_none();
    if fine { Ok(url) } else { Err(ServeError::BaseUrl(url)) }
}

fn router(app: Arc<App>) -> Router {
    let mut router = Router::new()
        .route("/", get(page::show))
        .route("/auth/csrf", get(auth_routes::csrf))
        .route("/auth/providers", get(auth_routes::providers))
        .route("/auth/signin/google", post(auth_routes::sign_in))
        .route("/auth/callback/google", get(auth_routes::callback))
        .route("/auth/session", get(auth_routes::session))
        .route("/auth/signout", post(auth_routes::sign_out))
        .route("/api/resource", get(resource::call));
    if app.test_clock.is_some() {
        log::line("--test-clock: whoever can reach this application can set its clock");
        router = router.route("/_test/clock", post(test_clock::set));
    }
    router.layer(map_response(with_headers)).with_state(app)
}

async fn with_headers(mut response: Response) -> Response {
    let headers: &mut HeaderMap = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(unix)]
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn stop_signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
