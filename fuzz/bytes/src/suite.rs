//! What the suite reads: files of its users, lines of adapters, logs.

use adapter_protocol::{decode_reply, decode_request, encode_reply, encode_request};
use conformance::event::Event;
use conformance::scenario::expand::expand;
use conformance::scenario::yaml;
use conformance::{known, manifest};

/// A scenario file.
///
/// # Panics
/// When an error points outside the text.
pub fn scenario(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let problems = match yaml::read(text) {
        Err(problem) => vec![problem],
        Ok(node) => expand(&node).err().unwrap_or_default(),
    };
    let spans = problems.iter().filter_map(|problem| problem.span);
    spans.for_each(|span| assert!(span.start <= text.len(), "an error outside the text"));
}

/// A file of known failures.
///
/// # Panics
/// Never, if all is well.
pub fn known_failures(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(known) = known::parse(text, ["refresh/one", "refresh/two[a]"].into_iter()) {
        assert!(known.entries.iter().all(|entry| !entry.value.reason.trim().is_empty()), "an entry without a reason");
    }
}

/// An adapter's `regrant.yaml`.
pub fn adapter_manifest(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    drop(manifest::parse(text));
}

/// A line of the adapter protocol, either way.
///
/// # Panics
/// When a message is another one after it was written and read again.
pub fn protocol_line(bytes: &[u8]) {
    let Ok(line) = std::str::from_utf8(bytes) else { return };
    if let Ok(request) = decode_request(line) {
        let again = encode_request(&request).and_then(|line| decode_request(&line));
        assert!(again.is_ok_and(|again| again == request), "a request changes on its way");
    }
    if let Ok(reply) = decode_reply(line) {
        let again = encode_reply(&reply).and_then(|line| decode_reply(&line));
        assert!(again.is_ok_and(|again| again == reply), "an answer changes on its way");
    }
}

/// A line of an event log.
///
/// # Panics
/// When an event is another one after it was written and read again.
pub fn event_log(bytes: &[u8]) {
    let Ok(event) = serde_json::from_slice::<Event>(bytes) else { return };
    let again = serde_json::to_string(&event).and_then(|line| serde_json::from_str::<Event>(&line));
    assert!(again.is_ok_and(|again| again == event), "an event changes on its way");
}
