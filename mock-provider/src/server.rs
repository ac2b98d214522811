//! HTTP around the realms: which realm, which endpoint, park, decide, sign, send, break.

use std::io::Write as _;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::answer::{Answer, Body as AnswerBody};
use crate::decide::Rendered;
use crate::fault::Fault;
use crate::fault_io::{Receipt, Wire};
use crate::handle::RealmHandle;
use crate::http_body::{Then, UnsteadyBody};
use crate::journal::Delivery;
use crate::provider::Realms;
use crate::request::WireRequest;
use crate::traffic::{Arrival, Ticket};
use crate::uptime::pause;

/// Larger request bodies are refused; Google's own tokens are far smaller.
const MAX_BODY: usize = 1 << 20;

/// Answers every path outside the control API.
pub(crate) async fn answer(
    State(realms): State<Realms>,
    ConnectInfo(wire): ConnectInfo<Wire>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Some((realm, endpoint, path)) = realms.route(parts.uri.path()) else { return not_found() };
    if lacks_length(&parts) {
        return page(Answer::robot_page(411, "Length Required", "POST requests require a Content-length header."));
    }
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let connection = Connection { wire, version: parts.version, gzip: accepts_gzip(&parts.headers) };
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let request = WireRequest::read(endpoint, parts.method, path, query, parts.headers, &body);
    exchange(&realm, &connection, &request).await
}

/// How an answer goes back.
struct Connection {
    wire: Wire,
    version: Version,
    gzip: bool,
}

impl Connection {
    fn is_http2(&self) -> bool {
        self.version == Version::HTTP_2
    }
}

/// Google's front end wants to know how long a POST is; HTTP/2 has its own way of telling.
fn lacks_length(parts: &Parts) -> bool {
    let told = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING].iter().any(|name| parts.headers.contains_key(name));
    parts.method == Method::POST && parts.version <= Version::HTTP_11 && !told
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut codings = accepted.flat_map(|text| text.split(','));
    codings.any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        gzip && !parts.any(|weight| matches!(weight, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

/// Google's page for a path that it does not know.
fn not_found() -> Response {
    page(Answer::robot_page(404, "Not Found", "The requested URL was not found on this server."))
}

fn page(answer: Answer) -> Response {
    let body = match answer.body {
        AnswerBody::Bytes(bytes) => Body::from(bytes),
        AnswerBody::Empty | AnswerBody::Json(..) | AnswerBody::Callback(_) => Body::empty(),
    };
    response(answer.status, answer.headers, body)
}

async fn exchange(realm: &RealmHandle, connection: &Connection, request: &WireRequest) -> Response {
    let (ticket, arrival) = realm.arrive(request);
    let pending = Pending { realm: realm.clone(), ticket, end: None };
    let decision = match arrival {
        Arrival::Decided(decision) => Some(*decision),
        Arrival::Parked(released) => {
            // A dropped sender means that the realm was reset: then there is no decision below.
            drop(released.await);
            realm.decide(ticket, request)
        }
    };
    let Some(decision) = decision else { return gone() };
    let rendered = decision.render();
    if let Some(released) = realm.park_decided(ticket, request) {
        drop(released.await);
    }
    if let Some(delay) = rendered.delay {
        pause(delay.0).await;
    }
    if !realm.is_current(ticket) {
        return gone();
    }
    send(pending, connection, rendered).await
}

/// What a request gets whose realm has been reset, restored or restarted meanwhile.
fn gone() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, "the realm was reset, restored or restarted\n").into_response()
}

