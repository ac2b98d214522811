//! Any web application behind the adapter protocol: this adapter is the browser.
//!
//! It starts the application, or uses one that runs, signs in as people do (through redirects, with cookies), reads the
//! session, and decides when a `Set-Cookie` arrives. A [`Description`] says how the application looks: a preset
//! ([`Preset`]) and what differs from it. Deliberately absent: JavaScript, pages, and anything that a runner could not
//! also do with an adapter in another process.

mod application;
mod browser;
mod case;
mod clock;
mod description;
mod flow;
mod jar;
mod values;

pub use case::WebAdapter;
pub use description::{Api, ClockSource, Description, Page, Preset, Ready, Running, Session};
