//! Lines to messages and back.

use serde_json::{Map, Value};

use crate::messages::{Reply, Request};
use crate::plain::plain;

/// Longer lines are refused: 8 MiB.
pub const MAX_LINE: usize = 8 << 20;

/// Why a line is not a message.
#[derive(Debug, thiserror::Error)]
pub enum BadLine {
    /// It is too long.
    #[error("the line has {0} bytes; a message has at most {MAX_LINE}")]
    TooLong(usize),
    /// It is no message.
    #[error("the line is not a message of the protocol: {}", plain(.0))]
    NotAMessage(#[from] serde_json::Error),
    /// It does not say how it went, or says it twice.
    #[error("an answer has exactly one of `ok`, `threw`, `no`, `broken` and `unknown`; this one has {0}")]
    NotOneOutcome(String),
}

const OUTCOMES: [&str; 5] = ["ok", "threw", "no", "broken", "unknown"];

fn decode<T: for<'de> serde::Deserialize<'de>>(line: &str) -> Result<T, BadLine> {
    if line.len() > MAX_LINE {
        return Err(BadLine::TooLong(line.len()));
    }
    Ok(serde_json::from_str(line)?)
}

/// Reads a request.
///
/// # Errors
/// When the line is no request; an unknown verb is one such case, and is to be answered with `no`.
pub fn decode_request(line: &str) -> Result<Request, BadLine> {
    decode(line)
}

/// Reads an answer.
///
/// # Errors
/// When the line is no answer.
pub fn decode_reply(line: &str) -> Result<Reply, BadLine> {
    let members: Map<String, Value> = decode(line)?;
    let said: Vec<&str> = OUTCOMES.into_iter().filter(|outcome| members.contains_key(*outcome)).collect();
    if said.len() != 1 {
        return Err(BadLine::NotOneOutcome(if said.is_empty() { "none".to_owned() } else { said.join(" and ") }));
    }
    Ok(serde_json::from_value(Value::Object(members))?)
}

/// Writes a request as a line, with its newline.
///
/// # Errors
/// Never for the messages of this crate; JSON has no form for some values that they cannot hold.
pub fn encode_request(request: &Request) -> Result<String, BadLine> {
    Ok(serde_json::to_string(request)? + "\n")
}

/// Writes an answer as a line, with its newline.
///
/// # Errors
/// As [`encode_request`].
pub fn encode_reply(reply: &Reply) -> Result<String, BadLine> {
    Ok(serde_json::to_string(reply)? + "\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::messages::{Answer, Chunk, Deliver, JarKind, ReplyKind, Verb};

    fn verbs() -> impl Strategy<Value = Verb> {
        let name = "[a-zé\n\"]{0,8}";
        prop_oneof![
            name.prop_map(|actor| Verb::SignIn { actor }),
            name.prop_map(|actor| Verb::Session { actor, deliver: Deliver::Later }),
            any::<i64>().prop_map(|now_ms| Verb::Clock { now_ms }),
            (name, name).prop_map(|(of, actor)| Verb::Second { of, actor, kind: JarKind::Tab }),
            name.prop_map(|actor| Verb::LoseChunk { actor, chunk: Chunk::First }),
            Just(Verb::Logs {}),
            Just(Verb::Stop {}),
        ]
    }

    proptest! {
        #[test]
        fn requests_read_back_from_one_line(id: u64, verb in verbs()) {
            let line = encode_request(&Request { id, verb: verb.clone() }).unwrap();
            prop_assert_eq!(line.matches('\n').count(), 1);
            prop_assert_eq!(decode_request(&line).unwrap(), Request { id, verb });
        }

        #[test]
        fn answers_read_back(id: u64, message in ".{0,30}") {
            for answer in [Answer::Threw { message }, Answer::Ok(Map::new())] {
                let reply = Reply { regrant: ReplyKind::Answer, id, answer };
                prop_assert_eq!(decode_reply(&encode_reply(&reply).unwrap()).unwrap(), reply);
            }
        }

        #[test]
        fn any_line_is_read_without_panic(line in ".{0,200}") {
            let _ = (decode_request(&line), decode_reply(&line));
        }
    }

    #[test]
    fn an_answer_says_once_how_it_went() {
        for (line, told) in [
            (r#"{"regrant":"answer","id":1,"ok":{},"threw":{"message":"m"}}"#, "this one has ok and threw"),
            (r#"{"regrant":"answer","id":1}"#, "this one has none"),
            (r#"{"regrant":"answer","id":"1","ok":{}}"#, "invalid type: string \"1\", expected a whole number"),
            (r#"{"regrant":"answer","id":1,"no":{}}"#, "missing field `reason`"),
            (r#"{"regrant":"answer","id":1,"ok":[]}"#, "expected an object"),
            ("[]", "expected an object"),
        ] {
            let error = decode_reply(line).unwrap_err().to_string();
            assert!(error.ends_with(told), "{error}");
        }
    }

    #[test]
    fn unknown_fields_are_ignored_and_unknown_verbs_are_not_messages() {
        assert!(decode_request(r#"{"regrant":"stop","id":1,"later":true}"#).is_ok());
        assert!(decode_request(r#"{"regrant":"x-probe-heron","id":1}"#).is_err());
    }
}
