//! Transports with a bug: what goes out or what comes in is changed on the way.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use client_core::{HttpRequest, HttpResponse, Limits, ReqwestTransport, SetupError, Transport, TransportError};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};

use crate::defect::Defect;

/// The bounds that the reference client has in a run: real time is short there, for everything is on loopback.
const LIMITS: Limits = Limits { time: Duration::from_secs(2), size: 1 << 20 };

/// The HTTP clients of an adapter; its cases share them, as the sessions of one server would.
#[derive(Clone, Debug)]
pub(crate) struct HttpClients {
    inner: ReqwestTransport,
    /// Sends what the real transport would not, and follows redirects where the bug is to do so.
    careless: reqwest::Client,
}

impl HttpClients {
    pub(crate) fn new(defect: Option<Defect>) -> Result<Self, NoTransport> {
        let limits = match defect {
            Some(Defect::HangsWithoutTimeout) => Limits { time: Duration::from_secs(3600), ..LIMITS },
            Some(_) | None => LIMITS,
        };
        let redirects = match defect {
            Some(Defect::FollowsRedirect) => reqwest::redirect::Policy::default(),
            Some(_) | None => reqwest::redirect::Policy::none(),
        };
        let careless = reqwest::Client::builder().no_proxy().redirect(redirects).timeout(limits.time).build()?;
        Ok(Self { inner: ReqwestTransport::new(limits)?, careless })
    }
}

/// The reference client's transport, right or with one bug.
pub(crate) struct MutantTransport {
    clients: HttpClients,
    defect: Option<Defect>,
    first_refresh_token: Mutex<Option<String>>,
    revocation_failed: AtomicBool,
}

/// Why the transport cannot be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoTransport {
    #[error(transparent)]
    Client(#[from] SetupError),
    #[error("the HTTP client could not be set up: {0}")]
    Careless(#[from] reqwest::Error),
}

impl MutantTransport {
    pub(crate) fn new(clients: HttpClients, defect: Option<Defect>) -> Self {
        Self { clients, defect, first_refresh_token: Mutex::default(), revocation_failed: AtomicBool::new(false) }
    }

    /// Whether the last revocation went wrong.
    pub(crate) fn revocation_failed(&self) -> bool {
        self.revocation_failed.load(Ordering::SeqCst)
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let revokes = request.url.path().ends_with("/revoke");
        let posts = request.form.is_some();
        let outcome = match self.defect {
            Some(Defect::FollowsRedirect | Defect::BasicAndBody) if posts => self.send_carelessly(request).await,
            Some(_) | None => self.clients.inner.send(self.changed(request)).await,
        };
        if revokes {
            let failed = !matches!(&outcome, Ok(response) if response.status == 200);
            self.revocation_failed.store(failed, Ordering::SeqCst);
        }
        outcome.map(|response| self.misread(response))
    }

    /// What goes out.
    fn changed(&self, request: HttpRequest) -> HttpRequest {
        let HttpRequest { form: Some(mut form), mut url, bearer } = request else { return request };
        match self.defect {
            Some(Defect::NoPkce) => form.retain(|(name, _)| name != "code_verifier"),
            Some(Defect::RevokesFirstToken) if url.path().ends_with("/revoke") => {
                let first = self.first_refresh_token.lock().unwrap_or_else(PoisonError::into_inner).clone();
                for (_, value) in form.iter_mut().filter(|(name, _)| name == "token") {
                    first.iter().for_each(|token| token.clone_into(value));
                }
            }
            Some(Defect::SendsSecretInQuery) => {
                url.query_pairs_mut().extend_pairs(form.iter());
                form.clear();
            }
            Some(_) | None => {}
        }
        HttpRequest { form: Some(form), url, bearer }
    }

    async fn send_carelessly(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let form = request.form.unwrap_or_default();
        let value = |wanted: &str| form.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
        let builder = self.clients.careless.post(request.url).form(&form);
        let builder = match self.defect {
            Some(Defect::BasicAndBody) => {
                builder.basic_auth(value("client_id").unwrap_or_default(), value("client_secret"))
            }
            Some(_) | None => builder,
        };
        let response = builder.send().await.map_err(|_| TransportError::Connection)?;
        let status = response.status().as_u16();
        let body = response.bytes().await.map_err(|_| TransportError::Connection)?.to_vec();
        Ok(HttpResponse { status, retry_after: None, body })
    }

    /// What comes in.
    fn misread(&self, response: HttpResponse) -> HttpResponse {
        let Ok(mut body) = serde_json::from_slice::<Map<String, Value>>(&response.body) else { return response };
        if let Some(token) = body.get("refresh_token").and_then(Value::as_str) {
            let mut first = self.first_refresh_token.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert_with(|| token.to_owned());
        }
        match self.defect {
            Some(Defect::SwallowsErrorIn200) if response.status == 200 && body.contains_key("error") => {
                body.remove("error");
                body.entry("access_token").or_insert_with(|| "undefined".into());
            }
            Some(Defect::ConcatenatesExpiresIn) if body.get("expires_in").is_some_and(Value::is_string) => {
                body.insert("expires_in".to_owned(), json!(1e15));
            }
            Some(Defect::StrictTokenType) if body.get("token_type").is_some_and(|kind| kind != "Bearer") => {
                body.insert("token_type".to_owned(), "unsupported".into());
            }
            Some(Defect::TakesAnyTokenType) => drop(body.insert("token_type".to_owned(), "Bearer".into())),
            Some(_) | None => return response,
        }
        HttpResponse { body: Value::Object(body).to_string().into_bytes(), ..response }
    }
}

impl Transport for MutantTransport {
    fn send(&self, request: HttpRequest) -> BoxFuture<'_, Result<HttpResponse, TransportError>> {
        self.exchange(request).boxed()
    }
}
