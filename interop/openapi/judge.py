"""Whether a run has said anything: enough requests, and every call accepted at least once. Prints what was answered."""

import json
import sys
from collections import Counter, defaultdict


def answered(events):
    """For each call how often each status was answered, and how many requests there were in all."""
    answers, sent = defaultdict(Counter), 0
    for event in map(json.loads, events):
        recorder = event.get("ScenarioFinished", {}).get("recorder", {})
        for case, interaction in recorder.get("interactions", {}).items():
            sent += 1
            made = recorder["cases"][case]["value"]
            # Cases with a method that the document does not know are kept with a call that it does know.
            if interaction.get("response") and f"{made['method']} {made['path']}" == recorder["label"]:
                answers[recorder["label"]][interaction["response"]["status_code"]] += 1
    return answers, sent


def judge(paths, answers, sent):
    """What makes the run a hollow one."""
    calls = [f"{method.upper()} {path}" for path, item in paths.items() for method in item]
    accepted = {call: sum(count for status, count in answers[call].items() if status < 300) for call in calls}
    for call in calls:
        print(f"{call:46}", *(f"{status}: {count}" for status, count in sorted(answers[call].items())), sep="  ")
    print(f"{sent} requests to {len(calls)} calls, {sum(accepted.values())} accepted")
    if not calls:
        yield "the document has no calls"
    if sent < 20 * len(calls):
        yield f"only {sent} requests to {len(calls)} calls"
    if sum(accepted.values()) < sent / 5:
        yield "less than a fifth of the requests were accepted"
    yield from (f"{call} was never accepted" for call, count in accepted.items() if not count)


def main(document, events):
    with open(document) as file:
        paths = json.load(file)["paths"]
    with open(events) as file:
        complaints = list(judge(paths, *answered(file)))
    for complaint in complaints:
        print(f"interop/openapi: hollow: {complaint}", file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
