//! The OpenAPI 3.1 document of the HTTP API, made from the model: routes, error codes, limits and wire types. What the model
//! can't know, what each operation is for, stands in [`operations`]. And the types of the npm package, from the same schemas.

mod administration;
mod dialects;
mod document;
mod operation;
mod operations;
mod schemas;
mod typescript;

pub use document::document;
pub use typescript::{answers, view, wire};
