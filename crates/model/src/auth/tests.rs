//! The gate's decisions, as a table of what is configured, what is shown and what comes of it.

use super::*;
use crate::config::{Config, ConfigError};

const SECRET: &str = "a secret of thirty-two characters";
const KEYS: (&str, &str) = ("API_KEYS", "first-key,second-key,reports:read:third-key");
const VISITORS: (&str, &str) = ("VISITOR_SECRET", SECRET);
const USERS: [(&str, &str); 4] =
    [("JWT_SECRET", SECRET), ("JWT_ISSUER", "https://idp"), ("JWT_AUDIENCE", "chat"), ("JWT_SKEW_SECONDS", "0")];
const OUTSIDE: Credentials<'static> = Credentials {
    api_key: None,
    authorization: None,
    cookie: None,
    user: None,
    issuer: None,
    origin: None,
    is_listed_origin: false,
    host: None,
    fetch_site: None,
    rewrites_url: false,
    own_origin: "https://chat.example.com",
    safe: false,
};

fn access(pairs: &[(&str, &str)]) -> Result<Access, ConfigError> {
    let variable = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    Ok(Config::read(variable)?.access)
}

/// The owner of a request whose token, if it has one, has the right signature.
fn answer(access: &Access, shown: Credentials, needs: Scope, now: u64) -> Result<String, Code> {
    let who = match present(access, &shown) {
        Ok(Presented::Nothing) => Ok(None),
        Ok(Presented::Known(who)) => Ok(Some(who)),
        Ok(Presented::Signed(signed)) => signed.settle(Ok(()), Millis(now)).map(Some),
        Err(problem) => Err(problem),
    };
    let who = who.and_then(|who| admit(access, who, Some(needs))).map_err(|problem| problem.code)?;
    Ok(match who.map(|who| who.owner) {
        Some(Named::Owner(owner)) => owner.to_string(),
        Some(Named::Long(long)) => long.digested("x").to_string(),
        None => "nobody".to_owned(),
    })
}

