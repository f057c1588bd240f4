//! Runs commands: one, several in a row, several as one.

use redis::Value;

use crate::command::Command;
use crate::connection::Connection;
use crate::redis_link::{RedisLink, Session, Unreachable};
use crate::reply::{Outcome, error_text};
use crate::rules::{Admitted, Refusal, Rules};

/// Runs commands for one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Executor<'a> {
    /// Where connections come from.
    pub(crate) link: &'a RedisLink,
    /// The session that the request runs in.
    pub(crate) session: &'a Session,
    /// What may run.
    pub(crate) rules: Rules<'a>,
}

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Run<T> {
    /// The outcome, or outcomes.
    pub(crate) outcome: T,
    /// Whether data may have changed.
    pub(crate) wrote: bool,
}

impl Executor<'_> {
    /// Runs a single command; the inner error is a refusal of the whole request.
    pub(crate) async fn single(&self, command: Command<'_>) -> Result<Result<Run<Outcome>, Refusal>, Unreachable> {
        let admitted = match self.rules.admit(command) {
            Ok(admitted) => admitted,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let wrote = admitted.writes;
        let mut connection = self.connection(admitted.waits).await?;
        let reply = connection.run(&admitted.packed).await?;
        Ok(Ok(Run { outcome: self.outcome(reply, admitted.original_sha), wrote }))
    }

    /// Runs commands in order; each has its own outcome, and others may run in between.
    pub(crate) async fn pipeline(&self, commands: Vec<Command<'_>>) -> Result<Run<Vec<Outcome>>, Unreachable> {
        let decisions: Vec<_> = commands.into_iter().map(|command| self.rules.admit(command)).collect();
        let mut packed = Vec::with_capacity(decisions.len());
        let (mut wrote, mut waits) = (false, false);
        let mut places = Vec::with_capacity(decisions.len());
        for decision in decisions {
            places.push(decision.map(|admitted| {
                wrote |= admitted.writes;
                waits |= admitted.waits;
                packed.push(admitted.packed);
                admitted.original_sha
            }));
        }
        let mut replies = self.connection(waits).await?.run_all(&packed).await?.into_iter();
        let outcomes = places.into_iter().map(|place| match place {
            Ok(original_sha) => replies.next().map(|reply| self.outcome(reply, original_sha)).ok_or(Unreachable),
            Err(refusal) => Ok(Outcome::Error(refusal.text)),
        });
        Ok(Run { outcome: outcomes.collect::<Result<_, _>>()?, wrote })
    }

    /// Runs commands as one transaction on a connection of its own. The inner error says that nothing ran.
    pub(crate) async fn transaction(
        &self,
        commands: Vec<Command<'_>>,
    ) -> Result<Result<Run<Vec<Outcome>>, Refusal>, Unreachable> {
        let admitted: Result<Vec<Admitted>, Refusal> =
            commands.into_iter().map(|command| self.rules.admit(command)).collect();
        let admitted = match admitted {
            Ok(admitted) => admitted,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let wrote = admitted.iter().any(|command| command.writes);
        let mut packed = vec![redis::cmd("MULTI")];
        let mut original_shas = Vec::with_capacity(admitted.len());
        for command in admitted {
            packed.push(command.packed);
            original_shas.push(command.original_sha);
        }
        packed.push(redis::cmd("EXEC"));

        let mut connection = match self.session.shared() {
            // It sends a transaction in one piece.
            cluster @ Connection::Cluster(_) => cluster,
            Connection::Server(_) => self.link.own_connection(self.session).await?,
        };
        let mut replies = connection.run_transaction(&packed).await?;
        let exec = replies.pop().ok_or(Unreachable)?;
        // After EXEC, or after EXEC was refused, the connection is as it was.
        self.session.keep(connection);
        let Value::Array(replies_of_exec) = exec else {
            return Ok(Err(Refusal::discarded(first_error(&replies).or_else(|| first_error(&[exec])))));
        };
        let outcomes = replies_of_exec.into_iter().zip(original_shas).map(|(reply, sha)| self.outcome(reply, sha));
        Ok(Ok(Run { outcome: outcomes.collect(), wrote }))
    }

    async fn connection(&self, waits: bool) -> Result<Connection, Unreachable> {
        if waits { self.link.own_connection(self.session).await } else { Ok(self.session.shared()) }
    }

    fn outcome(&self, reply: Value, original_sha: Option<String>) -> Outcome {
        match (reply, original_sha) {
            (Value::BulkString(_), Some(sha)) => Outcome::Reply(Value::BulkString(sha.into_bytes())),
            (reply, _) => Outcome::of(reply, self.rules.max_size),
        }
    }
}

/// The first error is the one that names a cause; EXEC's own only says that there was one.
fn first_error(replies: &[Value]) -> Option<String> {
    replies.iter().find_map(|reply| match reply {
        Value::ServerError(error) => Some(error_text(error)),
        _ => None,
    })
}
