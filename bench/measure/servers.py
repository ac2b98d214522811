"""Servers under test: children of this process, and what the operating system says of them."""

import json
import os
import re
import selectors
import subprocess
import tempfile
import time
from pathlib import Path

from measure.failure import Failure

PEER = Path(__file__).resolve().parent.parent / "peer"
READY_WITHIN = 20
STOPPED_WITHIN = 10


class Server:
    """A child that writes one JSON line when it is ready. It is ended with the `with` block."""

    def __init__(self, argv):
        self.argv = [str(part) for part in argv]

    def __enter__(self):
        self.errors = tempfile.TemporaryFile()
        try:
            self.child = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors
            )
        except OSError as error:
            raise Failure(f"cannot start {self.argv[0]}: {error.strerror}") from error
        try:
            self.ready = self._ready_line()
        except BaseException:
            self._stop()
            raise
        self.base = self.ready.get("issuer") or self.ready["base"]
        return self

    def __exit__(self, *_):
        self._stop()

    def _ready_line(self):
        deadline, line = time.monotonic() + READY_WITHIN, b""
        with selectors.DefaultSelector() as selector:
            selector.register(self.child.stdout, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not selector.select(max(0, deadline - time.monotonic())):
                    raise Failure(f"{self.argv[0]} is not ready after {READY_WITHIN} s")
                piece = os.read(self.child.stdout.fileno(), 65536)
                if not piece:
                    raise Failure(f"{self.argv[0]} ended before it was ready: {self._complaint()}")
                line += piece
        try:
            return json.loads(line)
        except ValueError as error:
            raise Failure(f"{self.argv[0]} wrote no ready line but {line[:200]!r}") from error

    def _complaint(self):
        self.errors.seek(0)
        return self.errors.read()[-500:].decode(errors="replace").strip() or "it said nothing"

    def _stop(self):
        self.child.terminate()
        try:
            self.child.wait(STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.child.stdout.close()
        self.errors.close()

    @property
    def control(self):
        return self.ready["control"]

    def rss_bytes(self):
        status = Path(f"/proc/{self.child.pid}/status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)[1]) * 1024

    def cpu_seconds(self):
        """User and system time so far, all threads."""
        fields = Path(f"/proc/{self.child.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def provider(options):
    return Server([options.provider])


def floor(options, mode):
    return Server([options.floor, "--mode", mode])


def peer(options):
    return Server([options.node, PEER / "server.mjs"])
