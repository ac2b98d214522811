//! Losing a chunk of the session cookie, where there are chunks.

use adapter_protocol::{Answer, Verb};

use crate::drive::{Driver, STEP_LIMIT, Stopped};
use crate::history::{Deed, Ending, StepPath};
use crate::link::LinkError;
use crate::scenario::model::{Level, LoseChunk, WhenWhole};

impl Driver<'_> {
    pub(super) async fn lose_chunk(&mut self, path: StepPath, name: String, step: &LoseChunk) -> Result<(), Stopped> {
        let actor = &step.actor.value;
        let answer = self.link.ask(Verb::LoseChunk { actor: actor.clone(), chunk: step.chunk }, STEP_LIMIT).await;
        let lost = lost(&answer);
        self.observer.observe(&name, Level::Must, actor.clone(), answer)?;
        let blocked = |reason: &str| Ending::Blocked { step: name.clone(), reason: reason.to_owned() };
        let words = match (lost, step.when_whole) {
            (None, _) => return Err(blocked("the answer has no member `lost`, true or false")),
            (Some(false), WhenWhole::Blocked) => return Err(blocked("the session is not kept in chunks")),
            (Some(false), WhenWhole::GoOn) => format!("no chunk to lose in {actor}'s browser"),
            (Some(true), _) => {
                self.deed = Deed::LostChunk { actor: actor.clone() };
                format!("{actor}'s browser loses the {} chunk of the session", step.chunk)
            }
        };
        self.silent(path, name, words);
        Ok(())
    }
}

fn lost(answer: &Result<Answer, LinkError>) -> Option<bool> {
    match answer {
        Ok(Answer::Ok(members)) => members.get("lost")?.as_bool(),
        Ok(_) | Err(_) => None,
    }
}
