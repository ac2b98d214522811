//! Reports: each a pure function of the event log.

pub mod annotations;
pub mod fuzz;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod matrix;
pub mod terminal;