fn jwt(claims: &str) -> String {
    let part = |text: &str| crate::base64url::encode(text.as_bytes());
    format!("Bearer {}.{}.c2ln", part(r#"{"alg":"HS256"}"#), part(claims))
}

#[test]
fn without_credentials_only_this_machine_is_served() -> Result<(), ConfigError> {
    let nothing = access(&[])?;
    let at = |own_origin: &str| answer(&nothing, Credentials { own_origin, ..OUTSIDE }, Scope::Write, 0);
    for host in ["localhost", "localhost:8787", "127.0.0.1:80", "127.9.9.9", "[::1]:8787", "app.localhost"] {
        assert_eq!(at(&format!("http://{host}")), Ok("app".into()), "{host}");
    }
    for host in ["chat.example.com", "localhost.example.com", "10.0.0.1", "", "[::2]", "127.0.0.1.example.com"] {
        assert_eq!(at(&format!("http://{host}")), Err(Code::NotConfigured), "{host}");
    }
    let here = Credentials { own_origin: "http://localhost", ..OUTSIDE };
    let shown = Credentials { api_key: Some("whatever"), authorization: Some("Bearer x"), ..here };
    assert_eq!(answer(&nothing, shown, Scope::Write, 0), Ok("app".into()));
    assert_eq!(answer(&nothing, Credentials { user: Some("ada"), ..here }, Scope::Write, 0), Ok("u-ada".into()));
    // Switched off, it is closed whatever the host, and nobody can be let in.
    let closed = access(&[("OPEN_LOCALHOST", "off")])?;
    assert_eq!(answer(&closed, here, Scope::Read, 0), Err(Code::NotConfigured));
    // With visitors only, this machine stays closed unless it is opened.
    assert_eq!(answer(&access(&[VISITORS])?, here, Scope::Read, 0), Err(Code::Unauthorized));
    let opened = access(&[VISITORS, ("OPEN_LOCALHOST", "on")])?;
    assert_eq!(answer(&opened, here, Scope::Write, 0), Ok("app".into()));
    assert_eq!(
        answer(&opened, Credentials { authorization: Some("Bearer x"), ..here }, Scope::Read, 0),
        Err(Code::Unauthorized)
    );
    Ok(())
}

#[test]
fn open_localhost_administers_only_where_that_is_opened_too() -> Result<(), ConfigError> {
    let here = Credentials { own_origin: "http://localhost", ..OUTSIDE };
    for (pairs, administers) in [
        (&[][..], false),
        (&[("OPEN_ADMIN", "on")], true),
        (&[("OPEN_ADMIN", "off")], false),
        (&[VISITORS, ("OPEN_LOCALHOST", "on"), ("OPEN_ADMIN", "on")], true),
    ] {
        for scope in [Scope::Figures, Scope::Admin] {
            let expected = if administers { Ok("app".to_owned()) } else { Err(Code::Forbidden) };
            assert_eq!(answer(&access(pairs)?, here, scope, 0), expected, "{pairs:?} {scope:?}");
            let as_user = Credentials { user: Some("ada"), ..here };
            assert_eq!(answer(&access(pairs)?, as_user, scope, 0), Err(Code::Forbidden), "{pairs:?} {scope:?}");
        }
    }
    Ok(())
}

#[test]
fn a_foreign_page_or_host_is_refused_where_only_localhost_identifies_the_caller() -> Result<(), ConfigError> {
    let opened = access(&[VISITORS, ("OPEN_LOCALHOST", "on")])?;
    let here = Credentials { own_origin: "http://localhost", ..OUTSIDE };
    let token = format!("Bearer {}", Visitor { id: 7, expires: Millis(10_000) }.token("c2ln"));
    for foreign in [
        Credentials { origin: Some("https://evil.example"), ..here },
        Credentials { origin: Some("null"), ..here },
        Credentials { fetch_site: Some("cross-site"), ..here },
        Credentials { rewrites_url: true, ..here },
        Credentials { host: Some("evil.example"), ..here },
        OUTSIDE,
    ] {
        for access in [&opened, &access(&[("OPEN_ADMIN", "on"), ("OPEN_LOCALHOST", "on")])?] {
            // Where nothing at all is configured, another host is told what to set.
            let is_elsewhere = foreign.host.is_some() || foreign.own_origin != here.own_origin;
            let is_unconfigured = is_elsewhere && !access.is_configured();
            let expected = if is_unconfigured { Code::NotConfigured } else { Code::ForeignRequest };
            assert_eq!(answer(access, foreign, Scope::Read, 0), Err(expected), "{foreign:?}");
        }
        let shown = Credentials { authorization: Some(&token), ..foreign };
        assert!(answer(&opened, shown, Scope::Write, 0).is_ok_and(|owner| owner.starts_with("v-")), "{foreign:?}");
        let keys = access(&[KEYS])?;
        let shown = Credentials { api_key: Some("first-key"), ..foreign };
        assert_eq!(answer(&keys, shown, Scope::Write, 0), Ok("app".into()), "{foreign:?}");
    }
    Ok(())
}

#[test]
fn a_server_that_acts_for_a_user_administers_nothing() -> Result<(), ConfigError> {
    let access = access(&[KEYS])?;
    for key in ["first-key", "third-key"] {
        let server = Credentials { api_key: Some(key), ..OUTSIDE };
        let for_ada = Credentials { user: Some("ada"), ..server };
        assert_eq!(answer(&access, for_ada, Scope::Read, 0), Ok("u-ada".into()));
        assert_eq!(answer(&access, for_ada, Scope::Admin, 0), Err(Code::Forbidden));
        assert_eq!(answer(&access, for_ada, Scope::Figures, 0), Err(Code::Forbidden));
        // A scraper reads figures with any key, and nothing else with one that may only read.
        assert_eq!(answer(&access, server, Scope::Figures, 0), Ok("app".into()));
    }
    Ok(())
}

#[test]
fn with_keys_one_of_them_is_needed_everywhere() -> Result<(), ConfigError> {
    let access = access(&[KEYS])?;
    let shown =
        |key| answer(&access, Credentials { api_key: key, own_origin: "http://localhost", ..OUTSIDE }, Scope::Admin, 0);
    assert_eq!(shown(Some("second-key")), Ok("app".into()));
    assert_eq!(shown(Some("third-key")), Err(Code::Forbidden));
    for wrong in
        [None, Some(""), Some("second-ke"), Some("second-keyy"), Some("first-key,second-key"), Some("second-key\0")]
    {
        assert_eq!(shown(wrong), Err(Code::Unauthorized), "{wrong:?}");
    }
    let reads = Credentials { api_key: Some("third-key"), user: Some("ada%40x"), ..OUTSIDE };
    assert_eq!(answer(&access, reads, Scope::Read, 0), Ok("u-ada%40x".into()));
    assert_eq!(answer(&access, reads, Scope::Write, 0), Err(Code::Forbidden));
    for (user, issuer) in [("", None), ("%FF", None), ("ada", Some("acme"))] {
        let shown = Credentials { api_key: Some("first-key"), user: Some(user), issuer, ..OUTSIDE };
        assert_eq!(answer(&access, shown, Scope::Read, 0), Err(Code::InvalidParameter), "{user} {issuer:?}");
    }
    Ok(())
}

#[test]
fn a_key_may_come_as_a_bearers_token() -> Result<(), ConfigError> {
    for access in [access(&[KEYS])?, access(&[KEYS, VISITORS])?, access(&[KEYS, USERS[0], USERS[1], USERS[2]])?] {
        let as_bearer = |token: &str, scope, user| {
            let header = format!("Bearer {token}");
            answer(&access, Credentials { authorization: Some(&header), user, ..OUTSIDE }, scope, 0)
        };
        assert_eq!(as_bearer("second-key", Scope::Admin, None), Ok("app".into()));
        assert_eq!(as_bearer("third-key", Scope::Figures, None), Ok("app".into()));
        assert_eq!(as_bearer("third-key", Scope::Write, None), Err(Code::Forbidden));
        assert_eq!(as_bearer("second-key", Scope::Write, Some("ada")), Ok("u-ada".into()));
        for wrong in ["second-ke", "second-keyy", "SECOND-KEY", "first-key,second-key"] {
            assert_eq!(as_bearer(wrong, Scope::Read, None), Err(Code::Unauthorized), "{wrong}");
        }
        // A cookie holds a visitor's token only.
        let cookie = Credentials { cookie: Some("__Host-chatkeep=second-key"), safe: true, ..OUTSIDE };
        assert_eq!(answer(&access, cookie, Scope::Read, 0), Err(Code::Unauthorized));
    }
    Ok(())
}

#[test]
fn every_refusal_of_a_token_says_why() -> Result<(), ConfigError> {
    let access = access(&[USERS[0], USERS[1], USERS[2], USERS[3], VISITORS])?;
    let detail = |header: &str| {
        let presented = present(&access, &Credentials { authorization: Some(header), ..OUTSIDE });
        let settled = presented.map(|presented| match presented {
            Presented::Signed(signed) => signed.settle(Ok(()), Millis(9_000)).err(),
            _ => None,
        });
        settled.unwrap_or_else(Some).and_then(|problem| problem.detail).unwrap_or_default()
    };
    let claims = |more: &str| jwt(&format!(r#"{{"iss":"https://idp","sub":"ada"{more}}}"#));
    let expired = format!("Bearer {}", Visitor { id: 7, expires: Millis(1_000) }.token("c2ln"));
    for (header, reason) in [
        (claims(r#","aud":"chat""#), "no exp"),
        (claims(r#","exp":10"#), "no aud"),
        (claims(r#","exp":10,"aud":"shop""#), "another audience"),
        (claims(r#","exp":1,"aud":"chat""#), "expired"),
        (jwt(r#"{"iss":"https://evil","sub":"ada","exp":10}"#), "no configured issuer"),
        (jwt(r#"{"iss":"https://idp","exp":10}"#), "no sub"),
        (
            claims(r#","exp":10,"aud":"chat""#).replace("eyJhbGciOiJIUzI1NiJ9", "eyJhbGciOiJSUzI1NiJ9"),
            "taken of its issuer",
        ),
        ("Bearer a.b.c".into(), "not a JSON Web Token"),
        ("Bearer ckv1.x".into(), "malformed"),
        (format!("Bearer {}", "x".repeat(9_000)), "too long"),
        ("Basic eDp5".into(), "takes Bearer"),
        (expired, "expired"),
    ] {
        assert!(detail(&header).contains(reason), "{reason}: {}", detail(&header));
    }
    Ok(())
}

#[test]
fn a_user_is_who_the_token_names_and_nobody_else() -> Result<(), ConfigError> {
    let access = access(&USERS)?;
    let shown = |claims: &str, user| {
        let token = jwt(claims);
        answer(&access, Credentials { authorization: Some(&token), user, ..OUTSIDE }, Scope::Write, 9_000)
    };
    let good = r#"{"iss":"https://idp","aud":"chat","sub":"ada","exp":10}"#;
    assert_eq!(shown(good, None), Ok("u-ada".into()));
    assert_eq!(shown(good, Some("ada")), Ok("u-ada".into()));
    assert_eq!(shown(good, Some("bob")), Err(Code::Forbidden));
    for wrong in [
        good.replace("idp", "evil"),
        good.replace("chat", "shop"),
        good.replace("ada", ""),
        good.replace("10", "-100"),
        good.replace("10}", "10,\"nbf\":1000}"),
    ] {
        assert_eq!(shown(&wrong, None), Err(Code::Unauthorized), "{wrong}");
    }
    let token = jwt(good);
    let as_user = Credentials { authorization: Some(&token), ..OUTSIDE };
    assert_eq!(answer(&access, as_user, Scope::Admin, 9_000), Err(Code::Forbidden));
    // A key that isn't one is not made up for by a token that is.
    assert_eq!(
        answer(&access, Credentials { api_key: Some("x"), ..as_user }, Scope::Read, 9_000),
        Err(Code::Unauthorized)
    );
    for header in
        [token.replace("Bearer", "Basic"), token.replace("Bearer ", ""), "Bearer".into(), "bearer a.b.c".into()]
    {
        let shown = Credentials { authorization: Some(&header), ..OUTSIDE };
        assert_eq!(answer(&access, shown, Scope::Read, 9_000), Err(Code::Unauthorized), "{header}");
    }
    assert_eq!(
        answer(
            &access,
            Credentials { authorization: Some(&token.replace("Bearer", "bEARER")), ..OUTSIDE },
            Scope::Read,
            9_000
        ),
        Ok("u-ada".into())
    );
    Ok(())
}

#[test]
fn a_signature_that_is_wrong_lets_nobody_in() -> Result<(), ConfigError> {
    let access = access(&USERS)?;
    let token = jwt(r#"{"iss":"https://idp","aud":"chat","sub":"ada","exp":10}"#);
    let shown = Credentials { authorization: Some(&token), ..OUTSIDE };
    let Ok(Presented::Signed(signed)) = present(&access, &shown) else { return Ok(()) };
    assert_eq!(signed.verifier, Verifier::Secrets(&[Secret(SECRET.into())]));
    let problem = signed.settle(Err("the signature is wrong"), Millis(0)).err();
    assert_eq!(
        problem.and_then(|problem| problem.instead).as_deref(),
        Some("Bearer realm=\"chatkeep\", error=\"invalid_token\"")
    );
    Ok(())
}

#[test]
fn visitors_come_by_header_or_by_cookie_of_an_own_page() -> Result<(), ConfigError> {
    let access = access(&[VISITORS, KEYS])?;
    let visitor = Visitor { id: 7, expires: Millis(10_000) };
    let (token, owner) = (visitor.token("c2ln"), visitor.owner().to_string());
    let header = format!("Bearer {token}");
    let by_header = Credentials { authorization: Some(&header), ..OUTSIDE };
    assert_eq!(answer(&access, by_header, Scope::Write, 9_999), Ok(owner.clone()));
    assert_eq!(answer(&access, by_header, Scope::Write, 10_000), Err(Code::Unauthorized));
    assert_eq!(answer(&access, Credentials { user: Some("ada"), ..by_header }, Scope::Read, 0), Err(Code::Forbidden));

    let cookie = format!("theme=dark; __Host-chatkeep={token}");
    let by_cookie = Credentials { cookie: Some(&cookie), ..OUTSIDE };
    for (safe, origin, counts) in [
        (true, None, true),
        (true, Some("https://chat.example.com"), true),
        (false, Some("https://chat.example.com"), true),
        (false, None, false),
        (false, Some("https://evil.example"), false),
        (false, Some("null"), false),
        (true, Some("https://evil.example"), false),
        (true, Some("http://chat.example.com"), false),
    ] {
        let answer = answer(&access, Credentials { safe, origin, ..by_cookie }, Scope::Read, 0);
        assert_eq!(answer, if counts { Ok(owner.clone()) } else { Err(Code::Unauthorized) }, "{safe} {origin:?}");
    }
    Ok(())
}

#[test]
fn refusals_say_what_is_taken() -> Result<(), ConfigError> {
    let challenge = |pairs: &[(&str, &str)], authorization| -> Result<_, ConfigError> {
        let access = access(pairs)?;
        let presented = present(&access, &Credentials { authorization, ..OUTSIDE });
        let refused = presented.and_then(|_| admit(&access, None, Some(Scope::Read))).err();
        Ok(refused.and_then(|problem| problem.instead).unwrap_or_default())
    };
    let (key, bearer) = ("ApiKey realm=\"chatkeep\"", "Bearer realm=\"chatkeep\"");
    assert_eq!(challenge(&[KEYS], None)?, format!("{key}, {bearer}"));
    assert_eq!(challenge(&[VISITORS], None)?, bearer);
    assert_eq!(challenge(&[KEYS, VISITORS], None)?, format!("{key}, {bearer}"));
    assert_eq!(challenge(&[VISITORS], Some("Bearer x"))?, format!("{bearer}, error=\"invalid_token\""));
    Ok(())
}
