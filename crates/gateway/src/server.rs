//! Listens, serves connections, and stops without cutting anyone off.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::body::Body;
use crate::config::Config;
use crate::control;
use crate::dialect::{Dialect, Dropped};
use crate::patience::{Impatient, Serving};

/// A gateway that has its address, but doesn't serve yet.
#[derive(Debug)]
pub struct Gateway {
    listener: TcpListener,
    dialect: Arc<Dialect>,
    closing: watch::Sender<bool>,
}

/// How long requests under way may take once the gateway is told to stop.
const GRACE: Duration = Duration::from_secs(5);

impl Gateway {
    /// Takes the address that `config` names.
    pub async fn bind(config: Config) -> io::Result<Self> {
        let listener = TcpListener::bind((config.host.as_str(), config.port)).await?;
        let closing = watch::Sender::new(false);
        let dialect = Arc::new(Dialect::new(config, closing.subscribe()));
        Ok(Self { listener, dialect, closing })
    }

    /// The address it took; with port 0 that is news.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` is ready, then lets requests under way end.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let keeper = tokio::spawn({
            let dialect = Arc::clone(&self.dialect);
            async move { dialect.link().maintain().await }
        });
        let connections = GracefulShutdown::new();
        tokio::select! {
            () = stop => {}
            never = self.accept(&connections) => match never {},
        }
        // The listener goes first, so that a successor can take the port.
        drop(self.listener);
        self.closing.send_replace(true);
        let _ = timeout(GRACE, connections.shutdown()).await;
        keeper.abort();
    }

    async fn accept(&self, connections: &GracefulShutdown) -> Infallible {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => self.serve_connection(stream, connections),
                // Out of file descriptors, most likely: pause instead of spinning.
                Err(_) => sleep(Duration::from_millis(50)).await,
            }
        }
    }

    fn serve_connection(&self, stream: TcpStream, connections: &GracefulShutdown) {
        let _ = stream.set_nodelay(true);
        let dialect = Arc::clone(&self.dialect);
        let serving = Serving::default();
        let stream = Impatient::new(stream, serving.clone());
        let service = service_fn(move |request| {
            let (dialect, serving) = (Arc::clone(&dialect), serving.clone());
            serving.begin();
            async move {
                let response = respond(dialect, request).await;
                serving.end();
                response
            }
        });
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            // An error means that the client is gone, or that a fault dropped it.
            let _ = connection.await;
        });
    }
}

async fn respond(dialect: Arc<Dialect>, request: hyper::Request<Incoming>) -> Result<hyper::Response<Body>, Dropped> {
    match request.uri().path().strip_prefix(control::PREFIX) {
        Some(_) => Ok(control::respond(&dialect, request).await),
        None => dialect.respond(request).await,
    }
}
