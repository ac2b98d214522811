"""What refreshes and memory do as the number of realms grows."""

import contextlib
import http.client
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from measure.http_calls import DISCOVERY, call, control, expect, json_of, sign_in
from measure.load import OPAQUE_SCOPE, SOME, Target, load, median_of
from measure.page import latencies, mib, progress
from measure.servers import Server, provider

# What still counts as flat: the noise of a busy machine is about this large.
FLAT = 1.25


@dataclass
class Realms:
    """A provider with so many realms, one of which is under load."""

    count: int
    server: Server
    grown: int
    runs: list = field(default_factory=list)


def realms(options, page):
    """One provider for each number of realms, all of them at once, loaded in turn."""
    with contextlib.ExitStack() as stack:
        grown = [with_realms(options, stack, count) for count in options.realms]
        for number in range(options.rounds):
            for one in grown:
                progress(f"realms: round {number + 1}, {one.count:,} realms")
                one.runs.append(load_realm(options, one.server))
    page.section(
        "Many realms",
        f"Realms made by their first use. Then refreshes without an id_token in one of them, {SOME} connections, "
        f"{options.seconds} s, median of {options.rounds} rounds.",
    )
    head = ["realms", "memory for them", "memory a realm", "requests/s", "p50 ms", "p99 ms"]
    page.table(head, [realms_row(one, median_of(one.runs)) for one in grown])
    flat_latency(page, grown[0], grown[-1])
    flat_memory(page, [one for one in grown if one.count > 1])


def with_realms(options, stack, count):
    progress(f"realms: making {count:,}")
    server = stack.enter_context(provider(options))
    expect(200, call("GET", server.base + DISCOVERY)[0], "discovery")
    before = server.rss_bytes()
    parts = urlsplit(server.base)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    with contextlib.closing(connection):
        for number in range(count):
            connection.request("GET", f"/r/bench-{number}{DISCOVERY}")
            answer = connection.getresponse()
            body = answer.read()
            expect(200, answer.status, f"realm {number}", body)
    return Realms(count, server, server.rss_bytes() - before)


def load_realm(options, server):
    """A run in one realm, which has forgotten the tokens of the run before."""
    status, body = control(server, "POST", "/realms/bench-0/reset")
    if status not in (200, 204):
        expect(200, status, "reset", body)
    status, body = control(server, "GET", "/realms/bench-0/clients")
    expect(200, status, "clients", body)
    client = json_of(body, "clients")[0]
    base = f"{server.base}/r/bench-0"
    grant = sign_in(base, client["id"], client["secret"], OPAQUE_SCOPE)
    target = Target("a realm among many", server, base, grant, False)
    return load(options, target, SOME, options.seconds)


def realms_row(one, median):
    each = f"{one.grown / one.count / 1024:.1f} KiB" if one.count > 1 else "-"
    return [f"{one.count:,}", mib(one.grown), each, f"{median.rps:,.0f}", *latencies(median)]


def flat_latency(page, few, many):
    if many.count == few.count:
        return
    first, last = median_of(few.runs), median_of(many.runs)
    for name in ("p50", "p99"):
        ratio = getattr(last, f"{name}_ms") / max(getattr(first, f"{name}_ms"), 0.001)
        what = f"{name} of a refresh, {many.count:,} realms / {few.count:,}"
        page.verdict(what, f"flat: at most {FLAT} times", f"{ratio:.2f} times", ratio <= FLAT)


def flat_memory(page, grown):
    if len(grown) < 2:
        return
    few, many = grown[0], grown[-1]
    ratio = (many.grown / many.count) / max(few.grown / few.count, 1)
    what = f"memory a realm, {many.count:,} realms / {few.count:,}"
    page.verdict(what, f"flat: at most {FLAT} times", f"{ratio:.2f} times", ratio <= FLAT)
