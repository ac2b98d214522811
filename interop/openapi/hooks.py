"""What schemathesis cannot know of the control API: which names there are, and what would take too long."""

import copy
import re
import threading
import zlib
from contextlib import suppress

import requests
import schemathesis

# No single request on the side may take longer, in seconds.
PATIENCE = 5

# These wait in real time, half a minute unless told otherwise; their answer is the same after a moment.
WAITS = ("parked/wait", "journal/wait")
MOMENT = "20ms"

# One call may seed two million families of ten thousand generations, for load tests. So many are enough here.
MOST_SEEDED = 40

LENGTH = re.compile(r"[0-9]{1,20}(ms|s|m|h|d)")
# HTTP clients would take `.` and `..` out of the URLs on the side.
REALM = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9_.-]{1,200}")

CALLBACK = {"redirect_uri": "http://127.0.0.1/callback"}
WEB = {"id": "100-web.apps.googleusercontent.com", "secret": "made-up", "redirect_uris": [CALLBACK["redirect_uri"]]}
TV = {"id": "100-tv.apps.googleusercontent.com", "secret": "made-up-too", "kind": "tv"}
ADA = {"sub": "1", "email": "ada@example.com", "given_name": "Ada", "family_name": "Example"}
BOB = {"sub": "2", "email": "bob@example.com", "given_name": "Bob", "family_name": "Example", "hd": "example.com"}
ROBOT = {"email": "robot@example.com", "unique_id": "3"}
TOKENS = ["rt#1", "rt#2", "at#1", "at#2", "code#1"]

http = requests.Session()


def told(method, url, body=None):
    answer = http.request(method, url, json=body, timeout=PATIENCE)
    answer.raise_for_status()
    return answer.json()


class LivedIn:
    """A realm in which all sorts of things have happened, to be put wherever an answer shall have something to tell."""

    def __init__(self, control):
        self._control = control
        issuer = self._new("lived-in")
        realm = f"{control}/realms/lived-in"
        told("POST", f"{realm}/service_accounts", ROBOT)
        ada, bob = ({"client": WEB["id"], "user": user["sub"]} for user in (ADA, BOB))
        ends = ["revoked", "password_changed", "reuse_detected", "evicted", "expired"]
        families = [{"for": ada, "generation": 2, "access_left": "1h"}, {"for": bob, "left": "1h", "idle": "1m"}]
        seeded = {
            "families": families + [{"for": ada, "end": end} for end in ends],
            "access_tokens": [{"for": ada, "left": "0s"}],
            "codes": [{"for": ada} | CALLBACK],
        }
        self._visit(issuer, told("POST", f"{realm}/seed", seeded))
        asked = {"client_id": TV["id"], "scope": "email"}
        self.user_code = http.post(f"{issuer}/device/code", data=asked, timeout=PATIENCE).json()["user_code"]
        busy = {"status": 503, "headers": {"x-made-up": "yes"}, "retry_after": {"seconds": 1}, "delay": "0s"}
        for_a_while = {"during": {"from_now": "1h", "lasts": "1h"}, "chance": {"percent": 50}}
        told("POST", f"{realm}/replies", {"to": "token", "grant": "refresh_token", "with": busy} | for_a_while)
        told("POST", f"{realm}/replies", {"to": "revoke", "nth": 9, "with": {"fault": {"stall": 0}}})
        self.snapshot = told("GET", f"{realm}/snapshot")

    def _new(self, name):
        http.delete(f"{self._control}/realms/{name}", timeout=PATIENCE)
        options = {"clients": [WEB, TV], "users": [ADA, BOB], "frozen_at_ms": 1_800_000_000_000}
        return told("POST", f"{self._control}/realms", {"name": name, "options": options})["issuer"]

    @staticmethod
    def _visit(issuer, seeded):
        """Requests of many sorts, good and bad, for the journal; what they are answered is not looked at."""
        client = {"client_id": WEB["id"], "client_secret": WEB["secret"]}
        refresh = [token["value"] for token in seeded["families"][0]["refresh_tokens"]]
        access = seeded["families"][0]["access_token"]["value"]
        asked = {"client_id": WEB["id"], "response_type": "code", "scope": "openid email", "access_type": "offline"}
        code = {"grant_type": "authorization_code", "code": seeded["codes"][0]["value"]}

        def visit(method, path, **more):
            http.request(method, issuer + path, timeout=PATIENCE, allow_redirects=False, **more)

        visit("GET", "/o/oauth2/v2/auth", params=asked | CALLBACK)
        visit("POST", "/token", data=client | code | CALLBACK)
        for token in [*refresh, "nothing"]:
            visit("POST", "/token", data=client | {"grant_type": "refresh_token", "refresh_token": token})
        visit("POST", "/token", params={"refresh_token": refresh[0]}, auth=("a", "b"), data={"grant_type": ["a", "b"]})
        visit("GET", "/v1/userinfo", headers={"authorization": f"Bearer {access}", "cookie": "a=b"})
        visit("GET", "/tokeninfo", params={"access_token": access})
        visit("GET", "/oauth2/v3/certs")
        visit("POST", "/revoke", data={"token": access})

    def put(self, name):
        """Makes the realm of this name one like this, and gives its issuer."""
        issuer = self._new(name)
        told("PUT", f"{self._control}/realms/{name}/snapshot", self.snapshot)
        return issuer


