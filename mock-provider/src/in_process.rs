//! A realm called without a connection: the same decisions, no socket. For benchmarks and for tests of what lies above the
//! transport.
//!
//! Deliberately absent: what a connection does. Holds do not park such a request, delays do not delay it, and a scripted
//! transport fault leaves the answer whole; it is journalled as delivered.

use bytes::Bytes;
use http::{Request, Response, StatusCode};

use crate::endpoint::Endpoint;
use crate::handle::RealmHandle;
use crate::journal::Delivery;
use crate::request::WireRequest;

impl RealmHandle {
    /// Answers a request whose path lies below the realm's base; 404 where that leads nowhere.
    pub fn call(&self, request: Request<Bytes>) -> Response<Bytes> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path().to_owned();
        let Some(endpoint) = Endpoint::at(&path) else {
            return answer(StatusCode::NOT_FOUND.as_u16(), http::HeaderMap::new(), vec![]);
        };
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let request = WireRequest::read(endpoint, parts.method, path, query, parts.headers, &body);
        let (ticket, decision) = self.decide_now(&request);
        let rendered = decision.render();
        self.settle(ticket, Some(rendered.status), Delivery::Delivered);
        answer(rendered.status, rendered.headers, rendered.body)
    }
}

fn answer(status: u16, headers: http::HeaderMap, body: Vec<u8>) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from(body));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *answer.headers_mut() = headers;
    answer
}
