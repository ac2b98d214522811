"""The adapter protocol for Python: what the adapters in the folders beside this one share.

An adapter defines an application class and calls `serve` with it:

    class App:
        def __init__(self, provider, scopes): ...   # a process that has just started
        def sign_in(self): ...                      # gives the user who has signed in, any object, and `active(…)`
        def session(self, user): ...                # gives `active(…)`
        def api(self, user, url): ...               # gives `active(…)` and the status, or None where no call was made
        def sign_out(self, user): ...               # before the user is forgotten
        def save(self, user): ...                   # what is stored of the user
        def load(self, saved): ...                  # the user after a restart, from what was stored

Nothing here knows a library: requests come in, each works in a thread of its own, as in any WSGI server, and answers go out.
"""

import datetime
import json
import logging
import sys
import threading
from urllib.parse import parse_qs, urlsplit

import requests
import time_machine

REDIRECT_URI = "http://127.0.0.1/callback"

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def active(subject, access_token=None, error=None):
    """A session that is signed in, as the application shows it."""
    # Whatever a library takes for a token, a header would carry as text.
    access_token = None if access_token is None else str(access_token)
    session = {"state": "active", "subject": subject, "access_token": access_token, "error": error}
    return {name: value for name, value in session.items() if value is not None}


SIGNED_OUT = {"state": "signed_out"}


def browse(url):
    """The user's browser: follows the provider's redirects up to the application's own address, and gives that."""
    with requests.Session() as browser:
        for _ in range(5):
            answer = browser.get(url, allow_redirects=False, timeout=10)
            url = requests.compat.urljoin(url, answer.headers.get("location", ""))
            if not answer.is_redirect:
                raise RuntimeError(f"the authorization page answered {answer.status_code}")
            if url.startswith(REDIRECT_URI):
                return url
    raise RuntimeError("the authorization page redirects without end")


def query(url):
    """The parameters of a URL."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


class LocalApi(requests.adapters.BaseAdapter):
    """An API within this process: shows what a library that is a `requests.Session` would send, without a request."""

    URL = "https://api.invalid/"

    def send(self, request, **_):
        answer = requests.Response()
        answer.status_code, answer.request, answer.url = 200, request, request.url
        return answer

    def close(self):
        pass


def bearer(request):
    """The access token that a request carries."""
    return request.headers["Authorization"].removeprefix("Bearer ")


def call(restored, url, subject, errors):
    """What shows when a session of the library calls a URL: `active(…)` and the status, or None where no call was made."""
    try:
        with restored() as client:
            answer = client.get(url)
    except errors as error:
        logging.getLogger("application").warning("no access token: %s", error)
        return active(subject, error=next(kind.__name__ for kind in errors if isinstance(error, kind))), None
    return active(subject, bearer(answer.request)), answer.status_code


class Browser:
    """Who is signed in there. Two tabs are one browser."""

    user = None


class Clock:
    """Stops `time` and `datetime` at an instant; the monotonic clock, sleeping and socket time-outs stay real."""

    def __init__(self):
        self._travel = None

    def set(self, now_ms):
        instant = EPOCH + datetime.timedelta(milliseconds=now_ms)
        if self._travel is None:
            self._travel = time_machine.travel(instant, tick=False)
            self._moved = self._travel.start()
        self._moved.move_to(instant)

    def release(self):
        if self._travel is not None:
            self._travel.stop()
            self._travel = None

    @staticmethod
    def now_ms():
        now = datetime.datetime.now(datetime.UTC)
        return round((now - EPOCH) / datetime.timedelta(milliseconds=1))


class Unsupported(Exception):
    """Becomes the answer `no`."""


class Adapter:
    """The application under remote control, and the answers that are still owed."""

    def __init__(self, application, hello):
        self._application = application
        self._hello = hello
        self._clock = Clock()
        self._lock = threading.Lock()
        self._owed = set()
        self._app = None
        self._browsers = {}

    def take(self, request):
        """What only moves the application's surroundings is done at once; the application works beside it."""
        with self._lock:
            self._owed.add(request["id"])
        if request["regrant"] in ("sign_in", "session", "api", "sign_out"):
            browser = self._browsers.setdefault(request["actor"], Browser())
            threading.Thread(target=self._use, args=(request, self._app, browser), daemon=True).start()
        else:
            self._arrange(request)

    def _use(self, request, app, browser):
        try:
            self._answer(request, "ok", getattr(self, f"_{request['regrant']}")(request, app, browser))
        except Exception as error:
            self._answer(request, "threw", {"message": f"{type(error).__module__}.{type(error).__name__}: {error}"})

    def _sign_in(self, request, app, browser):
        browser.user, session = app.sign_in()
        return {"session": session}

    def _session(self, request, app, browser):
        user = browser.user
        return {"session": app.session(user) if user else SIGNED_OUT}

    def _api(self, request, app, browser):
        user = browser.user
        session, status = app.api(user, request["url"]) if user else (SIGNED_OUT, None)
        return {"session": session} if status is None else {"session": session, "status": status}

    def _sign_out(self, request, app, browser):
        user, browser.user = browser.user, None
        if user:
            app.sign_out(user)
        return {"session": SIGNED_OUT}

    def _arrange(self, request):
        try:
            self._answer(request, "ok", self._carry_out(request) or {})
        except Unsupported as error:
            self._answer(request, "no", {"reason": str(error)})
        except Exception as error:
            logging.exception("the adapter failed")
            self._answer(request, "broken", {"message": f"{type(error).__name__}: {error}"})

    def _carry_out(self, request):
        match request["regrant"]:
            case "hello":
                return self._hello
            case "start":
                self._start(request)
            case "clock":
                self._clock.set(request["now_ms"])
                return {"now_ms": self._clock.now_ms()}
            case "second" if request["kind"] == "tab":
                self._browsers[request["actor"]] = self._browsers.setdefault(request["of"], Browser())
            case "second":
                raise Unsupported("there are no cookies to copy")
            case "cancel":
                # As when a client of a WSGI server hangs up: nobody waits any more, and the thread goes on.
                self._answer({"id": request["of"]}, "ok", {})
            case "restart":
                self._restart(request["keep"] == "store")
            case "logs":
                return {"lines": []}  # They are on stderr.
            case "stop":
                self._app, self._browsers = None, {}
            case _:
                raise Unsupported("there is no such verb")

    def _start(self, request):
        if request.get("clock", "set") == "set":
            self._clock.set(request["now_ms"])
        else:
            self._clock.release()
        self._new_app = lambda: self._application(request["provider"], request["scopes"])
        self._app, self._browsers = self._new_app(), {}

    def _restart(self, keep):
        app, browsers = self._new_app(), {}
        for old in set(self._browsers.values()):
            new = Browser()
            if keep and old.user:
                new.user = app.load(self._app.save(old.user))
            browsers.update({actor: new for actor, browser in self._browsers.items() if browser is old})
        self._app, self._browsers = app, browsers

    def _answer(self, request, kind, members):
        """Writes one line, unless the request has been answered by a cancel."""
        line = json.dumps({"regrant": "answer", "id": request["id"], kind: members}, separators=(",", ":"))
        with self._lock:
            if request["id"] in self._owed:
                self._owed.remove(request["id"])
                print(line, flush=True)


def serve(application, adapter, target, claims, errors):
    """Reads requests until there are no more."""
    # What the library logs at its usual level counts as the application's log.
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    target = {"language": "Python", **target}
    hello = {"protocol": 1, "adapter": adapter, "target": target, "claims": claims, "errors": errors}
    remote = Adapter(application, hello)
    for line in sys.stdin:
        remote.take(json.loads(line))
