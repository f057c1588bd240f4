//! The routes of the API: one line each.

use crate::auth::Scope;
use crate::dialect::{Dialect, Verb};
use crate::error::{Code, Problem};
use crate::percent::decode;

/// What a route does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Action {
    Health,
    Live,
    Ready,
    Metrics,
    Chat,
    AiChat,
    AiStream,
    AiStop,
    AiMessages,
    FollowTurn,
    StopTurn,
    Events,
    CreateSession,
    ListSessions,
    DeleteAll,
    SessionInfo,
    PatchSession,
    DeleteSession,
    RestoreSession,
    ForkSession,
    TruncateSession,
    TouchSession,
    History,
    PostMessages,
    ReadState,
    WriteState,
    ExportSession,
    ExportAll,
    Import,
    ListOwners,
    AdminStats,
    AdminSessions,
    AdminDelete,
    AdminExport,
    AdminImport,
    AdminEvents,
    Rebuild,
    MoveHouse,
    Reseal,
    /// What a dialect's own route does.
    Dialect(Dialect, Verb),
    NewVisitor,
    ClaimVisitor,
}

impl Action {
    /// Whether it may change something.
    #[must_use]
    pub fn writes(self) -> bool {
        if let Action::Dialect(_, verb) = self {
            return verb.writes();
        }
        ROUTES.iter().any(|(method, _, action)| *action == self && *method != "GET")
    }

    /// Whether it says how the deployment is, to whoever asks and whatever they show.
    #[must_use]
    pub fn probes(self) -> bool {
        matches!(self, Action::Health | Action::Live | Action::Ready)
    }

    /// What it takes to be let in; nothing where the route is open to all.
    #[must_use]
    pub fn needs(self) -> Option<Scope> {
        match self {
            Action::Health | Action::Live | Action::Ready | Action::NewVisitor => None,
            Action::Metrics => Some(Scope::Figures),
            Action::ListOwners
            | Action::AdminStats
            | Action::AdminSessions
            | Action::AdminDelete
            | Action::AdminExport
            | Action::AdminImport
            | Action::AdminEvents
            | Action::Rebuild
            | Action::MoveHouse
            | Action::Reseal => Some(Scope::Admin),
            _ if self.writes() => Some(Scope::Write),
            _ => Some(Scope::Read),
        }
    }
}

/// Routes: method, path with `{id}` for a session id, and what it does.
pub type Routes<A> = &'static [(&'static str, &'static str, A)];

/// The canonical routes. Those of the dialects are with them, in [`crate::dialect`].
pub const ROUTES: Routes<Action> = &[
    ("GET", "/health", Action::Health),
    ("GET", "/live", Action::Live),
    ("GET", "/ready", Action::Ready),
    ("GET", "/metrics", Action::Metrics),
    ("POST", "/v1/chat", Action::Chat),
    ("POST", "/v1/ai/chat", Action::AiChat),
    ("GET", "/v1/ai/chat/{id}/stream", Action::AiStream),
    ("POST", "/v1/ai/chat/{id}/stop", Action::AiStop),
    ("GET", "/v1/ai/chat/{id}/messages", Action::AiMessages),
    ("GET", "/v1/sessions/{id}/stream", Action::FollowTurn),
    ("POST", "/v1/sessions/{id}/stop", Action::StopTurn),
    ("GET", "/v1/events", Action::Events),
    ("POST", "/v1/sessions", Action::CreateSession),
    ("GET", "/v1/sessions", Action::ListSessions),
    ("DELETE", "/v1/sessions", Action::DeleteAll),
    ("GET", "/v1/sessions/{id}", Action::SessionInfo),
    ("PATCH", "/v1/sessions/{id}", Action::PatchSession),
    ("DELETE", "/v1/sessions/{id}", Action::DeleteSession),
    ("POST", "/v1/sessions/{id}/restore", Action::RestoreSession),
    ("POST", "/v1/sessions/{id}/fork", Action::ForkSession),
    ("POST", "/v1/sessions/{id}/truncate", Action::TruncateSession),
    ("POST", "/v1/sessions/{id}/touch", Action::TouchSession),
    ("GET", "/v1/sessions/{id}/history", Action::History),
    ("POST", "/v1/sessions/{id}/messages", Action::PostMessages),
    ("GET", "/v1/sessions/{id}/state", Action::ReadState),
    ("PUT", "/v1/sessions/{id}/state", Action::WriteState),
    ("GET", "/v1/sessions/{id}/export", Action::ExportSession),
    ("GET", "/v1/export", Action::ExportAll),
    ("POST", "/v1/import", Action::Import),
    ("GET", "/v1/admin/owners", Action::ListOwners),
    ("GET", "/v1/admin/stats", Action::AdminStats),
    ("GET", "/v1/admin/sessions", Action::AdminSessions),
    ("DELETE", "/v1/admin/sessions", Action::AdminDelete),
    ("GET", "/v1/admin/export", Action::AdminExport),
    ("POST", "/v1/admin/import", Action::AdminImport),
    ("GET", "/v1/admin/events", Action::AdminEvents),
    ("POST", "/v1/admin/rebuild", Action::Rebuild),
    ("POST", "/v1/admin/move", Action::MoveHouse),
    ("POST", "/v1/admin/reseal", Action::Reseal),
    ("POST", "/v1/visitors", Action::NewVisitor),
    ("POST", "/v1/visitors/claim", Action::ClaimVisitor),
];

