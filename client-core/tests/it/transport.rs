//! The bounds of the real transport.

use std::time::Duration;

use client_core::{HttpRequest, Limits, ReqwestTransport, Transport, TransportError};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

async fn sent(limits: Limits, answer: ResponseTemplate) -> (MockServer, Result<u16, TransportError>) {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let transport = ReqwestTransport::new(limits).unwrap();
    let form = vec![("refresh_token".to_owned(), "rt".to_owned())];
    let outcome = transport.send(HttpRequest::post(server.uri().parse().unwrap(), form)).await;
    (server, outcome.map(|response| response.status))
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = MockServer::start().await;
    for status in [301, 302, 303, 307, 308] {
        let answer = ResponseTemplate::new(status).insert_header("location", elsewhere.uri());
        let (_server, outcome) = sent(Limits::default(), answer).await;
        assert_eq!(outcome, Ok(status));
    }
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_long_body_is_cut_off() {
    let limits = Limits { size: 1000, ..Limits::default() };
    let (_server, outcome) = sent(limits, ResponseTemplate::new(200).set_body_bytes(vec![b'x'; 1001])).await;
    assert_eq!(outcome, Err(TransportError::TooLarge));
}

#[tokio::test]
async fn silence_ends_in_a_timeout() {
    let limits = Limits { time: Duration::from_millis(50), ..Limits::default() };
    let (_server, outcome) = sent(limits, ResponseTemplate::new(200).set_delay(Duration::from_secs(30))).await;
    assert_eq!(outcome, Err(TransportError::Timeout));
}

#[tokio::test]
async fn a_closed_port_is_a_connection_error() {
    // Bound and let go: nobody listens there now.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/").parse().unwrap();
    let transport = ReqwestTransport::new(Limits::default()).unwrap();
    assert_eq!(transport.send(HttpRequest::get(url)).await.unwrap_err(), TransportError::Connection);
}