async fn send(mut pending: Pending, connection: &Connection, mut rendered: Rendered) -> Response {
    let Some(fault) = rendered.fault else {
        pending.settle(Some(rendered.status), Delivery::Delivered);
        return whole(connection, rendered);
    };
    if fault.needs_a_body() && rendered.body.is_empty() {
        // There has to be something to cut: a byte that is promised.
        rendered.body = vec![b' '];
    }
    let status = fault.shows_the_status().then_some(rendered.status);
    let receipt: Option<Receipt> = if fault.delivers() {
        // Only the connection knows when the last byte is out; a client that leaves before it drops the receipt.
        pending.end = Some((status, Delivery::Abandoned));
        Some(Box::new(move || pending.settle(status, Delivery::Delivered)))
    } else {
        pending.lose(status);
        if fault == Fault::Never {
            // Dropped with this future when the client leaves, which is when the request ends.
            return std::future::pending().await;
        }
        Some(Box::new(move || drop(pending)))
    };
    let by_connection = !fault.needs_a_body() || !connection.is_http2() && !matches!(fault, Fault::Stall(_));
    if by_connection {
        broken_by_connection(connection, rendered, fault, receipt)
    } else {
        broken_by_body(rendered, fault, receipt)
    }
}

/// The connection breaks, at a chosen byte.
fn broken_by_connection(
    connection: &Connection,
    rendered: Rendered,
    fault: Fault,
    receipt: Option<Receipt>,
) -> Response {
    let mut body = rendered.body;
    connection.wire.arm(fault, body.len(), receipt);
    if let Fault::WrongLength(length) = fault {
        // The connection is cut before the padding, so the header has promised too much.
        body.resize(length, b' ');
    }
    let mut response = response(rendered.status, rendered.headers, Body::from(body));
    if !connection.is_http2() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The body breaks, and its connection goes on.
fn broken_by_body(rendered: Rendered, fault: Fault, receipt: Option<Receipt>) -> Response {
    let mut body = rendered.body;
    let shorter = |bytes: usize| bytes.min(body.len().saturating_sub(1));
    let (sent, then) = match fault {
        Fault::Stall(bytes) => (shorter(bytes), Then::Silence { receipt }),
        Fault::ResetInBody(bytes) | Fault::EarlyClose(bytes) => (shorter(bytes), Then::Break),
        Fault::WrongLength(promised) => (promised.min(body.len()), Then::Break),
        Fault::Drip { bytes, every } => (body.len(), Then::Piece { size: bytes.max(1), every: every.0, done: receipt }),
        Fault::ResetBeforeHeaders | Fault::EmptyResponse | Fault::Never | Fault::BadChunk | Fault::Garbage => {
            (0, Then::Break)
        }
    };
    if let Fault::WrongLength(promised) = fault {
        let cut_to_promise = promised <= body.len();
        body.resize(promised, b' ');
        if cut_to_promise {
            return response(rendered.status, rendered.headers, Body::from(body));
        }
    }
    response(rendered.status, rendered.headers, Body::new(UnsteadyBody::new(&Bytes::from(body), sent, then)))
}

/// A whole answer, compressed for a client that likes it so.
fn whole(connection: &Connection, rendered: Rendered) -> Response {
    if !connection.gzip || !rendered.may_gzip || rendered.body.is_empty() {
        return response(rendered.status, rendered.headers, Body::from(rendered.body));
    }
    let packed = compressed(&rendered.body);
    let mut response = response(rendered.status, rendered.headers, Body::from(packed));
    response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response
}

fn compressed(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len()), Compression::fast());
    // Writing to memory cannot fail; if it did, an empty body would tell.
    drop(encoder.write_all(body));
    encoder.finish().unwrap_or_default()
}

fn response(status: u16, headers: HeaderMap, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = headers;
    response
}

/// A request without an answer. Dropped as such (the client left) it is journalled as abandoned.
struct Pending {
    realm: RealmHandle,
    ticket: Ticket,
    /// How it ends; as abandoned where nothing else is said.
    end: Option<(Option<u16>, Delivery)>,
}

impl Pending {
    /// The answer is lost, but the client may go on waiting for it: the request ends when this is dropped.
    fn lose(&mut self, status: Option<u16>) {
        self.end = Some((status, Delivery::Lost));
        self.realm.lose(self.ticket, status);
    }

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
