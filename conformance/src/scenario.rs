//! Scenarios: from a YAML file to typed cases, with a precise complaint about everything that is wrong.
//!
//! [`yaml`] reads text into a tree with spans; [`expand`] fills in parameters, rows and variants; [`decode`] makes typed
//! values of the tree; [`lint`] finds what types cannot: names that lead nowhere and steps that cannot happen.

pub mod decode;
pub mod diagnostic;
pub mod expand;
pub mod expect;
pub mod lint;
pub mod matcher;
pub mod model;
pub mod node;
pub(crate) mod shapes;
pub mod time_expr;
pub mod yaml;

pub use diagnostic::{Diagnostic, SourceFile};
pub use expand::Case;
pub use model::Scenario;
