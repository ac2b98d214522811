"""The fake Google as a child process, and its realms as seen from outside."""

import atexit
import json
import os
import subprocess
import threading
from functools import partial
from urllib.parse import parse_qs, urlsplit

import google.auth.transport.requests
import requests
from google_auth_oauthlib.flow import Flow

# No single step may take longer, in seconds.
PATIENCE = 10

SCOPES = ["openid", "https://www.googleapis.com/auth/userinfo.email"]

# oauthlib speaks to nothing but HTTPS unless it is told so.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

# What the library sends its requests with.
transport = partial(google.auth.transport.requests.Request(), timeout=PATIENCE)


class Fake:
    def __init__(self):
        program = os.environ.get("MOCK_PROVIDER")
        if not program:
            raise RuntimeError("MOCK_PROVIDER has to hold the path of the mock-provider binary")
        self._child = subprocess.Popen([program, "--port", "0"], stdout=subprocess.PIPE)
        # Where the tests end without `stop`, the child must not outlive them.
        atexit.register(self._child.kill)
        # Without a ready line in time the child is killed, and the line is empty.
        watchdog = threading.Timer(PATIENCE, self._child.kill)
        watchdog.start()
        line = self._child.stdout.readline()
        watchdog.cancel()
        if not line:
            raise RuntimeError("mock-provider ended before it was ready")
        self._ready = json.loads(line)

    def realm(self, name):
        return Realm(f"{self._ready['issuer']}/r/{name}", f"{self._ready['control']}/realms/{name}")

    def stop(self):
        self._child.terminate()
        self._child.wait(PATIENCE)
        self._child.stdout.close()


class Realm:
    def __init__(self, issuer, control):
        self.issuer = issuer
        self._control = control

    def get(self, path):
        """Reads from the control API."""
        return self._read(requests.get(f"{self._control}/{path}", timeout=PATIENCE))

    def post(self, path, body=None):
        """Changes something through the control API."""
        return self._read(requests.post(f"{self._control}/{path}", json=body or {}, timeout=PATIENCE))

    @staticmethod
    def _read(answer):
        answer.raise_for_status()
        return answer.json()

    def client(self):
        """Id and secret of the realm's client."""
        client = self.get("clients")[0]
        return client["id"], client["secret"]

    def flow(self):
        """The library's sign-in with both endpoints set to this realm."""
        client_id, client_secret = self.client()
        config = {
            "client_id": client_id,
            "client_secret": client_secret,
            "auth_uri": f"{self.issuer}/o/oauth2/v2/auth",
            "token_uri": f"{self.issuer}/token",
        }
        return Flow.from_client_config({"web": config}, SCOPES, redirect_uri="http://127.0.0.1/callback")

    def sign_in(self):
        """Signs in with PKCE, which the library does by itself, and gives the credentials."""
        flow = self.flow()
        flow.fetch_token(code=authorize(flow), timeout=PATIENCE)
        return flow.credentials

    def token_info(self, token):
        """What the fake knows of an access token."""
        return requests.get(f"{self.issuer}/tokeninfo", params={"access_token": token}, timeout=PATIENCE)

    def grants(self):
        """What the grants at the token endpoint were so far, in order."""
        entries = self.get("journal?since=0")["entries"]
        return [entry["params"]["grant_type"] for entry in entries if entry["endpoint"] == "token"]


def authorize(flow):
    """Visits the authorize page as a browser would, up to the redirect to the application, and takes the code."""
    url, state = flow.authorization_url()
    answer = requests.get(url, allow_redirects=False, timeout=PATIENCE)
    assert answer.status_code == 302, answer.text
    callback = answer.headers["location"]
    assert callback.startswith(flow.redirect_uri), callback
    query = parse_qs(urlsplit(callback).query)
    assert query["state"] == [state], callback
    return query["code"][0]
