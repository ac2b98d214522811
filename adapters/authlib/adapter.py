"""The adapter for Authlib: OAuth2Session with requests, as its documentation shows it."""

import logging
from importlib.metadata import version

import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet
from regrant_adapter import REDIRECT_URI, LocalApi, active, browse, call, serve
from requests import RequestException

# A status of 500 and above, and a provider that is not reached, come out as the errors of requests.
ERRORS = (OAuthError, RequestException)

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
    "revocation",
    "logs",
]

log = logging.getLogger("application")


class Item:
    """A row of the documentation's table of tokens, and the subject beside it."""

    def __init__(self, subject, token_type, access_token, refresh_token, expires_at):
        self.subject = subject
        self.token_type = token_type
        self.access_token = access_token
        self.refresh_token = refresh_token
        self.expires_at = expires_at

    def to_token(self):
        return {
            "access_token": self.access_token,
            "token_type": self.token_type,
            "refresh_token": self.refresh_token,
            "expires_at": self.expires_at,
        }


class App:
    def __init__(self, provider, scopes):
        self._issuer = provider["issuer"]
        self._endpoints = provider["endpoints"]
        self._client = provider["client"]["id"], provider["client"]["secret"]
        self._scope = " ".join(scopes)

    def sign_in(self):
        verifier, nonce = generate_token(48), generate_token()
        options = {"scope": self._scope, "redirect_uri": REDIRECT_URI, "code_challenge_method": "S256"}
        with OAuth2Session(*self._client, **options) as client:
            page, state = client.create_authorization_url(
                self._endpoints["authorization"],
                code_verifier=verifier,
                nonce=nonce,
                access_type="offline",
                prompt="consent",
            )
            token = client.fetch_token(
                self._endpoints["token"], authorization_response=browse(page), state=state, code_verifier=verifier
            )
        subject = self._subject(token["id_token"], nonce)
        item = Item(
            subject, token["token_type"], token["access_token"], token.get("refresh_token"), token["expires_at"]
        )
        return item, active(subject, token["access_token"])

    def _subject(self, id_token, nonce):
        keys = KeySet.import_key_set(requests.get(self._endpoints["jwks"]).json())
        token = jwt.decode(id_token, keys)
        options = {"iss": {"values": [self._issuer]}, "aud": {"values": [self._client[0]]}}
        claims = CodeIDToken(token.claims, token.header, options, {"nonce": nonce, "client_id": self._client[0]})
        claims.validate()
        return claims["sub"]

    def session(self, item):
        session, _ = self._get(item, LocalApi.URL)
        return session

    def api(self, item, url):
        return self._get(item, url)

    def _get(self, item, url):
        return call(lambda: self._restored(item), url, item.subject, ERRORS)

    def _restored(self, item):
        def update_token(token, refresh_token=None, access_token=None):
            item.access_token = token["access_token"]
            item.refresh_token = token.get("refresh_token")
            item.expires_at = token["expires_at"]

        token_endpoint = self._endpoints["token"]
        client = OAuth2Session(
            *self._client, token=item.to_token(), token_endpoint=token_endpoint, update_token=update_token
        )
        client.mount(LocalApi.URL, LocalApi())
        return client

    def sign_out(self, item):
        try:
            with self._restored(item) as client:
                client.revoke_token(self._endpoints["revocation"])
        except ERRORS as error:
            log.warning("not revoked: %s", error)

    def save(self, item):
        return vars(item).copy()

    def load(self, saved):
        return Item(**saved)


if __name__ == "__main__":
    serve(
        App,
        adapter="authlib 1",
        target={"name": "Authlib", "version": version("Authlib"), "homepage": "https://authlib.org"},
        claims=CLAIMS,
        errors={"RefreshTokenError": [error.__name__ for error in ERRORS]},
    )
