//! HTTP around the realms: which realm, which endpoint, park, decide, sign, send, break.

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::decide::Rendered;
use crate::endpoint::Endpoint;
use crate::fault_io::Wire;
use crate::handle::RealmHandle;
use crate::journal::{Delivery, Sequence};
use crate::provider::Realms;
use crate::reply::Fault;
use crate::request::WireRequest;

/// Larger request bodies are refused; Google's own tokens are far smaller.
const MAX_BODY: usize = 1 << 20;

/// Answers every path outside the control API.
pub(crate) async fn answer(
    State(realms): State<Realms>,
    ConnectInfo(wire): ConnectInfo<Wire>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Some((realm, path)) = realms.route(parts.uri.path()) else { return not_found() };
    let Some(endpoint) = Endpoint::at(&path) else { return not_found() };
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let request = WireRequest::read(endpoint, parts.method, path, query, parts.headers, &body);
    exchange(&realm, &wire, &request).await
}

/// Google's page for a path that it does not know.
fn not_found() -> Response {
    let page = "<!DOCTYPE html><html lang=en><title>Error 404 (Not Found)!!1</title><p><b>404.</b> That’s an error.";
    (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "text/html; charset=UTF-8")], page).into_response()
}

async fn exchange(realm: &RealmHandle, wire: &Wire, request: &WireRequest) -> Response {
    let (sequence, parked) = realm.arrive(request);
    let pending = Pending { realm: realm.clone(), sequence };
    if let Some(released) = parked {
        // A dropped sender (the realm was reset) lets the request go as a release does.
        drop(released.await);
    }
    let rendered = realm.decide(sequence, request).render();
    send(pending, wire, rendered).await
}

async fn send(pending: Pending, wire: &Wire, mut rendered: Rendered) -> Response {
    let Some(fault) = rendered.fault else {
        pending.settle(Some(rendered.status), Delivery::Delivered);
        return response(rendered.status, &rendered.headers, Body::from(rendered.body));
    };
    let lost = if fault.delivers() { Delivery::Delivered } else { Delivery::Lost };
    let status = (!matches!(fault, Fault::Never | Fault::ResetBeforeHeaders)).then_some(rendered.status);
    pending.settle(status, lost);
    wire.arm(fault, rendered.body.len());
    match fault {
        Fault::Never => return std::future::pending().await,
        // The connection is cut before the padding, so the header has promised too much.
        Fault::WrongLength(length) => rendered.body.resize(length, b' '),
        Fault::ResetBeforeHeaders | Fault::ResetInBody(_) | Fault::EarlyClose(_) | Fault::Drip { .. } => {}
    }
    let mut response = response(rendered.status, &rendered.headers, Body::from(rendered.body));
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

fn response(status: u16, headers: &[(String, String)], body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = header_map(headers);
    response
}

fn header_map(headers: &[(String, String)]) -> HeaderMap {
    let pair = |(name, value): &(String, String)| {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        Some((name, HeaderValue::from_str(value).ok()?))
    };
    headers.iter().filter_map(pair).fold(HeaderMap::new(), |mut map, (name, value)| {
        map.append(name, value);
        map
    })
}

/// A request without an answer. Dropped as such (the client left) it is journalled as abandoned.
struct Pending {
    realm: RealmHandle,
    sequence: Sequence,
}

impl Pending {
    fn settle(self, status: Option<u16>, delivery: Delivery) {
        self.realm.settle(self.sequence, status, delivery);
        std::mem::forget(self);
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.realm.settle(self.sequence, None, Delivery::Abandoned);
    }
}
