"""Google's libraries for Python, unmodified, against the fake."""

import json
import unittest

import jwt
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from fake import PATIENCE, SCOPES, Fake, authorize, transport
from google.auth.exceptions import InvalidValue, MalformedError, RefreshError
from google.auth.transport.requests import AuthorizedSession
from google.oauth2 import id_token, service_account
from google.oauth2.credentials import Credentials
from oauthlib.oauth2.rfc6749.errors import InvalidGrantError

fake = None


def setUpModule():
    global fake
    fake = Fake()
    unittest.addModuleCleanup(fake.stop)


def assert_dead(test, credentials):
    """A refresh fails with the library's own error, which holds Google's answer."""
    with test.assertRaises(RefreshError) as caught:
        credentials.refresh(transport)
    text, answer = caught.exception.args
    test.assertEqual(text, "invalid_grant: Token has been expired or revoked.")
    expected = {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
    test.assertEqual(answer, expected)
    test.assertFalse(caught.exception.retryable)


class SignIn(unittest.TestCase):
    def test_signs_in_with_pkce(self):
        realm = fake.realm("sign-in")
        credentials = realm.sign_in()
        self.assertTrue(credentials.valid)
        self.assertRegex(credentials.token, r"^ya29\.")
        self.assertRegex(credentials.refresh_token, r"^1//")
        self.assertEqual(set(credentials.granted_scopes), set(SCOPES))
        self.assertEqual(realm.grants(), ["authorization_code"])

    def test_the_long_name_of_the_email_scope_gives_the_address(self):
        # With the short name this library refuses the answer: the scopes that Google grants are the long ones.
        token = fake.realm("email").sign_in().id_token
        self.assertEqual(jwt.decode(token, options={"verify_signature": False})["email"], "ada@example.com")

    def test_a_code_is_worth_nothing_with_another_verifier(self):
        flow = fake.realm("verifier").flow()
        code = authorize(flow)
        flow.code_verifier = "x" * 43
        with self.assertRaisesRegex(InvalidGrantError, "Invalid code verifier."):
            flow.fetch_token(code=code, timeout=PATIENCE)


class Refresh(unittest.TestCase):
    def test_refreshes_when_the_access_token_has_run_out(self):
        realm = fake.realm("refresh")
        credentials = realm.sign_in()
        first, refresh_token = credentials.token, credentials.refresh_token
        realm.post("clock", {"advance": "1h"})
        self.assertEqual(realm.token_info(first).status_code, 400)

        credentials.refresh(transport)
        self.assertNotEqual(credentials.token, first)
        self.assertEqual(credentials.refresh_token, refresh_token)
        self.assertEqual(realm.token_info(credentials.token).status_code, 200)

    def test_a_request_that_is_answered_401_refreshes_and_is_sent_again(self):
        realm = fake.realm("unauthorized")
        session = AuthorizedSession(realm.sign_in())
        self.addCleanup(session.close)
        realm.post("clock", {"advance": "1h"})
        answer = session.get(f"{realm.issuer}/v1/userinfo", timeout=PATIENCE)
        self.assertEqual(answer.json()["sub"], realm.get("users")[0]["sub"])
        self.assertEqual(realm.grants(), ["authorization_code", "refresh_token"])

    def test_stored_credentials_refresh_once_they_are_told_where(self):
        realm = fake.realm("stored")
        stored = realm.sign_in().to_json(strip=["token"])
        self.assertIn(f"{realm.issuer}/token", stored)
        # from_authorized_user_info always puts Google's own endpoint in place of what was stored.
        loaded = Credentials.from_authorized_user_info(json.loads(stored))
        self.assertEqual(loaded.token_uri, "https://oauth2.googleapis.com/token")
        credentials = loaded.with_token_uri(f"{realm.issuer}/token")
        credentials.refresh(transport)
        self.assertEqual(realm.token_info(credentials.token).status_code, 200)


class Revocation(unittest.TestCase):
    def test_a_refresh_fails_when_the_user_has_taken_the_grant_back(self):
        realm = fake.realm("taken-back")
        credentials = realm.sign_in()
        realm.post("revoke", {"token": "rt#1"})
        assert_dead(self, credentials)

    def test_revoking_the_access_token_takes_the_refresh_token_with_it(self):
        realm = fake.realm("revoke")
        credentials = realm.sign_in()
        # The library has no call for this; Google's guide for Python shows these lines.
        answer = requests.post(
            f"{realm.issuer}/revoke",
            params={"token": credentials.token},
            headers={"content-type": "application/x-www-form-urlencoded"},
            timeout=PATIENCE,
        )
        self.assertEqual(answer.status_code, 200)
        assert_dead(self, credentials)


class IdTokens:
    """verify_token with one form of the published keys: a subclass says which, and how the library refuses then."""

    def setUp(self):
        self.realm = fake.realm(f"{type(self).__name__}-{self._testMethodName}".lower())
        self.client_id, _ = self.realm.client()

    def verify(self, token, audience=None):
        certs_url = f"{self.realm.issuer}{self.path}"
        return id_token.verify_token(token, transport, audience=audience or self.client_id, certs_url=certs_url)

    def verify_new(self, **options):
        return self.verify(self.realm.sign_in().id_token, **options)

    def script(self, signature):
        self.realm.post("replies", {"to": "token", "with": {"id_token": {"signature": signature}}})

    def test_an_id_token_verifies(self):
        claims = self.verify_new()
        # verify_token leaves the issuer to its caller.
        self.assertEqual(claims["iss"], self.realm.issuer)
        self.assertEqual(claims["aud"], self.client_id)
        self.assertEqual(claims["sub"], self.realm.get("users")[0]["sub"])

    def test_another_audience_is_refused(self):
        with self.assertRaisesRegex(*self.wrong_audience):
            self.verify_new(audience="somebody-else")

    def test_a_broken_signature_is_refused(self):
        self.script("broken")
        with self.assertRaisesRegex(*self.broken):
            self.verify_new()
        self.verify_new()

    def test_no_signature_is_refused(self):
        self.script("none")
        with self.assertRaisesRegex(*self.unsigned):
            self.verify_new()

    def test_one_that_has_run_out_is_refused(self):
        self.realm.post("clock", {"back": "2h"})
        with self.assertRaisesRegex(*self.late):
            self.verify_new()

    def test_one_from_the_future_is_refused(self):
        self.realm.post("clock", {"advance": "1h"})
        with self.assertRaisesRegex(*self.early):
            self.verify_new()

    def test_a_rotated_key_verifies(self):
        before = self.realm.sign_in().id_token
        self.realm.post("keys/rotate")
        after = self.realm.sign_in().id_token
        kids = {jwt.get_unverified_header(token)["kid"] for token in [before, after]}
        self.assertEqual(len(kids), 2)
        self.verify(before)
        self.verify(after)


class IdTokensByCertificate(IdTokens, unittest.TestCase):
    """The library's default form."""

    path = "/oauth2/v1/certs"
    wrong_audience = InvalidValue, "Token has wrong audience"
    broken = MalformedError, "Could not verify token signature"
    unsigned = InvalidValue, "Unsupported signature algorithm none"
    late = InvalidValue, "Token expired"
    early = InvalidValue, "Token used too early"


class IdTokensByJwk(IdTokens, unittest.TestCase):
    """The library leaves these to PyJWT."""

    path = "/oauth2/v3/certs"
    wrong_audience = jwt.InvalidAudienceError, "Audience doesn't match"
    broken = jwt.InvalidSignatureError, "Signature verification failed"
    unsigned = jwt.PyJWKClientError, "Unable to find a signing key"
    late = jwt.ExpiredSignatureError, "Signature has expired"
    early = jwt.ImmatureSignatureError, "not yet valid"


class ServiceAccounts(unittest.TestCase):
    scope = "https://www.googleapis.com/auth/devstorage.read_only"
    audience = "https://service.example.com"

    def key_file(self, realm):
        info = realm.get("service_accounts")[0]
        self.assertEqual(info["token_uri"], f"{realm.issuer}/token")
        return info

    def test_gets_an_access_token(self):
        realm = fake.realm("robot")
        info = self.key_file(realm)
        credentials = service_account.Credentials.from_service_account_info(info, scopes=[self.scope])
        credentials.refresh(transport)
        self.assertTrue(credentials.valid)
        self.assertEqual(realm.token_info(credentials.token).json()["scope"], self.scope)

    def test_a_foreign_key_is_refused(self):
        info = self.key_file(fake.realm("robot-foreign-key"))
        foreign = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        info["private_key"] = foreign.private_bytes(*pem).decode()
        credentials = service_account.Credentials.from_service_account_info(info, scopes=[self.scope])
        with self.assertRaises(RefreshError) as caught:
            credentials.refresh(transport)
        self.assertEqual(caught.exception.args[0], "invalid_grant: Invalid JWT Signature.")

    def test_gets_an_id_token(self):
        realm = fake.realm("robot-id-token")
        info = self.key_file(realm)
        credentials = service_account.IDTokenCredentials.from_service_account_info(
            info, target_audience=self.audience
        )
        credentials.refresh(transport)
        certs_url = info["auth_provider_x509_cert_url"]
        claims = id_token.verify_token(
            credentials.token, transport, audience=self.audience, certs_url=certs_url
        )
        self.assertEqual(claims["email"], info["client_email"])
        self.assertEqual(claims["iss"], realm.issuer)


if __name__ == "__main__":
    unittest.main()
