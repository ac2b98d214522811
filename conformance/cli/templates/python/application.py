"""A tiny application that signs users in and keeps their tokens fresh.

REPLACE: all of this file, by what your own application does with its library. `adapter.py` calls what is public here.
"""

import base64
import hashlib
import http.client
import json
import secrets
import threading
from urllib.parse import parse_qsl, urlencode, urlsplit

REDIRECT_URI = "http://127.0.0.1/callback"  # Nothing has to listen there.


class RefreshError(Exception):
    """How this application says that a refresh has failed. REPLACE: by your library's own error."""


class User:
    """Somebody who has signed in. REPLACE: `saved` by what your application stores, as its library gives it."""

    def __init__(self, saved):
        self.saved = saved
        self.lock = threading.Lock()


class Application:
    def __init__(self, provider, scopes, now_ms):
        self.endpoints, self.client = provider["endpoints"], provider["client"]
        self.scopes, self.now_ms = scopes, now_ms

    def sign_in(self):
        # REPLACE: the URL, the check of `state` and the exchange of the code, by your library's calls.
        state, verifier = secrets.token_urlsafe(16), secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
        query = {"response_type": "code", "client_id": self.client["id"], "redirect_uri": REDIRECT_URI,
                 "scope": " ".join(self.scopes), "state": state, "code_challenge": challenge,
                 "code_challenge_method": "S256", "access_type": "offline", "prompt": "consent"}
        # This is the browser. The fake Google asks nothing and sends it back at once.
        _, headers, _ = call("GET", f"{self.endpoints['authorization']}?{urlencode(query)}")
        back = dict(parse_qsl(urlsplit(headers["location"]).query))
        if back.get("state") != state or "code" not in back:
            raise RuntimeError(f"the sign-in was refused: {back.get('error', 'wrong state')}")
        return User(self.tokens({}, grant_type="authorization_code", code=back["code"], code_verifier=verifier,
                                redirect_uri=REDIRECT_URI))

    def access_token(self, user):
        # REPLACE: by your library's call for a valid access token.
        with user.lock:  # Of several requests at once only the first refreshes.
            if self.now_ms() >= user.saved["expires_at_ms"]:
                user.saved = self.refreshed(user.saved)
            return user.saved["access_token"]

    def refreshed(self, saved):
        if not saved["refresh_token"]:
            raise RefreshError("there is no refresh token")
        try:
            return self.tokens(saved, grant_type="refresh_token", refresh_token=saved["refresh_token"])
        except (OSError, http.client.HTTPException, ValueError, TypeError, KeyError, AttributeError) as error:
            raise RefreshError("the refresh has failed") from error

    def api(self, access_token, url):
        status, _, _ = call("GET", url, headers={"Authorization": f"Bearer {access_token}"})
        return status

    def tokens(self, saved, **form):
        """Asks the token endpoint, and gives what is to be stored from now on."""
        form |= {"client_id": self.client["id"], "client_secret": self.client["secret"]}
        status, _, body = call("POST", self.endpoints["token"], urlencode(form),
                               {"Content-Type": "application/x-www-form-urlencoded"})
        answer = json.loads(body)
        access_token = text(answer.get("access_token"))
        if status != 200 or not access_token or answer["token_type"].lower() != "bearer":
            raise ValueError(f"the token endpoint answered {status}")
        return {"access_token": access_token,
                "expires_at_ms": self.now_ms() + 1000 * int(answer.get("expires_in", 3600)),
                "refresh_token": text(answer.get("refresh_token")) or saved.get("refresh_token"),  # Often left out.
                "subject": saved.get("subject") or subject(answer["id_token"])}


def text(value):
    return value if isinstance(value, str) and value else None


def subject(id_token):
    """It came straight from the provider, so the signature need not be checked (OpenID Connect Core, 3.1.3.7)."""
    payload = id_token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["sub"]


def call(method, url, body=None, headers=None):
    """One HTTP request. Redirects are not followed."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=5)
    try:
        connection.request(method, f"{parts.path}?{parts.query}".rstrip("?"), body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()
