//! The gate's shell: verifies what the model says must be verified, with keys that are secrets or that an issuer publishes.

use crate::edge::{get_json, now};
use crate::primitives::{sha256, verify};
use crate::watch;
use chatkeep_model::auth::jwks::{KeySet, MAX_BYTES, Reads, Step};
use chatkeep_model::auth::jwt::Algorithm;
use chatkeep_model::auth::visitor::Visitor;
use chatkeep_model::auth::{
    Access, By, Credentials, Identity, Presented, Scope, Signed, Verifier, admit, present, visitor_beside,
};
use chatkeep_model::owner::Named;
use chatkeep_model::{Code, Millis, Owner, Problem};
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use worker::{Env, RateLimiter};

/// How long reading an issuer's keys may take.
const PATIENCE: Millis = Millis(3000);

/// Who is inside.
pub(crate) struct Caller {
    pub(crate) owner: Owner,
    pub(crate) by: By,
}

/// Lets a request in, or says why not. Nobody may be inside where nothing is needed.
pub(crate) async fn enter(
    access: &Access,
    shown: &Credentials<'_>,
    needs: Option<Scope>,
) -> Result<Option<Caller>, Problem> {
    let who = match present(access, shown)? {
        Presented::Nothing => None,
        Presented::Known(who) => Some(who),
        Presented::Signed(signed) => {
            let verified = verified(access, &signed).await?;
            Some(signed.settle(verified, now())?)
        }
    };
    let Some(Identity { owner, by, .. }) = admit(access, who, needs)? else { return Ok(None) };
    let owner = match owner {
        Named::Owner(owner) => owner,
        Named::Long(long) => {
            let digest = sha256(long.text()).await.ok_or(Problem::new(Code::Internal))?;
            long.digested(&digest)
        }
    };
    Ok(Some(Caller { owner, by }))
}

/// The visitor who is shown beside who asks.
pub(crate) async fn visitor(access: &Access, shown: &Credentials<'_>, token: Option<&str>) -> Result<Visitor, Problem> {
    let signed = visitor_beside(access, shown, token)?;
    let verified = verified(access, &signed).await?;
    match signed.settle(verified, now())?.by {
        By::Visitor(visitor) => Ok(visitor),
        _ => Err(Problem::new(Code::Internal)),
    }
}

/// The platform's rate-limiting binding, if there is one, and the longest period that it knows, in seconds.
const ADDRESS_LIMIT: &str = "ADDRESS_LIMIT";
pub(crate) const ADDRESS_PERIOD: u64 = 60;

/// Whether more requests come from a client's address than the platform was told to let pass. Asked before anything is verified
/// or read, so that guessing credentials is slow and cheap to refuse. Where there is no such binding, never.
pub(crate) async fn is_too_many(env: &Env, address: Option<&str>) -> bool {
    let Some(address) = address else { return false };
    let limiter =
        LIMITER.with(|limiter| limiter.get_or_init(|| env.rate_limiter(ADDRESS_LIMIT).ok().map(Rc::new)).clone());
    let Some(limiter) = limiter else { return false };
    limiter.limit(address.to_owned()).await.is_ok_and(|outcome| !outcome.success)
}

/// Whether a signature is right, or else why not, for people.
type Verified = Result<(), &'static str>;

const WRONG_SIGNATURE: &str = "the token is not genuine: its signature is wrong";

async fn verified(access: &Access, signed: &Signed<'_>) -> Result<Verified, Problem> {
    let judge = |is_right: bool| if is_right { Ok(()) } else { Err(WRONG_SIGNATURE) };
    match &signed.verifier {
        Verifier::Secrets(secrets) => {
            let algorithm = Algorithm::Hs256.as_str();
            for secret in *secrets {
                if verify(algorithm, secret.expose(), signed.text, signed.signature).await {
                    return Ok(Ok(()));
                }
            }
            Ok(Err(WRONG_SIGNATURE))
        }
        Verifier::Published { url, key_id, algorithm } => {
            match key(url, access.keys_fresh, key_id.as_deref(), *algorithm).await? {
                Ok(key) => Ok(judge(verify(algorithm.as_str(), &key, signed.text, signed.signature).await)),
                Err(missing) => Ok(Err(missing)),
            }
        }
    }
}

/// What an isolate knows of the keys at a URL.
#[derive(Default)]
struct Published {
    keys: KeySet,
    reads: Reads,
}

thread_local! {
    /// Looked for once: an isolate's bindings stay as they are.
    static LIMITER: OnceCell<Option<Rc<RateLimiter>>> = const { OnceCell::new() };
    static PUBLISHED: RefCell<BTreeMap<String, Published>> = const { RefCell::new(BTreeMap::new()) };
}

/// The published key that a token needs, or why there is none for it.
async fn key(
    url: &str,
    fresh: Millis,
    key_id: Option<&str>,
    algorithm: Algorithm,
) -> Result<Result<String, &'static str>, Problem> {
    let find = |keys: &KeySet| {
        let found = keys.find(key_id, algorithm).map(str::to_owned);
        found.ok_or_else(|| keys.missing_detail(key_id, algorithm))
    };
    let unavailable = || Problem::new(Code::IdentityUnavailable).retry_after(5);
    let began = now();
    let (found, step) = of_issuer(url, |published| {
        let found = find(&published.keys);
        let step = published.reads.step(began, fresh, found.is_ok());
        (found, step)
    });
    match step {
        Step::Use => return Ok(found),
        Step::Wait => return Err(unavailable()),
        Step::Read => {}
    }
    let read = get_json(url, MAX_BYTES, PATIENCE).await.filter(|(status, _)| *status == 200);
    match read.and_then(|(_, json)| KeySet::read(&json)) {
        Some(keys) => Ok(of_issuer(url, |published| {
            published.keys = keys;
            published.reads.succeeded(began);
            find(&published.keys)
        })),
        None => {
            of_issuer(url, |published| published.reads.failed(now()));
            watch::of_issuer();
            // Keys that are old serve while the issuer can't be reached.
            found.map(Ok).map_err(|_| unavailable())
        }
    }
}

fn of_issuer<T>(url: &str, with: impl FnOnce(&mut Published) -> T) -> T {
    PUBLISHED.with_borrow_mut(|all| with(all.entry(url.to_owned()).or_default()))
}
