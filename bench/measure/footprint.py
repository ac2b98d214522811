"""How fast the process is there, and what memory it takes: idle, and for each of many tokens."""

import statistics
import time

from measure.failure import Failure
from measure.http_calls import DISCOVERY, call, control, expect
from measure.load import SIGNED_SCOPE, sample, target_in
from measure.page import mib, progress
from measure.servers import peer, provider

STARTS = 20
START_MS = 15
IDLE_MIB = 15
TOKEN_BYTES = 1024
# Less than this holds no token: then nothing was seeded.
NO_TOKEN_BYTES = 32
SEEDED_WITHIN = 300


def seed_call(count):
    """The control call that puts `count` live refresh tokens in place: path below the control API, and body."""
    return "/realms/default/seed", {"families": [{"count": count, "for": {"scopes": [SIGNED_SCOPE]}}]}


def compared(options):
    """What starts and idles beside us."""
    servers = {"the fake Google": lambda: provider(options)}
    if options.peer:
        servers["(c) oauth2-mock-server"] = lambda: peer(options)
    return servers


def start(options, page):
    """From the start of the process to the first answer on discovery."""
    servers, times = compared(options), {}
    for number in range(STARTS):
        progress(f"start: {number + 1} of {STARTS}")
        for name, make in servers.items():
            times.setdefault(name, []).append(start_ms(make()))
    page.section("Start", f"From the start of the process to the first 200 on discovery, {STARTS} times.")
    figures = {name: (statistics.median(ms), min(ms), max(ms)) for name, ms in times.items()}
    rows = [[name, *(f"{ms:.1f} ms" for ms in found)] for name, found in figures.items()]
    page.table(["server", "median", "lowest", "highest"], rows)
    found = statistics.median(times["the fake Google"])
    page.verdict("start to first answer", f"less than {START_MS} ms", f"{found:.1f} ms", found < START_MS)


def start_ms(server):
    begun = time.perf_counter()
    with server:
        expect(200, call("GET", server.base + DISCOVERY)[0], "discovery")
        return (time.perf_counter() - begun) * 1000


def idle(options, page):
    """Resident memory after one request."""
    found = {}
    for name, make in compared(options).items():
        progress(f"idle memory: {name}")
        with make() as server:
            expect(200, call("GET", server.base + DISCOVERY)[0], "discovery")
            found[name] = server.rss_bytes()
    page.section("Memory, idle", "Resident memory (`VmRSS`) after one request.")
    page.table(["server", "memory"], [[name, mib(size)] for name, size in found.items()])
    ours = found["the fake Google"]
    page.verdict("memory, idle", f"less than {IDLE_MIB} MiB", mib(ours), ours < IDLE_MIB * 2**20)


def tokens(options, page):
    """What a live refresh token costs when there are many."""
    page.section("Memory of a live refresh token")
    with provider(options) as server:
        status, body = control(server, "PATCH", "/realms/default/policy", {"live_limit": "none"})
        expect(200, status, "lifting live_limit", body)
        target = target_in(server, "the fake Google", SIGNED_SCOPE)
        sample(target)
        before, begun = server.rss_bytes(), time.monotonic()
        progress(f"tokens: seeding {options.tokens:,}")
        path, body = seed_call(options.tokens)
        status, answer = control(server, "POST", path, body, SEEDED_WITHIN)
        if status == 404:
            page.say("Not measured: this provider cannot be seeded.")
            return
        if status not in (200, 201, 204):
            expect(200, status, "seeding", answer)
        took, after = time.monotonic() - begun, server.rss_bytes()
        sample(target)
    each = (after - before) / options.tokens
    if each < NO_TOKEN_BYTES:
        raise Failure(f"seeding was answered with {status}, but memory grew by {each:.0f} bytes a token only")
    page.say(
        f"{options.tokens:,} live refresh tokens with `openid`, seeded in {took:.1f} s: memory grew from {mib(before)} "
        f"to {mib(after)}, {each:,.0f} bytes a token."
    )
    wanted = f"less than {TOKEN_BYTES:,} bytes"
    page.verdict(f"memory a live refresh token of {options.tokens:,}", wanted, f"{each:,.0f} bytes", each < TOKEN_BYTES)
