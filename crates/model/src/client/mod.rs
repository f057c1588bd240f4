//! The browser's session machine: events in, effects out, one view.
