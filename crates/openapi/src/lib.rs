//! The OpenAPI 3.1 document of the HTTP API, made from the model: routes, error codes, limits and wire types. What the model
//! can't know, what each operation is for, stands in [`operations`].

mod administration;
mod dialects;
mod document;
mod operation;
mod operations;
mod schemas;

pub use document::document;
