//! HTTP around the realms: which realm, which endpoint, park, decide, sign, send, break.

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::decide::Rendered;
use crate::endpoint::Endpoint;
use crate::fault_io::Wire;
use crate::handle::{RealmHandle, Ticket};
use crate::journal::Delivery;
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
    let (ticket, parked) = realm.arrive(request);
    let pending = Pending { realm: realm.clone(), ticket, end: None };
    if let Some(released) = parked {
        // A dropped sender means that the realm was reset: then there is no decision below.
        drop(released.await);
    }
    let Some(decision) = realm.decide(ticket, request) else {
        return (StatusCode::SERVICE_UNAVAILABLE, "the realm was reset\n").into_response();
    };
    let rendered = decision.render();
    if let Some(released) = realm.park_decided(ticket, request) {
        drop(released.await);
    }
    send(pending, wire, rendered).await
}

async fn send(mut pending: Pending, wire: &Wire, mut rendered: Rendered) -> Response {
    let Some(fault) = rendered.fault else {
        pending.settle(Some(rendered.status), Delivery::Delivered);
        return response(rendered.status, &rendered.headers, Body::from(rendered.body));
    };
    let status = (!matches!(fault, Fault::Never | Fault::ResetBeforeHeaders)).then_some(rendered.status);
    let length = rendered.body.len();
    if fault.delivers() {
        // Only the connection knows when the last byte is out; a client that leaves before it drops the receipt.
        pending.end = Some((status, Delivery::Abandoned));
        wire.arm(fault, length, Some(Box::new(move || pending.settle(status, Delivery::Delivered))));
    } else {
        pending.settle(status, Delivery::Lost);
        wire.arm(fault, length, None);
    }
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
    ticket: Ticket,
    /// How it ends; as abandoned where nothing else is said.
    end: Option<(Option<u16>, Delivery)>,
}

impl Pending {
    fn settle(mut self, status: Option<u16>, delivery: Delivery) {
        self.end = Some((status, delivery));
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let (status, delivery) = self.end.unwrap_or((None, Delivery::Abandoned));
        self.realm.settle(self.ticket, status, delivery);
    }
}
