//! A connection that runs commands, to one server or to a cluster of them.

use std::fmt;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{Cmd, Pipeline, Value};

use crate::cluster::Cluster;
use crate::redis_link::Unreachable;

/// A connection; clones share it.
#[derive(Clone)]
pub(crate) enum Connection {
    /// To one server.
    Server(MultiplexedConnection),
    /// To the servers of a cluster.
    Cluster(Cluster),
}

impl Connection {
    /// Runs one command.
    pub(crate) async fn run(&mut self, command: &Cmd) -> Result<Value, Unreachable> {
        match self {
            Self::Server(server) => server.send_packed_command(command).await.map_err(|_| Unreachable),
            Self::Cluster(cluster) => cluster.run(command).await,
        }
    }

    /// Runs commands one after another; each has a reply, and others may run in between.
    pub(crate) async fn run_all(&mut self, commands: &[Cmd]) -> Result<Vec<Value>, Unreachable> {
        match self {
            Self::Server(server) => send(server, commands).await,
            Self::Cluster(cluster) => {
                let mut replies = Vec::with_capacity(commands.len());
                for command in commands {
                    replies.push(cluster.run(command).await?);
                }
                Ok(replies)
            }
        }
    }

    /// Runs `MULTI`, what is between, and `EXEC`. Nobody else may use a server's connection meanwhile.
    pub(crate) async fn run_transaction(&mut self, commands: &[Cmd]) -> Result<Vec<Value>, Unreachable> {
        match self {
            Self::Server(server) => send(server, commands).await,
            Self::Cluster(cluster) => cluster.run_on_one_server(&pipeline(commands)).await,
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Connection")
    }
}

async fn send(server: &mut MultiplexedConnection, commands: &[Cmd]) -> Result<Vec<Value>, Unreachable> {
    if commands.is_empty() {
        return Ok(Vec::new());
    }
    server.req_packed_commands(&pipeline(commands), 0, commands.len()).await.map_err(|_| Unreachable)
}

fn pipeline(commands: &[Cmd]) -> Pipeline {
    let mut pipeline = Pipeline::with_capacity(commands.len());
    for command in commands {
        pipeline.add_command(command.clone());
    }
    pipeline
}
