//! Runs commands: one, several in a row, several as one.

use redis::Value;

use crate::command::Command;
use crate::compatibility::{self, Adjustment};
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
        Ok(Ok(Run { outcome: self.outcome(reply, admitted.adjustment).await?, wrote }))
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
                admitted.adjustment
            }));
        }
        let mut replies = self.connection(waits).await?.run_all(&packed).await?.into_iter();
        let mut outcomes = Vec::with_capacity(places.len());
        for place in places {
            outcomes.push(match place {
                Ok(adjustment) => self.outcome(replies.next().ok_or(Unreachable)?, adjustment).await?,
                Err(refusal) => Outcome::Error(refusal.text),
            });
        }
        Ok(Run { outcome: outcomes, wrote })
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
        let mut adjustments = Vec::with_capacity(admitted.len());
        for command in admitted {
            packed.push(command.packed);
            adjustments.push(command.adjustment);
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
        let mut outcomes = Vec::with_capacity(adjustments.len());
        for (reply, adjustment) in replies_of_exec.into_iter().zip(adjustments) {
            outcomes.push(self.outcome(reply, adjustment).await?);
        }
        Ok(Ok(Run { outcome: outcomes, wrote }))
    }

    async fn connection(&self, waits: bool) -> Result<Connection, Unreachable> {
        if waits { self.link.own_connection(self.session).await } else { Ok(self.session.shared()) }
    }

    async fn outcome(&self, reply: Value, adjustment: Option<Adjustment>) -> Result<Outcome, Unreachable> {
        let reply = match adjustment {
            Some(adjustment) => self.adjusted(reply, adjustment).await?,
            None => reply,
        };
        Ok(Outcome::of(reply, self.rules.max_size))
    }

    /// The reply as the service gives it.
    async fn adjusted(&self, reply: Value, adjustment: Adjustment) -> Result<Value, Unreachable> {
        let error = if let Value::ServerError(error) = &reply { Some(error_text(error)) } else { None };
        Ok(match (adjustment, error) {
            (Adjustment::ScriptName(sha), None) => Value::BulkString(sha.into_bytes()),
            (Adjustment::CopyToItself, Some(error)) if error.contains("are the same") => Value::Int(0),
            (Adjustment::AddTypes, None) => {
                let types = compatibility::scanned_keys(&reply).into_iter().map(|key| {
                    let mut kind = redis::cmd("TYPE");
                    kind.arg(key);
                    kind
                });
                let types = self.session.shared().run_all(&types.collect::<Vec<_>>()).await?;
                compatibility::with_types(reply, types)
            }
            (Adjustment::ReadOnlyFunction(arguments), Some(error)) if compatibility::may_write(&error) => {
                let mut connection = self.session.shared();
                let libraries = connection.run(&compatibility::list_functions()).await?;
                match compatibility::reading_script(&libraries, &arguments) {
                    Some(script) => connection.run(&script).await?,
                    None => reply,
                }
            }
            (Adjustment::ForgetReader { group, consumer, streams }, None) => {
                for stream in streams {
                    // Should this fail, the consumer stays, as Redis has it.
                    self.session.shared().run(&compatibility::forget_reader(&stream, &group, &consumer)).await?;
                }
                reply
            }
            _ => reply,
        })
    }
}

/// The first error is the one that names a cause; EXEC's own only says that there was one.
fn first_error(replies: &[Value]) -> Option<String> {
    replies.iter().find_map(|reply| match reply {
        Value::ServerError(error) => Some(error_text(error)),
        _ => None,
    })
}