def park(realm, issuer):
    """Has one request parked, and gives its number."""

    def visit():
        # It ends with the realm or after a while, and either is fine.
        with suppress(requests.RequestException):
            requests.get(f"{issuer}/oauth2/v3/certs", timeout=PATIENCE)

    told("POST", f"{realm}/holds", {"to": "jwks"})
    threading.Thread(target=visit, daemon=True).start()
    return told("POST", f"{realm}/parked/wait", {"count": 1, "within": "5s"})["parked"][0]


class Bounds:
    """Keeps a call short. What is to be refused stays as it is."""

    @staticmethod
    def wait(body):
        within = body.get("within", MOMENT)
        if isinstance(within, str) and LENGTH.fullmatch(within):
            body["within"] = MOMENT

    @staticmethod
    def seed(body):
        families = body.get("families")
        for family in families if isinstance(families, list) else []:
            for member in ("count", "generation"):
                number = family.get(member) if isinstance(family, dict) else None
                if isinstance(number, int) and MOST_SEEDED < number < 2**32:
                    family[member] = number % MOST_SEEDED + 1


class Names:
    """Puts names that a lived-in realm knows where others stand. What is to be refused stays as it is."""

    def __init__(self, choice, parked):
        self._choice = choice
        self._parked = parked
        self.user = self._one_of([ADA["sub"], BOB["email"]])
        self.client = self._one_of([WEB["id"], TV["id"]])
        self.token = self._one_of(TOKENS)

    def _one_of(self, names):
        return names[self._choice % len(names)]

    @staticmethod
    def _put(holder, **names):
        for name, known in names.items():
            if isinstance(holder, dict) and isinstance(holder.get(name), str):
                holder[name] = known

    def into(self, call, body):
        if call in ("revoke", "expire"):
            self._put(body, token=self.token)
        elif call in ("authorize", "holds"):
            self._put(body, user=self.user, client=self.client)
        elif call == "device":
            self._put(body, user_code=lived_in.user_code, user=self.user)
        elif call == "seed":
            for seeded in [one for many in body.values() if isinstance(many, list) for one in many]:
                self._put(seeded.get("for") if isinstance(seeded, dict) else None, user=self.user, client=self.client)
        elif call == "events":
            self._into_event(body)
        elif call == "replies":
            self._into_reply(body)
        elif call == "release" and isinstance(body.get("order"), list):
            # The number of the one request that waits; a second time it would no longer wait.
            body["order"] = [self._parked if type(number) is int else number for number in body["order"][:1]]

    def _into_event(self, event):
        for name, about in event.items():
            robot, client = name.startswith("service_account"), name.startswith(("client", "secret"))
            self._put(event, **{name: ROBOT["email"] if robot else self.client if client else self.user})
            self._put(about, user=self.user, client=self.client)

    def _into_reply(self, reply):
        """Few members of an answer go together, so all but one are left out; and no number is out of range."""
        self._put(reply, user=self.user)
        reply.update({name: 1 for name in ("nth", "times") if reply.get(name) == 0})
        chance, answer = reply.get("chance"), reply.get("with")
        if isinstance(chance, dict) and chance.get("percent") in range(256):
            chance["percent"] = chance["percent"] % 100 + 1
        answer = answer if isinstance(answer, dict) else {}
        said = {name: value for name, value in answer.items() if value not in (None, [], {})}
        if said.get("status") in range(2**16):
            said["status"] = 503
        if said:
            name = self._one_of(sorted(said))
            reply["with"] = {name: said[name]}


lived_in = None


@schemathesis.hook
def before_call(context, case, kwargs):
    global lived_in
    control, call = case.operation.base_url, case.path.removeprefix("/realms/{realm}/")
    lived_in = lived_in or LivedIn(control)
    body = copy.deepcopy(case.body)
    # Made of the case, so that it comes out the same when schemathesis sends the case again.
    choice = zlib.crc32(repr((case.method, case.path, case.path_parameters, case.query, body)).encode(errors="replace"))
    if isinstance(body, dict) and call in WAITS:
        Bounds.wait(body)
    if isinstance(body, dict) and call == "seed":
        Bounds.seed(body)
    # Half of the cases meet a lived-in realm, the others what earlier ones have left.
    realm = case.path_parameters.get("realm", "")
    if choice % 2 and REALM.fullmatch(str(realm)):
        issuer = lived_in.put(realm)
        parked = park(f"{control}/realms/{realm}", issuer) if call in ("parked", "parked/wait", "release") else None
        if call == "snapshot" and body == {}:
            body = lived_in.snapshot
        elif isinstance(body, dict):
            Names(choice >> 1, parked).into(call, body)
    # A new realm needs a name that is free.
    if choice % 2 and call == "/realms" and isinstance(body, dict) and isinstance(body.get("name"), str):
        body["name"] = f"new-{choice}"
        http.delete(f"{control}/realms/new-{choice}", timeout=PATIENCE)
    if body != case.body:
        case.body = body
