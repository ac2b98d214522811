"""Single requests: small ones that are looked at, and the sign-in."""

import http.client
import json
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

from measure.failure import Failure

REDIRECT_URI = "http://127.0.0.1:9/cb"
FORM = "application/x-www-form-urlencoded"
DISCOVERY = "/.well-known/openid-configuration"


def call(method, url, body=None, kind=None, within=10):
    """Status, header fields and body of one request; redirects are not followed."""
    parts = urlsplit(url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=within)
    try:
        connection.request(method, path, body, {"Content-Type": kind} if kind else {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise Failure(f"{method} {parts.path}: {error}") from error
    finally:
        connection.close()


def expect(wanted, status, what, body=b""):
    if status != wanted:
        raise Failure(f"{what}: status {status} instead of {wanted}: {body[:300].decode(errors='replace')}")


def json_of(body, what):
    try:
        return json.loads(body)
    except ValueError as error:
        raise Failure(f"{what}: no JSON but {body[:200]!r}") from error


def control(server, method, path, body=None, within=10):
    text = None if body is None else json.dumps(body)
    status, _, answer = call(method, server.control + path, text, "application/json", within)
    return status, answer


@dataclass
class Grant:
    """What a refresh presents."""

    client_id: str
    secret: str
    refresh_token: str

    def form(self):
        return {
            "grant_type": "refresh_token",
            "client_id": self.client_id,
            "client_secret": self.secret,
            "refresh_token": self.refresh_token,
        }


# As long as the real ones, for servers that look at nothing.
MADE_UP = Grant("1" * 12 + "-" + "a" * 32 + ".apps.googleusercontent.com", "GOCSPX-" + "a" * 28, "1//0" + "a" * 99)


def sign_in(base, client_id, secret, scope):
    """A code flow for offline access, without a browser."""
    asked = {
        "client_id": client_id,
        "redirect_uri": REDIRECT_URI,
        "response_type": "code",
        "scope": scope,
        "access_type": "offline",
        "prompt": "consent",
    }
    status, headers, body = call("GET", f"{base}/o/oauth2/v2/auth?{urlencode(asked)}")
    expect(302, status, "authorize", body)
    code = parse_qs(urlsplit(headers.get("location", "")).query).get("code")
    if not code:
        raise Failure("authorize: no code in the redirect")
    form = {
        "grant_type": "authorization_code",
        "code": code[0],
        "redirect_uri": REDIRECT_URI,
        "client_id": client_id,
        "client_secret": secret,
    }
    status, _, body = call("POST", f"{base}/token", urlencode(form), FORM)
    expect(200, status, "code exchange", body)
    refresh_token = json_of(body, "code exchange").get("refresh_token")
    if not refresh_token:
        raise Failure("code exchange: no refresh_token in the answer")
    return Grant(client_id, secret, refresh_token)
