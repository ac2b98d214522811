"""Lets Regrant drive `application.py`: one JSON object a line comes in, one goes out. Little of this has to change."""

import json
import sys
import threading
import time

from application import Application, RefreshError, User

HELLO = {
    "protocol": 1,
    "adapter": "my-adapter 1.0.0",
    # REPLACE: what is tested, as it shall be called in reports.
    "target": {"name": "my-application", "version": "0.0.0", "language": "Python"},
    # REPLACE: leave out what your application cannot do, add what it can. What is not claimed is not judged.
    "claims": ["sign_in", "sign_out", "session.error", "session.access_token", "session.concurrent",
               "refresh.on_session", "refresh.on_api", "clock.set", "actors.tab", "restart", "logs"],
    # REPLACE: the names by which your application says that a refresh has failed.
    "errors": {"RefreshTokenError": ["RefreshError"]},
}


class Browser:
    user = None


class Adapter:
    def hello(self, request):
        return HELLO

    def start(self, request):
        self.case, self.browsers = request, {}
        self.clock_ms = request["now_ms"] if request["clock"] == "set" else None
        self.application = Application(request["provider"], request["scopes"], self.now_ms)

    def now_ms(self):
        """REPLACE: let your library read this clock in place of the system's."""
        return time.time_ns() // 1_000_000 if self.clock_ms is None else self.clock_ms

    def clock(self, request):
        if self.clock_ms is not None:
            self.clock_ms = request["now_ms"]
        return {"now_ms": self.now_ms()}

    def second(self, request):
        if request["kind"] != "tab":
            raise NotImplementedError
        self.browsers[request["actor"]] = self.browser(request["of"])

    def restart(self, request):
        """REPLACE: throw your library's objects away, and make them anew from what the application has stored."""
        self.application = Application(self.case["provider"], self.case["scopes"], self.now_ms)
        for browser in self.browsers.values():
            stored = json.dumps(browser.user.saved) if browser.user and request["keep"] == "store" else None
            browser.user = User(json.loads(stored)) if stored else None

    def logs(self, request):
        return {"lines": []}  # All that is printed to stderr is read anyway.

    def stop(self, request):
        self.application, self.browsers = None, {}

    # --- what a user does; each in a thread of its own ---

    def sign_in(self, browser, request):
        browser.user = self.application.sign_in()
        return self.session(browser, request)

    def session(self, browser, request):
        user = browser.user
        if user is None:
            return {"session": {"state": "signed_out"}}
        session = {"state": "active", "subject": user.saved["subject"]}
        try:
            session["access_token"] = self.application.access_token(user)
        except RefreshError as error:
            session["error"] = type(error).__name__
        return {"session": session}

    def api(self, browser, request):
        seen = self.session(browser, request)
        if "access_token" in seen["session"]:
            seen["status"] = self.application.api(seen["session"]["access_token"], request["url"])
        return seen

    def sign_out(self, browser, request):
        browser.user = None
        return self.session(browser, request)

    # --- the protocol ---

    def browser(self, actor):
        return self.browsers.setdefault(actor, Browser())

    def serve(self):
        for line in sys.stdin:
            request = json.loads(line)
            if request["regrant"] in ("sign_in", "session", "api", "sign_out"):
                work = (request, "threw", self.browser(request["actor"]), request)
                threading.Thread(target=self.perform, args=work, daemon=True).start()
            else:
                self.perform(request, "broken", request)

    def perform(self, request, failure, *arguments):
        known = ("hello", "start", "sign_in", "session", "api", "sign_out", "clock", "second", "restart", "logs",
                 "stop")
        try:
            if request["regrant"] not in known:
                raise NotImplementedError
            answer = {"ok": getattr(self, request["regrant"])(*arguments) or {}}
        except NotImplementedError:
            answer = {"no": {"reason": "unsupported"}}
        except Exception as error:
            answer = {failure: {"message": f"{type(error).__name__}: {error}"}}
        line = json.dumps({"regrant": "answer", "id": request["id"], **answer})
        sys.stdout.write(line + "\n")  # One write: threads do not mix their lines.
        sys.stdout.flush()


Adapter().serve()