/// A route that a request takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched {
    /// What it does.
    pub action: Action,
    /// Whose namespace it is in; without one, the canonical API's.
    pub dialect: Option<Dialect>,
    /// What stands in its path where the route has `{id}`, percent-decoded and not yet checked; else empty.
    pub id: String,
}

/// Finds the route of a method and a path. `HEAD` goes where `GET` does. The dialect at the root, if any, has its routes there
/// besides.
///
/// # Errors
/// [`Code::RouteNotFound`], or [`Code::MethodNotAllowed`] with the methods that the path takes.
pub fn route(method: &str, path: &str, root: Option<Dialect>) -> Result<Matched, Problem> {
    let Some((dialect, inside)) = Dialect::of_path(path, root) else {
        let (action, id) = find(ROUTES, method, path)?;
        return Ok(Matched { action, dialect: None, id });
    };
    let its = dialect.shape().routes();
    let (action, id) = if has(its, inside) {
        let (verb, id) = find(its, method, inside)?;
        (Action::Dialect(dialect, verb), id)
    } else {
        find(ROUTES, method, inside)?
    };
    Ok(Matched { action, dialect: Some(dialect), id })
}

/// Whether a path is one of some routes, by whatever method.
pub(crate) fn has<A>(routes: Routes<A>, path: &str) -> bool {
    routes.iter().any(|(_, pattern, _)| captured(pattern, path).is_some())
}

fn find<A: Copy>(routes: Routes<A>, method: &str, path: &str) -> Result<(A, String), Problem> {
    let method = if method == "HEAD" { "GET" } else { method };
    let mut allowed: Vec<&str> = Vec::new();
    for (its_method, pattern, action) in routes {
        let Some(id) = captured(pattern, path) else { continue };
        if *its_method == method {
            return Ok((*action, decode(id)));
        }
        allowed.push(its_method);
        if *its_method == "GET" {
            allowed.push("HEAD");
        }
    }
    if allowed.is_empty() {
        return Err(Problem::new(Code::RouteNotFound));
    }
    Err(Problem { instead: Some(allowed.join(", ")), ..Problem::new(Code::MethodNotAllowed) })
}

/// What stands for `{id}` in a path that fits the pattern; empty where the pattern has none.
fn captured<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    let Some((before, after)) = pattern.split_once("{id}") else {
        return (pattern == path).then_some("");
    };
    let id = path.strip_prefix(before)?.strip_suffix(after)?;
    (!id.is_empty() && !id.contains('/')).then_some(id)
}

/// A query's parameters.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a>(pub &'a str);

impl Query<'_> {
    /// The first value of a name, decoded; an empty one counts as absent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        self.0
            .split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .find(|(key, _)| decode(key) == name)
            .map(|(_, value)| decode(&value.replace('+', " ")))
            .filter(|value| !value.is_empty())
    }

    /// A yes or no from a name; no without one.
    ///
    /// # Errors
    /// [`Code::InvalidParameter`] when it is neither.
    pub fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.get(name).as_deref() {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(_) => Err(Problem::new(Code::InvalidParameter).detail(format!("{name} is true or false"))),
        }
    }

    /// A number from a name.
    ///
    /// # Errors
    /// [`Code::InvalidParameter`] when it is no whole number or out of range.
    pub fn number(&self, name: &str, range: std::ops::RangeInclusive<u64>) -> Result<Option<u64>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        match text.parse() {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            _ => Err(Problem::new(Code::InvalidParameter).detail(format!(
                "{name} is a whole number from {} to {}",
                range.start(),
                range.end()
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_find_their_routes() {
        let found = |method, path| route(method, path, None).map(|found| (found.action, found.id));
        assert_eq!(found("POST", "/v1/chat"), Ok((Action::Chat, String::new())));
        assert_eq!(found("HEAD", "/health"), Ok((Action::Health, String::new())));
        assert_eq!(found("GET", "/v1/sessions/a%3Ab"), Ok((Action::SessionInfo, "a:b".into())));
        assert_eq!(found("GET", "/v1/sessions/a/history"), Ok((Action::History, "a".into())));
        for lost in ["/", "/v1", "/v1/sessions/", "/v1/sessions/a/b", "/v1/sessions/a/history/", "/v2/chat", "/V1/chat"]
        {
            assert_eq!(found("GET", lost).map_err(|problem| problem.code), Err(Code::RouteNotFound), "{lost}");
        }
    }

    #[test]
    fn a_wrong_method_is_told_the_right_ones() {
        let problem = route("PUT", "/v1/sessions/a", None).err();
        assert_eq!(problem.as_ref().map(|problem| problem.code), Some(Code::MethodNotAllowed));
        assert_eq!(problem.and_then(|problem| problem.instead).as_deref(), Some("GET, HEAD, PATCH, DELETE"));
    }

    #[test]
    fn queries_are_decoded_and_checked() {
        let query = Query("limit=5&q=a%20b+c&empty=&bad=x&%6Cast=1&odd=%zz");
        assert_eq!(query.number("limit", 1..=9), Ok(Some(5)));
        assert_eq!(query.get("q").as_deref(), Some("a b c"));
        assert_eq!((query.get("empty"), query.get("none")), (None, None));
        assert_eq!(query.get("last").as_deref(), Some("1"));
        assert_eq!(query.get("odd").as_deref(), Some("%zz"));
        for (name, range) in [("bad", 1..=9), ("limit", 6..=9), ("limit", 1..=4)] {
            assert_eq!(query.number(name, range).map_err(|problem| problem.code), Err(Code::InvalidParameter));
        }
    }
}
