//! `chatkeep`: what an operator asks of a deployment, over HTTP. Figures, a list, one session, export, import, deletion, new keys, the log.

mod client;
mod export;
mod foreign;
mod import;
mod progress;
mod remove;
mod reseal;
mod sessions;
mod stats;
mod tail;

use chatkeep_model::Dialect;
use clap::{Args, Parser, Subcommand};
use client::{Client, Failure};
use foreign::Format;
use std::path::PathBuf;
use std::process::ExitCode;

/// Looks after the sessions of a Chatkeep deployment.
#[derive(Debug, Parser)]
#[command(version, name = "chatkeep", max_term_width = 100)]
struct Cli {
    /// The deployment's URL.
    #[arg(long, global = true, env = "CHATKEEP_URL", default_value = "http://localhost:8787")]
    url: String,
    /// An API key that may write. Better in the environment, where `ps` doesn't show it.
    #[arg(long, global = true, env = "CHATKEEP_API_KEY", hide_env_values = true)]
    api_key: Option<String>,
    /// The dialect whose sessions are meant: jarvis, storage-guide or openta.
    #[arg(long, global = true, value_name = "DIALECT")]
    namespace: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Figures: sessions, messages, owners, bytes, what ends soon, Redis, the last hour.
    Stats {
        /// Only this owner's.
        #[arg(long)]
        owner: Option<String>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Lists sessions, owner by owner, the longest unused first.
    Ls {
        /// Only this owner's.
        #[arg(long)]
        owner: Option<String>,
        /// Only those whose id, owner or user contains this; where the deployment shows titles, those too.
        #[arg(long, short)]
        query: Option<String>,
        /// As JSON, one session a line.
        #[arg(long)]
        json: bool,
    },
    /// Shows one session, with its messages where the deployment shows texts to operators.
    Show(Named),
    /// Writes all sessions to a file, and goes on where an export broke off.
    Export {
        /// The file; without one, the standard output.
        #[arg(long, short)]
        output: Option<PathBuf>,
        /// Only this owner's.
        #[arg(long)]
        owner: Option<String>,
        /// Goes on with a file that an earlier export began.
        #[arg(long, requires = "output")]
        resume: bool,
    },
    /// Brings sessions in: an export, the storage guide's backup file, JARVIS's JSON values, or OpenTA's rows as JSON.
    Import {
        /// The file; `-` is the standard input.
        file: PathBuf,
        /// Whose sessions those are that name no owner; else the API key's own.
        #[arg(long)]
        owner: Option<String>,
        /// What the file holds, where it doesn't show that.
        #[arg(long, value_enum, value_name = "FORMAT")]
        from: Option<Format>,
        /// Only says what it would bring, and which lines it would leave out: the deployment checks them, and stores nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Deletes one session, an owner's, or all. They can be restored for the undo window.
    Rm {
        /// Whose.
        #[arg(required_unless_present = "all")]
        owner: Option<String>,
        /// Which, after `--` where it begins with `-`; without one, all of the owner's.
        session: Option<String>,
        /// Everybody's.
        #[arg(long, conflicts_with = "owner")]
        all: bool,
        /// Doesn't ask.
        #[arg(long, short)]
        yes: bool,
    },
    /// Seals with the first of `ENCRYPTION_KEYS` what is not sealed with it: in all namespaces, or in the one that is named.
    Reseal {
        /// Only this owner's.
        #[arg(long)]
        owner: Option<String>,
    },
    /// Follows the deployment's log.
    Tail {
        /// The lines as they are.
        #[arg(long)]
        json: bool,
        /// Only lines whose route, session, owner digest, code or event contains this.
        #[arg(long, short)]
        query: Option<String>,
    },
}

#[derive(Debug, Args)]
struct Named {
    /// Whose.
    owner: String,
    /// Which; after `--` where it begins with `-`.
    session: String,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("chatkeep: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    let client = |namespace: Option<&str>| Client::new(&cli.url, cli.api_key.clone(), namespace);
    let named = || client(cli.namespace.as_deref());
    match cli.command {
        Command::Stats { owner, json } => stats::print(&named(), owner.as_deref(), json),
        Command::Ls { owner, query, json } => sessions::list(&named(), owner.as_deref(), query.as_deref(), json),
        Command::Show(Named { owner, session, json }) => sessions::show(&named(), &owner, &session, json),
        Command::Export { output, owner, resume } => {
            export::export(&named(), output.as_deref(), owner.as_deref(), resume)
        }
        Command::Import { file, owner, from, dry_run } => {
            let found = import::read(&file, from)?;
            // What another system kept belongs to its dialect, unless somebody says otherwise.
            let client = client(cli.namespace.as_deref().or(found.dialect));
            import::import(&client, found, owner.as_deref(), dry_run)
        }
        Command::Rm { owner, session, all, yes } => {
            debug_assert!(all || owner.is_some());
            remove::remove(&named(), owner.as_deref(), session.as_deref(), yes)
        }
        Command::Reseal { owner } => {
            let all = [None].into_iter().chain(Dialect::ALL.map(|dialect| Some(dialect.name())));
            let clients: Vec<Client> = match &cli.namespace {
                Some(_) => vec![named()],
                None => all.map(client).collect(),
            };
            reseal::reseal(&clients, owner.as_deref())
        }
        Command::Tail { json, query } => tail::follow(&named(), json, query.as_deref()),
    }
}
