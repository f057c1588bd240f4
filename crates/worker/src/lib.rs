//! The Cloudflare Worker of Chatkeep. It moves bytes: HTTP to the model, the model's plans to the stores, the window to
//! the responder. What any of them mean is decided in `chatkeep-model`.

mod archive;
mod census;
mod directory;
mod edge;
mod gate;
mod handlers;
mod metrics;
mod news;
mod pages;
mod primitives;
mod responder;
mod settings;
mod store;
mod turn;
mod vault;
mod wait;
mod watch;

pub use directory::Directory;
pub use metrics::Metrics;
pub use vault::Vault;

use worker::{Context, Env, ScheduleContext, ScheduledEvent, event};

#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, context: Context) -> worker::Result<web_sys::Response> {
    Ok(handlers::serve(request, env, &context).await)
}

#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    archive::sweep(&env).await;
}
