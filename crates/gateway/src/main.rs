//! The program `chatkeep-gateway`: reads the environment, listens, stops on SIGINT and SIGTERM.

use std::io::Write;
use std::process::ExitCode;

use chatkeep_gateway::{Config, Gateway};

fn main() -> ExitCode {
    // One thread: the work between two sockets is small, and Redis itself has one. It costs half the processor time
    // of a thread pool at the same load.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(run()),
        Err(error) => Err(error.to_string()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("chatkeep-gateway: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), String> {
    let config = Config::from_env()?;
    let place = format!("{}:{}", config.host, config.port);
    let token_is_default = config.tokens.is_default;
    let gateway = Gateway::bind(config).await.map_err(|error| format!("can't listen on {place}: {error}"))?;
    let address = gateway.address().map_err(|error| error.to_string())?;
    let stop = stop_signal().map_err(|error| format!("can't wait for signals: {error}"))?;
    println!("chatkeep-gateway listening on http://{address}");
    // Whoever started this may wait for the line through a pipe.
    std::io::stdout().flush().map_err(|error| error.to_string())?;
    if token_is_default {
        eprintln!("the token is \"local\"; GATEWAY_TOKEN sets another");
    }
    gateway.serve(stop).await;
    Ok(())
}

/// Ready on SIGINT and SIGTERM; the handlers are there when this returns.
#[cfg(unix)]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Ready on Ctrl-C, which is all there is elsewhere.
#[cfg(not(unix))]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async { drop(tokio::signal::ctrl_c().await) })
}
