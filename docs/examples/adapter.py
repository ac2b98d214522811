import http.client, json, sys, threading
import urllib.parse as urls
from base64 import urlsafe_b64decode

def hello(request):
    return {"protocol": 1, "adapter": "example 1.0", "target": {"name": "example", "version": "1.0"},
            "claims": ["sign_in", "clock.set", "refresh.on_session", "session.error", "session.access_token",
                       "session.concurrent"],
            "errors": {"RefreshTokenError": ["RefreshError"]}}

def start(request):
    global provider, grants, now_ms
    provider, grants, now_ms = request["provider"], {}, request["now_ms"]
    return {}

def clock(request):
    global now_ms
    now_ms = request["now_ms"]
    return {"now_ms": now_ms}

def sign_in(request):
    query = {"client_id": provider["client"]["id"], "redirect_uri": CALLBACK, "response_type": "code",
             "scope": "openid", "access_type": "offline", "prompt": "consent"}
    page = call("GET", provider["endpoints"]["authorization"] + "?" + urls.urlencode(query))
    code = urls.parse_qs(urls.urlsplit(page.headers["location"]).query)["code"][0]
    grants[request["actor"]] = tokens({"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK})
    return session(request)

def session(request):
    grant, error = grants.get(request["actor"]), None
    if grant is None:
        return {"session": {"state": "signed_out"}}
    if now_ms >= grant["expires_at"]:
        try:
            grant |= tokens({"grant_type": "refresh_token", "refresh_token": grant["refresh_token"]})
        except (OSError, KeyError, ValueError):
            error = "RefreshError"
    user = json.loads(urlsafe_b64decode(grant["id_token"].split(".")[1] + "=="))
    shown = {"error": error} if error else {"access_token": grant["access_token"]}
    return {"session": {"state": "active", "subject": user["sub"], **shown}}

def stop(request):
    return {}

CALLBACK = "http://127.0.0.1/callback"  # Nothing listens there.

def call(method, url, form=None):
    host, path = urls.urlsplit(url).netloc, url.split("/", 3)[3]
    connection = http.client.HTTPConnection(host, timeout=5)
    headers = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
    connection.request(method, "/" + path, form and urls.urlencode(form), headers)
    return connection.getresponse()

def tokens(form):
    client = {"client_id": provider["client"]["id"], "client_secret": provider["client"]["secret"]}
    answer = json.load(call("POST", provider["endpoints"]["token"], form | client))
    return {**answer, "expires_at": now_ms + 1000 * answer["expires_in"]}

VERBS = {verb.__name__: verb for verb in (hello, start, clock, sign_in, session, stop)}

def answer(request):
    verb = VERBS.get(request["regrant"])
    try:
        outcome = {"ok": verb(request)} if verb else {"no": {"reason": "unsupported"}}
    except Exception as error:
        outcome = {"threw": {"message": repr(error)}}
    sys.stdout.write(json.dumps({"regrant": "answer", "id": request["id"], **outcome}) + "\n")
    sys.stdout.flush()

for line in sys.stdin:
    threading.Thread(target=answer, args=[json.loads(line)], daemon=True).start()
