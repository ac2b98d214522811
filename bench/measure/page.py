"""The page of results in the making."""

import sys
from dataclasses import dataclass, field


@dataclass
class Page:
    """Sections, and one line for each target."""

    lines: list = field(default_factory=list)
    verdicts: list = field(default_factory=list)
    notes: list = field(default_factory=list)

    def section(self, title, *paragraphs):
        self.lines += ["", f"## {title}"]
        for paragraph in paragraphs:
            self.say(paragraph)

    def say(self, paragraph):
        self.lines += ["", paragraph]

    def table(self, head, rows):
        self.lines += ["", *table(head, rows)]

    def verdict(self, what, wanted, found, reached):
        """`reached` is true, false, or words of what was missed."""
        words = {True: "reached", False: "not reached"}.get(reached, reached)
        self.verdicts.append([what, wanted, found, words])

    def text(self, header):
        summary = ["", "## Targets", "", *table(["what", "target", "found", ""], self.verdicts)]
        notes = [line for note in self.notes for line in ("", f"**{note}**")]
        return "\n".join([*header, *notes, *summary, *self.lines, ""])


def table(head, rows):
    cells = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(str(cell) for cell in row)} |" for row in cells]


def mib(size):
    return f"{size / 2**20:.1f} MiB"


def latencies(run):
    return f"{run.p50_ms:.2f}", f"{run.p99_ms:.2f}"


def progress(text):
    """One line that keeps changing, for whoever watches."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
