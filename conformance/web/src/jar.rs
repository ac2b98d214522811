//! Cookies as HTTP writes them. A `Max-Age` of nothing or less, or an `Expires` at the epoch, takes one away (RFC 6265
//! section 5.2).

use adapter_server::CookieJar;
use cookie::Cookie;

/// The `Cookie` header that the browser would send now.
pub(crate) fn header(jar: &CookieJar) -> Option<String> {
    let pairs: Vec<String> = jar.cookies().iter().map(|(name, value)| format!("{name}={value}")).collect();
    (!pairs.is_empty()).then(|| pairs.join("; "))
}

/// What a `Set-Cookie` header asks for; nothing where it is none.
pub(crate) fn change(header: &str) -> Option<(String, Option<String>)> {
    let cookie = Cookie::parse(header).ok()?;
    let spent = cookie.max_age().is_some_and(|age| !age.is_positive());
    let epoch = cookie.expires_datetime().is_some_and(|at| at.unix_timestamp() <= 0);
    let value = (!spent && !epoch).then(|| cookie.value().to_owned());
    Some((cookie.name().to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_come_and_go() {
        for (header, expected) in [
            ("a=b; Path=/; HttpOnly", Some(Some("b"))),
            ("a=b; Max-Age=0", Some(None)),
            ("a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", Some(None)),
            ("a=b; Expires=Thu, 31 Jan 2030 00:00:00 GMT", Some(Some("b"))),
            ("a=x%7Cy", Some(Some("x%7Cy"))),
            ("nonsense", None),
        ] {
            assert_eq!(change(header).as_ref().map(|(_, value)| value.as_deref()), expected, "{header}");
        }
    }

    #[test]
    fn all_cookies_stand_in_one_header() {
        let mut jar = CookieJar::default();
        assert_eq!(header(&jar), None);
        jar.put(vec![("b".to_owned(), Some("2".to_owned())), ("a".to_owned(), Some("1".to_owned()))]);
        assert_eq!(header(&jar).as_deref(), Some("a=1; b=2"));
    }
}
