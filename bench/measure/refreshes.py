"""Refreshes a second and how long one takes, beside the floors and the peer."""

import contextlib

from measure.http_calls import MADE_UP
from measure.load import OPAQUE_SCOPE, SIGNED_SCOPE, SOME, Target, load, median_of, target_in
from measure.page import latencies, mib, progress
from measure.servers import floor, peer, provider

OURS_OPAQUE, OURS_SIGNED = "the fake Google, no id_token", "the fake Google, id_token"
FLOOR_OPAQUE, FLOOR_SIGNED = "(a) bare axum, opaque tokens", "(b) bare axum, one RS256"
PEER_SIGNED = "(c) oauth2-mock-server, id_token"

# Of requests a second: ours, theirs, the ratio that is wanted at the least.
TARGETS = [
    (OURS_OPAQUE, FLOOR_OPAQUE, 0.70),
    (OURS_SIGNED, FLOOR_SIGNED, 0.90),
    (OURS_SIGNED, PEER_SIGNED, 5.0),
]
WARM_UP_SECONDS = 1
# Rounds that differ by more than this are pointed out.
NOISY = 1.3


def refreshes(options, page):
    """Every server at every number of connections, round-robin, so that noise hits all alike."""
    runs, rss = {}, {}
    for number in range(options.rounds):
        refresh_round(options, number, runs, rss)
    medians = {key: median_of(list_) for key, list_ in runs.items()}
    page.section(
        "Refreshes",
        "`POST /token` with `grant_type=refresh_token` over HTTP/1.1 with keep-alive. `wrk -t1` shares the cores with "
        f"the server. Runs of {options.seconds} s, all servers in turn, median of {options.rounds} rounds, each with "
        f"fresh processes and {WARM_UP_SECONDS} s to warm up. No answer was an error. CPU is the server's own.",
    )
    head = ["connections", "server", "requests/s", "lowest to highest", "p50 ms", "p99 ms", "CPU µs a request"]
    page.table(head, [refresh_row(key, runs[key], medians[key]) for key in sorted(runs, key=lambda key: key[0])])
    page.say("Memory at the end of a round: " + "; ".join(f"{name}: {mib(size)}" for name, size in rss.items()) + ".")
    ratios(options, page, medians)
    spread = max(max(run.rps for run in list_) / min(run.rps for run in list_) for list_ in runs.values())
    if spread > NOISY:
        page.notes.append(f"A noisy run: rounds of one server differ by a factor of {spread:.1f}. Better repeat it.")


def refresh_round(options, number, runs, rss):
    with contextlib.ExitStack() as stack:
        targets = started(options, stack)
        for target in targets:
            progress(f"refreshes: round {number + 1}, warming up {target.name}")
            load(options, target, SOME, WARM_UP_SECONDS)
        for connections in options.connections:
            # Another one goes first in each round, so that nobody always follows the same neighbour.
            for target in turned(targets, number):
                progress(f"refreshes: round {number + 1}, {connections} connections, {target.name}")
                run = load(options, target, connections, options.seconds)
                runs.setdefault((connections, target.name), []).append(run)
        rss.update((target.name, target.server.rss_bytes()) for target in targets)


def turned(items, by):
    by %= len(items)
    return items[by:] + items[:by]


def started(options, stack):
    ours = [(OURS_OPAQUE, OPAQUE_SCOPE), (OURS_SIGNED, SIGNED_SCOPE)]
    targets = [target_in(stack.enter_context(provider(options)), name, scope) for name, scope in ours]
    others = []
    if options.floor:
        others += [(FLOOR_OPAQUE, floor(options, "opaque"), False), (FLOOR_SIGNED, floor(options, "rs256"), True)]
    if options.peer:
        others += [(PEER_SIGNED, peer(options), True)]
    for name, server, signed in others:
        stack.enter_context(server)
        targets.append(Target(name, server, server.base, MADE_UP, signed))
    return targets


def refresh_row(key, runs, median):
    connections, name = key
    lowest, highest = min(run.rps for run in runs), max(run.rps for run in runs)
    spread = f"{lowest:,.0f} to {highest:,.0f}"
    return [connections, name, f"{median.rps:,.0f}", spread, *latencies(median), f"{median.cpu_us:,.0f}"]


def ratios(options, page, medians):
    """Which targets are reached, and what a bare server reaches against the peer, which is as far as one can get."""
    for _, name, _ in TARGETS:
        if (options.connections[0], name) not in medians:
            page.say(f"Not measured: {name}.")
    rows = []
    for ours, theirs, wanted in [*TARGETS, (FLOOR_SIGNED, PEER_SIGNED, None)]:
        found = quotients(options, medians, ours, theirs)
        if found:
            rows.append(ratio_row(page, f"{ours} / {theirs}", wanted, found))
    if rows:
        page.say("Ratios of requests a second:")
        page.table(["ratio", "at least", *(f"{c} at once" for c in options.connections)], rows)


def quotients(options, medians, ours, theirs):
    """By number of connections; empty where either was not measured."""
    both = [c for c in options.connections if (c, ours) in medians and (c, theirs) in medians]
    return {c: medians[c, ours].rps / medians[c, theirs].rps for c in both}


def ratio_row(page, what, wanted, found):
    # A floor is reached to a percentage, a peer is outdone so many times.
    shown = "{:.1%}" if wanted and wanted < 1 else "{:.1f} times"
    cells = [shown.format(ratio) for ratio in found.values()]
    if wanted is None:
        return [what, "-", *cells]
    missed = [str(c) for c, ratio in found.items() if ratio < wanted]
    reached = f"not reached at {', '.join(missed)} connections" if missed else True
    page.verdict(what, f"at least {shown.format(wanted)}", f"{shown.format(min(found.values()))} at the least", reached)
    return [what, shown.format(wanted), *cells]
