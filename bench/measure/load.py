"""One run of wrk against one token endpoint, and what makes it count."""

import json
import os
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from measure.failure import Failure
from measure.http_calls import FORM, Grant, call, expect, json_of, sign_in
from measure.servers import Server

SCRIPT = Path(__file__).resolve().parent.parent / "token.lua"

# What is asked for decides whether a refresh brings an id_token.
OPAQUE_SCOPE = "https://www.googleapis.com/auth/drive"
SIGNED_SCOPE = "openid"

# Connections where only one number of them is tried.
SOME = 16


@dataclass
class Target:
    """A token endpoint under load."""

    name: str
    server: Server
    base: str
    grant: Grant
    signed: bool

    @property
    def url(self):
        return self.base + "/token"


def target_in(server, name, scope):
    """The fake Google's default realm, signed in."""
    client = server.ready["client_id"], server.ready["client_secret"]
    return Target(name, server, server.base, sign_in(server.base, *client, scope), scope == SIGNED_SCOPE)


@dataclass
class Run:
    """The figures of one run."""

    rps: float
    p50_ms: float
    p99_ms: float
    cpu_us: float


def sample(target):
    """One refresh that is looked at: the length of an answer that is as it should be."""
    status, _, body = call("POST", target.url, urlencode(target.grant.form()), FORM)
    expect(200, status, target.name, body)
    answer = json_of(body, target.name)
    if not answer.get("access_token") or bool(answer.get("id_token")) != target.signed:
        raise Failure(f"{target.name}: not the answer that is to be measured: it has {', '.join(answer)}")
    return len(body)


def load(options, target, connections, seconds):
    """A run; a single failed request spoils it."""
    length, before = sample(target), target.server.cpu_seconds()
    figures = wrk(options, target, connections, seconds)
    what = f"{target.name}, {connections} connections"
    if figures["not_200"] or figures["broken"] or figures["timeouts"]:
        raise Failure(f"{what}: errors in a run: {figures}")
    if not figures["requests"] or figures["bytes"] / figures["requests"] < length:
        raise Failure(f"{what}: the answers are shorter than the one that was looked at")
    cpu = target.server.cpu_seconds() - before
    return Run(figures["rps"], figures["p50_ms"], figures["p99_ms"], cpu * 1e6 / figures["requests"])


def wrk(options, target, connections, seconds):
    variables = {
        "TOKEN_CLIENT_ID": target.grant.client_id,
        "TOKEN_CLIENT_SECRET": target.grant.secret,
        "TOKEN_REFRESH_TOKEN": target.grant.refresh_token,
    }
    argv = [options.wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(SCRIPT), target.url]
    try:
        done = subprocess.run(
            argv, env={**os.environ, **variables}, capture_output=True, text=True, timeout=seconds + 30, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise Failure(f"{target.name}: wrk does not end") from error
    last = done.stdout.strip().rpartition("\n")[2]
    if done.returncode or not last.startswith("{"):
        raise Failure(f"{target.name}: wrk: {(done.stderr or done.stdout).strip()[-300:]}")
    return json.loads(last)


def median_of(runs):
    return Run(*(statistics.median(getattr(run, name) for run in runs) for name in Run.__dataclass_fields__))
