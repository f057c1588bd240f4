//! The browser's shell around the session machine: it feeds the machine what happened and carries out what it asks for.
//!
//! The surface is small and plain on purpose: methods return at once, text and JSON go in and out. Whatever takes time is
//! the JavaScript side's: the promises that callers hold live there under their tickets, requests and pauses under their
//! tokens. A second way to wait in here would be a tenth of what visitors download.

mod host;
mod http;
mod json;
mod shell;

use chatkeep_model::client::{Event, Json, Minted, Wish};
use chatkeep_model::{MessageId, SessionId};
use host::{Host, Storage};
use shell::Shell;
use talc::cell::TalcSyncCell;
use talc::wasm::{WasmBinning, WasmGrowAndClaim};
use uuid::{Builder, Uuid};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// Two kilobytes smaller than the default allocator, and meant for just this: a module with one thread.
#[cfg(all(target_family = "wasm", not(target_feature = "atomics")))]
#[global_allocator]
static ALLOCATOR: TalcSyncCell<WasmGrowAndClaim, WasmBinning> = TalcSyncCell::new_wasm(WasmGrowAndClaim);

/// One client: a session machine with its storage and its server.
#[wasm_bindgen]
#[allow(missing_debug_implementations)] // It would drag the formatting of everything inside into the module.
pub struct Client {
    shell: Shell,
}

#[wasm_bindgen]
impl Client {
    /// Reads storage, shows what it held and goes on with it. Without storage nothing survives a reload.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(host: Host, storage: Option<Storage>, storage_key: String, online: bool) -> Client {
        Client { shell: Shell::start(host, storage, storage_key, online, mint() as u32) }
    }

    /// Says what the user wants: a name and an object with what belongs to it, as [`Wish::read`] reads them.
    pub fn wish(&self, ticket: u32, name: &str, arguments: &JsValue) {
        match Wish::read(name, json::of(arguments).unwrap_or(Json::Null)) {
            Ok(wish) => {
                let minted = Minted { message: MessageId::mint(mint()), session: SessionId::mint(mint()) };
                self.shell.feed(Event::Wished { ticket, wish, minted });
            }
            Err(problem) => self.shell.refuse(ticket, problem),
        }
    }

    /// Takes over what a tab that is gone left in storage.
    pub fn adopt(&self, stored: &str) {
        if let Some(stored) = json::parse(stored) {
            self.shell.feed(Event::Adopted { stored });
        }
    }

    /// Another tab told this.
    pub fn hear(&self, news: &str) {
        if let Some(news) = json::parse(news) {
            self.shell.feed(Event::Heard { news });
        }
    }

    /// The network came or went.
    pub fn network(&self, online: bool) {
        self.shell.feed(Event::Network { online });
    }

    /// A request was answered by something else than an event stream: with this text.
    pub fn answered(&self, token: u32, response: web_sys::Response, text: String) {
        self.shell.feed(http::answered(token, &response.into(), text));
    }

    /// A request is being answered by an event stream: more of it.
    pub fn piece(&self, token: u32, text: &str) {
        self.shell.piece(token, text);
    }

    /// A request got no answer, or its answer broke off, or its event stream is at its end.
    pub fn unreachable(&self, token: u32) {
        self.shell.unreachable(token);
    }

    /// A pause is over.
    pub fn woke(&self, token: u32) {
        self.shell.feed(Event::Woke { token });
    }

    /// The view, as JSON.
    #[must_use]
    pub fn view(&self) -> String {
        self.shell.view()
    }
}

/// The bits of a UUIDv7: they sort by time, and no other browser mints the same.
fn mint() -> u128 {
    // The parts of a random id that are nothing but random.
    let [a, b, c, d, e, f, _, _, _, g, h, i, j, ..] = Uuid::new_v4().into_bytes();
    Builder::from_unix_timestamp_millis(shell::now().0, &[a, b, c, d, e, f, g, h, i, j]).into_uuid().as_u128()
}
