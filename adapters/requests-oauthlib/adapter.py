"""The adapter for requests-oauthlib, with the automatic refresh that its documentation recommends."""

import json
import os
from importlib.metadata import version

from oauthlib.oauth2 import OAuth2Error
from regrant_adapter import REDIRECT_URI, LocalApi, active, browse, call, serve
from requests import RequestException
from requests_oauthlib import OAuth2Session

# As the documentation has it for http on this machine.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

# A provider that is not reached comes out as an error of requests.
ERRORS = (OAuth2Error, RequestException)

# The documentation names Google's scopes as Google grants them; oauthlib refuses a token for others than it asked for.
SCOPES = {
    "email": "https://www.googleapis.com/auth/userinfo.email",
    "profile": "https://www.googleapis.com/auth/userinfo.profile",
}

CLAIMS = [
    "sign_in",
    "sign_out",
    "session.error",
    "session.access_token",
    "session.concurrent",
    "session.cancel",
    "refresh.on_session",
    "refresh.on_api",
    "clock.set",
    "actors.tab",
    "restart",
    "logs",
]


class User:
    def __init__(self, token, subject=None):
        self.subject = subject
        self.token = token


class App:
    def __init__(self, provider, scopes):
        self._endpoints = provider["endpoints"]
        self._id, self._secret = provider["client"]["id"], provider["client"]["secret"]
        self._scope = [SCOPES.get(scope, scope) for scope in scopes]

    def sign_in(self):
        with OAuth2Session(self._id, scope=self._scope, redirect_uri=REDIRECT_URI, pkce="S256") as google:
            page, _ = google.authorization_url(
                self._endpoints["authorization"], access_type="offline", prompt="consent"
            )
            token = google.fetch_token(
                self._endpoints["token"], client_secret=self._secret, authorization_response=browse(page)
            )
        user = User(token)
        with self._restored(user) as google:
            user.subject = google.get(self._endpoints["userinfo"]).json()["sub"]
        return user, active(user.subject, token["access_token"])

    def session(self, user):
        session, _ = self._get(user, LocalApi.URL)
        return session

    def api(self, user, url):
        return self._get(user, url)

    def _get(self, user, url):
        return call(lambda: self._restored(user), url, user.subject, ERRORS)

    def _restored(self, user):
        def token_saver(token):
            user.token = token

        google = OAuth2Session(
            self._id,
            token=user.token,
            auto_refresh_url=self._endpoints["token"],
            auto_refresh_kwargs={"client_id": self._id, "client_secret": self._secret},
            token_updater=token_saver,
        )
        google.mount(LocalApi.URL, LocalApi())
        return google

    def sign_out(self, user):
        pass

    def save(self, user):
        return json.dumps(vars(user))

    def load(self, saved):
        return User(**json.loads(saved))


if __name__ == "__main__":
    serve(
        App,
        adapter="requests-oauthlib 1",
        target={
            "name": "requests-oauthlib",
            "version": version("requests-oauthlib"),
            "homepage": "https://github.com/requests/requests-oauthlib",
        },
        claims=CLAIMS,
        errors={"RefreshTokenError": [error.__name__ for error in ERRORS]},
    )
