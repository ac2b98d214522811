use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::cookie_pieces::PIECE;
use crate::entropy::SeededEntropy;
use crate::secret::{AccessToken, RefreshToken};
use crate::types::{Jwt, Profile, SessionError, SessionId};

const NAME: &str = "authjs.session-token";
const SECRET: &str = "a test secret of 32 bytes or more";
const NOW: UnixMillis = UnixMillis(1_893_456_000_000);
const MONTH: Duration = Duration::from_secs(30 * 86_400);

/// Made by `encode` of `@auth/core/jwt` 0.41.3 at [`NOW`], with this name for a salt.
const MADE_BY_AUTH_JS: &str = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIiwia2lkIjoiMmtVNGZxZnZxaldBRlMxQjFqOFBiMC1SaEdFYWpQS3Ft\
     c0xrdW1iWnM3MWw2Qy1TUkd4czA1SS1RMUNLY0hHTTJrV3VOT1ZseWVVTlpjV0VsRVZDLXcifQ..yGWFdKnpZfNtvE5OxNW7Xw.i\
     hIpZDl2yYI2DYgYlboBPFeK28tHgWpU-eh-Uy6z5Pi_xRDWYsXHMbrs7P00il5EPeKL_kmk4t4XPJDbgptDhn69JAy5wB-nEUUoW\
     _J3AVuRaa_yfQPobC41DQij3_10-rINRtTpOEYasW4CJVk3JF5sv5LBnI2tPEpSza3FKykJYRrH5sK29_Hs2SlrZWBCYCTKg7Bam\
     HLQJhq_g8kfW5SLUiPpOQ4WPnfximVUyFcNmHVHLc-dDmndIU6olaSVf1p70FPzQF8rWOnSAF7Hn5rTij0Qox2ATXEVZXBZtcYHb\
     pfIy4wcHqFzP6F6VyDP-nXTRrvNWLj7dz1jz2Q-yZX2u1JH86wGzpHRtwQ0yZ4.2D-A7YxuSfC0AtE4r9AmpzlV418scU4SDfjov\
     vaoofs";

type Jar = BTreeMap<String, String>;

fn cookie<T: Serialize + DeserializeOwned>(secrets: &[&str]) -> SealedCookie<T> {
    let secrets = secrets.iter().map(|secret| SealingSecret::new(*secret)).collect();
    SealedCookie::new(NAME, &SealingSecrets::new(secrets).unwrap())
}

fn put<T: Serialize + DeserializeOwned>(cookie: &SealedCookie<T>, value: &T, now: UnixMillis, jar: &mut Jar) {
    for CookieWrite { name, value } in
        cookie.write(value, (now, now.plus(MONTH)), &SeededEntropy::new("t"), jar).unwrap()
    {
        match value {
            Some(value) => drop(jar.insert(name, value)),
            None => drop(jar.remove(&name)),
        }
    }
}

fn ada() -> Jwt {
    Jwt {
        session_id: SessionId("s-1".into()),
        profile: Profile { sub: "u-ada".into(), email: Some("ada@example.com".into()), name: Some("Ada".into()) },
        access_token: AccessToken::new("ya29.test"),
        expires_at: UnixSeconds(1_893_459_599),
        refresh_token: Some(RefreshToken::new("1//0test")),
        error: Some(SessionError::RefreshTokenError),
        back_off: None,
    }
}

#[test]
fn what_auth_js_has_sealed_opens() {
    let jar = Jar::from([(NAME.to_owned(), MADE_BY_AUTH_JS.to_owned())]);
    let opened = cookie(&["another secret, and a newer one, too", SECRET]).read(&jar, NOW).unwrap();
    assert_eq!(opened, Opened { value: ada(), expires: NOW.plus(MONTH).plus(CLOCK_SKEW) });
}

#[test]
fn the_claims_are_those_of_the_guide() {
    let mut jar = Jar::new();
    put(&cookie(&[SECRET]), &ada(), NOW, &mut jar);
    let claims = cookie::<serde_json::Value>(&[SECRET]).read(&jar, NOW).unwrap().value;
    for (name, value) in [
        ("sub", json!("u-ada")),
        ("access_token", json!("ya29.test")),
        ("expires_at", json!(1_893_459_599)),
        ("refresh_token", json!("1//0test")),
        ("error", json!("RefreshTokenError")),
    ] {
        assert_eq!(claims[name], value, "{name}");
    }
}

