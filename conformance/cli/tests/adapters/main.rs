//! The command against adapters that are processes of their own, good and bad, and the commands around them.
//!
//! Apart from the other tests, which are about what happens within a few hundred milliseconds: a flood beside them
//! would leave them no processor.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod command_examine;
mod command_fuzz;
mod command_known;
mod command_many;
mod command_new;
mod command_reports;
mod command_schema;
mod faux_claims;
mod faux_floods;
mod faux_halfway;
mod faux_handshake;
mod faux_processes;
mod faux_secrets;
mod stage;
