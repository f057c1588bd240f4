//! Exports and imports: NDJSON, one session or message a line.

mod export;
mod import;
#[cfg(test)]
mod tests;

pub use export::{LineWriter, Lines, cursor_line, end_line};
pub use import::{ImportRules, Importer, Owned};
