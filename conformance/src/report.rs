//! Reports: each a pure function of the event log.

pub mod json;
pub mod junit;
pub mod terminal;
