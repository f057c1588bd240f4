//! The browser's shell around the session machine: it feeds the machine what happened and carries out what it asks for.
//!
//! The surface is small and plain on purpose: methods return at once, text and JSON go in and out, and the promises that
//! callers hold live on the JavaScript side under their tickets.

mod host;
mod http;
mod shell;

use chatkeep_model::client::Event;
use chatkeep_model::{MessageId, SessionId};
use host::{Host, Storage};
use shell::Shell;
use std::rc::Rc;
use talc::cell::TalcSyncCell;
use talc::wasm::{WasmBinning, WasmGrowAndClaim};
use uuid::{Builder, Uuid};
use wasm_bindgen::prelude::wasm_bindgen;

/// Two kilobytes smaller than the default allocator, and meant for just this: a module with one thread.
#[cfg(all(target_family = "wasm", not(target_feature = "atomics")))]
#[global_allocator]
static ALLOCATOR: TalcSyncCell<WasmGrowAndClaim, WasmBinning> = TalcSyncCell::new_wasm(WasmGrowAndClaim);

/// One client: a session machine with its storage and its server.
#[wasm_bindgen]
#[allow(missing_debug_implementations)] // It would drag the formatting of everything inside into the module.
pub struct Client {
    shell: Rc<Shell>,
}

#[wasm_bindgen]
impl Client {
    /// Reads storage, shows what it held and goes on with it. Without storage nothing survives a reload.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(host: Host, url: String, storage: Option<Storage>, storage_key: String) -> Client {
        Client { shell: Shell::start(host, url, storage, storage_key) }
    }

    /// An empty chat.
    #[wasm_bindgen(js_name = newChat)]
    pub fn new_chat(&self) {
        self.shell.feed(Event::NewChat);
    }

    /// Sends a text to the open session, or to a new one.
    pub fn send(&self, ticket: u32, text: String) {
        self.shell.feed(Event::Send { ticket, text, message_id: MessageId::mint(mint()), new_session: new_session() });
    }

    /// Sends a failed message again.
    pub fn retry(&self, ticket: u32, message_id: String) {
        self.shell.feed(Event::Retry { ticket, message_id, new_session: new_session() });
    }

    /// Opens a session and reads its newest messages.
    pub fn open(&self, ticket: u32, session_id: String) {
        self.shell.feed(Event::Open { ticket, session_id });
    }

    /// Reads the open session's newest messages, or the page before the oldest.
    pub fn history(&self, ticket: u32, older: bool) {
        self.shell.feed(Event::History { ticket, older });
    }

    /// Reads the list of sessions.
    pub fn sessions(&self, ticket: u32) {
        self.shell.feed(Event::List { ticket });
    }

    /// Deletes a session.
    pub fn delete(&self, ticket: u32, session_id: String) {
        self.shell.feed(Event::Delete { ticket, session_id });
    }

    /// The view, as JSON.
    #[must_use]
    pub fn view(&self) -> String {
        self.shell.view()
    }

    /// Ends it: whatever is still on its way finds nobody.
    pub fn close(&self) {
        self.shell.close();
    }
}

fn new_session() -> SessionId {
    SessionId::mint(mint())
}

/// The bits of a UUIDv7: they sort by time, and no other browser mints the same.
fn mint() -> u128 {
    // The parts of a random id that are nothing but random.
    let [a, b, c, d, e, f, _, _, _, g, h, i, j, ..] = Uuid::new_v4().into_bytes();
    Builder::from_unix_timestamp_millis(shell::now().0, &[a, b, c, d, e, f, g, h, i, j]).into_uuid().as_u128()
}
