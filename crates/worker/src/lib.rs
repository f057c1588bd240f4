//! The Cloudflare Worker of Chatkeep. It moves bytes: HTTP to the model, the model's plans to the stores, the window to
//! the responder. What any of them mean is decided in `chatkeep-model`.

mod directory;
mod edge;
mod gate;
mod handlers;
mod primitives;
mod responder;
mod settings;
mod store;
mod vault;

pub use directory::Directory;
pub use vault::Vault;

use worker::{Context, Env, event};

#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, context: Context) -> worker::Result<web_sys::Response> {
    Ok(handlers::serve(request, env, &context).await)
}