#[test]
fn the_newest_secret_seals_and_the_older_ones_open() {
    let session = cookie::<Jwt>;
    let (before, between, after) = (session(&[SECRET]), session(&[OTHER, SECRET]), session(&[OTHER]));
    let mut jar = Jar::new();
    put(&before, &ada(), NOW, &mut jar);
    assert!(between.read(&jar, NOW).is_ok());
    assert_eq!(after.read(&jar, NOW), Err(Unopened::UnknownKey.into()));
    put(&between, &ada(), NOW, &mut jar);
    assert!(after.read(&jar, NOW).is_ok());
}

const OTHER: &str = "another test secret of many bytes";

#[test]
fn a_cookie_ends_with_its_time_and_fifteen_seconds_more() {
    let (cookie, mut jar) = (cookie(&[SECRET]), Jar::new());
    put(&cookie, &ada(), NOW, &mut jar);
    let end = NOW.plus(MONTH).plus(CLOCK_SKEW);
    assert_eq!(cookie.read(&jar, UnixMillis(end.0 - 1)).unwrap().expires, end);
    assert_eq!(cookie.read(&jar, end), Err(CookieRefused::Expired));
}

#[test]
fn the_younger_of_two_counts() {
    let cookie = cookie::<serde_json::Value>(&[SECRET]);
    let (long, short) = (json!({"a": "x".repeat(PIECE)}), json!({"a": "y"}));
    for (young, old) in [(&long, &short), (&short, &long)] {
        let (mut jar, mut beside) = (Jar::new(), Jar::new());
        put(&cookie, old, NOW, &mut jar);
        put(&cookie, young, NOW.plus(Duration::from_secs(1)), &mut beside);
        jar.append(&mut beside);
        assert_eq!(cookie.read(&jar, NOW).unwrap().value, *young);
    }
}

#[test]
fn one_that_is_spoiled_does_not_hide_the_other() {
    let (cookie, mut jar) = (cookie(&[SECRET]), Jar::new());
    put(&cookie, &ada(), NOW, &mut jar);
    jar.insert(format!("{NAME}.0"), "nonsense".to_owned());
    assert!(cookie.read(&jar, NOW).is_ok());
    jar.remove(NAME);
    assert_eq!(cookie.read(&jar, NOW), Err(Unopened::NotCompact.into()));
    assert_eq!(cookie.read(&Jar::new(), NOW), Err(CookieRefused::Absent));
}

#[test]
fn weak_secrets_are_not_taken() {
    assert_eq!(SealingSecrets::new(vec![]).unwrap_err(), BadSecrets::None);
    let secrets = vec![SealingSecret::new(SECRET), SealingSecret::new("short")];
    assert_eq!(SealingSecrets::new(secrets).unwrap_err(), BadSecrets::TooShort);
}

proptest! {
    #[test]
    fn a_session_survives_its_cookie(length in 0usize..9_000, name: Option<String>, now in 0i64..4_000_000_000_000) {
        let (cookie, mut jar) = (cookie(&[SECRET]), Jar::new());
        let jwt = Jwt {
            refresh_token: Some(RefreshToken::new("r".repeat(length))),
            profile: Profile { name, ..ada().profile },
            ..ada()
        };
        put(&cookie, &jwt, UnixMillis(now), &mut jar);
        prop_assert!(jar.values().all(|piece| piece.len() <= PIECE));
        prop_assert_eq!(cookie.read(&jar, UnixMillis(now)).unwrap().value, jwt);
    }

    #[test]
    fn any_cookies_are_read_without_panic(whole: String, piece in "[A-Za-z0-9_.-]{0,80}", now: i64) {
        let full = "A".repeat(PIECE);
        let names = [NAME.to_owned(), format!("{NAME}.0"), format!("{NAME}.1")];
        let jar: Jar = names.into_iter().zip([whole, full, piece]).collect();
        prop_assert!(cookie::<Jwt>(&[SECRET]).read(&jar, UnixMillis(now)).is_err());
    }

    #[test]
    fn an_altered_piece_is_refused(piece in 0usize..3, at: prop::sample::Index, to in "[A-Za-z0-9_-]") {
        let (cookie, mut jar) = (cookie(&[SECRET]), Jar::new());
        put(&cookie, &json!({"a": "x".repeat(2 * PIECE)}), NOW, &mut jar);
        let value = jar.get_mut(&format!("{NAME}.{piece}")).unwrap();
        let at = at.index(value.len());
        prop_assume!(value[at..=at] != to);
        value.replace_range(at..=at, &to);
        prop_assert!(cookie.read(&jar, NOW).is_err());
    }
}
