"""The adapter for google-auth, with the sign-in of google-auth-oauthlib, as Google's guide for web servers uses them."""

import json
import logging
import os
from importlib.metadata import version

import google.oauth2.credentials
from google.auth.exceptions import RefreshError, TransportError
from google.auth.transport.requests import AuthorizedSession, Request
from google.oauth2 import id_token
from google.oauth2.credentials import Credentials
from google_auth_oauthlib.flow import Flow
from regrant_adapter import REDIRECT_URI, active, browse, serve

# As the guide has it: http on this machine, and scopes that Google writes in another way than they were asked for.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
os.environ["OAUTHLIB_RELAX_TOKEN_SCOPE"] = "1"

# `TransportError` is how the library says that the provider was not reached.
ERRORS = (RefreshError, TransportError)

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

log = logging.getLogger("application")


class User:
    def __init__(self, subject, credentials):
        self.subject = subject
        self.credentials = credentials
        self.saved = None


class App:
    def __init__(self, provider, scopes):
        self._scopes = scopes
        endpoints = provider["endpoints"]
        self._client = {
            "client_id": provider["client"]["id"],
            "client_secret": provider["client"]["secret"],
            "auth_uri": endpoints["authorization"],
            "token_uri": endpoints["token"],
        }
        # The addresses of Google that the library has built in.
        google.oauth2.credentials._GOOGLE_OAUTH2_TOKEN_ENDPOINT = endpoints["token"]
        id_token._GOOGLE_OAUTH2_CERTS_URL = f"{provider['issuer']}/oauth2/v1/certs"
        id_token._GOOGLE_ISSUERS = [provider["issuer"]]

    def sign_in(self):
        flow = Flow.from_client_config({"web": self._client}, self._scopes, redirect_uri=REDIRECT_URI)
        page, _ = flow.authorization_url(access_type="offline", prompt="consent")
        flow.fetch_token(authorization_response=browse(page))
        credentials = flow.credentials
        claims = id_token.verify_oauth2_token(credentials.id_token, Request(), self._client["client_id"])
        user = User(claims["sub"], credentials)
        self._remember(user)
        return user, active(user.subject, credentials.token)

    def session(self, user):
        try:
            if not user.credentials.valid:
                user.credentials.refresh(Request())
        except ERRORS as error:
            return self._failed(user, error)
        self._remember(user)
        return active(user.subject, user.credentials.token)

    def api(self, user, url):
        try:
            with AuthorizedSession(user.credentials) as session:
                answer = session.get(url)
        except ERRORS as error:
            return self._failed(user, error), None
        self._remember(user)
        return active(user.subject, user.credentials.token), answer.status_code

    def sign_out(self, user):
        pass

    def save(self, user):
        return {"subject": user.subject, "credentials": user.saved}

    def load(self, saved):
        user = User(saved["subject"], Credentials.from_authorized_user_info(json.loads(saved["credentials"])))
        self._remember(user)
        return user

    @staticmethod
    def _remember(user):
        """The guide stores the credentials after each use, as they may have changed; the quickstart, in this form."""
        user.saved = user.credentials.to_json()

    @staticmethod
    def _failed(user, error):
        log.warning("no access token: %s", error)
        return active(user.subject, error=type(error).__name__)


if __name__ == "__main__":
    serve(
        App,
        adapter="google-auth 1",
        target={
            "name": "google-auth",
            "version": version("google-auth"),
            "homepage": "https://github.com/googleapis/google-auth-library-python",
        },
        claims=CLAIMS,
        errors={"RefreshTokenError": [error.__name__ for error in ERRORS]},
    )
