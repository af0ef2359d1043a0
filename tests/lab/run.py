#!/usr/bin/env python3
"""Runs the lab: injects each fault on a real host, asks gatemedic, compares.

    run.py [--only NAME]... [--no-nobody] [--no-diagnose] [--keep] [--record DIR]

A fault is a file in faults/: its header says what must be found, its shell functions inject it and drive traffic.
Every fault gets a fresh host. What gatemedic answered is kept in target/lab/NAME.json.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPO = HERE.parent.parent
HOST = "gatemedic-lab-" + os.environ.get("LAB_RUN", "host")
OUT = Path(os.environ.get("LAB_OUT") or Path(os.environ.get("CARGO_TARGET_DIR") or REPO / "target") / "lab")
GATEMEDIC = "/opt/gatemedic/gatemedic"
ORDER = {"confirmed": 3, "likely": 2, "possible": 1}


class Case:
    """One fault file and what its header promises."""

    DEFAULTS = {
        "expect-cause": "", "expect-subject": ".", "expect-confidence": "confirmed", "expect-status": "failing",
        "expect-exit": "2", "client": "502", "marks": "", "exec": "host", "nobody": "", "forbid": "",
        "expect-also": "", "any-order": "", "others-at-most": "", "reboot": "", "allow-cause": "",
    }

    def __init__(self, path):
        self.name = path.stem
        self.control = self.name.startswith("C")
        self.head = dict(self.DEFAULTS)
        for line in path.read_text().splitlines():
            if not line.startswith("#"):
                break
            found = re.match(r"# ([a-z-]+):\s*(.*)$", line)
            if found and found[1] in self.head:
                self.head[found[1]] = found[2].strip()

    def __getitem__(self, key):
        return self.head[key]

    def order(self):
        number = re.match(r"(C?)0*(\d+)(\w*)", self.name)
        return (number[1] == "C", int(number[2]), number[3]) if number else (True, 99, self.name)


def shell(case, body, timeout=120):
    """Runs a function of a fault file inside the host; returns (exit code, stdout, stderr)."""
    script = f". /lab/lib.sh; . /lab/faults/{case.name}.sh; {body}"
    return command(["docker", "exec", HOST, "bash", "-c", script], timeout)


def command(argv, timeout):
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout)
    except subprocess.TimeoutExpired as late:
        return 124, (late.stdout or b"").decode(errors="replace"), f"no end after {timeout} s"
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def diagnose(case, user=None, record=False):
    """One `gatemedic diagnose`; returns (exit code, JSON or None, stderr, seconds)."""
    argv = ["docker", "exec"] + (["-u", user] if user else []) + [HOST]
    if case["exec"] == "edge":
        argv += ["docker", "exec", "edge"]
    argv += [GATEMEDIC, "diagnose", "-o", "json"]
    if record:
        argv += ["--record", "/var/tmp/recording"]
    began = time.monotonic()
    code, out, err = command(argv, 30)
    took = time.monotonic() - began
    name = case.name + (f".{user}" if user else "")
    (OUT / f"{name}.json").write_text(out)
    (OUT / f"{name}.stderr").write_text(err)
    try:
        return code, json.loads(out), err, took
    except ValueError:
        return code, None, err, took


def judge(case, code, seen):
    """The list of what is wrong with an answer; empty when it is right."""
    wrong = []
    if seen is None:
        return [f"no JSON (exit {code})"]
    if not re.fullmatch(case["expect-status"], str(seen.get("status"))):
        wrong.append(f"status {seen.get('status')}")
    if not re.fullmatch(case["expect-exit"], str(code)):
        wrong.append(f"exit {code}")
    findings = seen.get("findings") or []
    if case["expect-cause"] == "-":
        blamed = [f for f in findings if ORDER.get(f.get("confidence"), 0) > 1 and not outside(f)
                  and not (case["allow-cause"] and re.fullmatch(case["allow-cause"], f.get("cause", "")))]
        return wrong + [f"blames {f.get('cause')} ({f.get('confidence')})" for f in blamed]
    first = findings[0] if findings else {}
    if case["any-order"]:
        first = next((f for f in findings if re.fullmatch(case["expect-cause"], f.get("cause", ""))), first)
    if not re.fullmatch(case["expect-cause"], first.get("cause", "")):
        wrong.append(f"cause {first.get('cause', 'none')}")
    if not re.fullmatch(case["expect-confidence"], first.get("confidence", "")):
        wrong.append(f"confidence {first.get('confidence', 'none')}")
    subject = json.dumps(first.get("subject"))
    if not re.search(case["expect-subject"], subject):
        wrong.append(f"subject {subject}")
    if case["expect-also"]:
        cause, pattern = case["expect-also"].split()
        if not any(f.get("cause") == cause and f.get("confidence") == "confirmed"
                   and re.search(pattern, json.dumps(f.get("subject"))) for f in findings):
            wrong.append(f"{cause} is missing")
    if case["forbid"]:
        wrong += [f"names {f['cause']}" for f in findings
                  if re.search(case["forbid"], f.get("cause", "")) and not outside(f)]
    if case["others-at-most"]:
        limit = ORDER[case["others-at-most"]]
        wrong += [f"also {f.get('cause')} ({f.get('confidence')})" for f in findings
                  if f is not first and ORDER.get(f.get("confidence"), 0) > limit]
    return wrong


def outside(finding):
    """A finding that says itself that it does not belong to the incident."""
    return bool(finding.get("outside") or finding.get("recovered"))


def decided_by(causes):
    """Names of the sources that decide the causes of a pattern, and the gateway's logs: only they show that anything fails."""
    shown = {"units": "systemd", "kernel": "kernel-log"}
    decide, explain = {"logs"}, set()
    for path in (REPO / "assets" / "causes").glob("*.toml"):
        if re.fullmatch(causes, path.stem):
            words = tomllib.loads(path.read_text())
            decide |= {shown.get(source, source) for source in words["deciding_sources"]}
            explain |= set(words["explains"])
    return decide, explain


def judge_unprivileged(case, code, seen):
    """Without privileges: the right cause, or no wrong one above "possible" and a blind spot that names what would
    decide; never healthy where requests fail, or where what would show it is out of sight."""
    if seen is None:
        return [f"no JSON (exit {code})"]
    status, findings = seen.get("status"), [f for f in seen.get("findings") or [] if not outside(f)]
    blind = {spot.get("source") for spot in seen.get("blind_spots") or []}
    wrong = []
    if status == "healthy" and ("logs" in blind or not re.fullmatch(case["expect-status"], "healthy")):
        wrong.append("healthy, " + ("with logs out of sight" if "logs" in blind else "while it is not"))
    if case["expect-cause"] == "-":
        wrong += [f"confirms {f.get('cause')}" for f in findings if f.get("confidence") == "confirmed"
                  and not re.fullmatch(case["allow-cause"] or "-", f.get("cause", ""))]
        return wrong + ([f"status {status}"] if status == "failing" else [])
    right = case["expect-cause"] + ("|" + case["expect-also"].split()[0] if case["expect-also"] else "")
    decide, explain = decided_by(right)
    for finding in findings[:1] if case["any-order"] or case["expect-also"] else findings:
        cause, confidence = finding.get("cause", ""), finding.get("confidence")
        near = re.fullmatch(right, cause) or (cause in explain and confidence != "confirmed")
        if not near and ORDER.get(confidence, 0) > 1:
            wrong.append(f"{cause} is {confidence}")
    named = bool(findings) and re.fullmatch(right, findings[0].get("cause", ""))
    if not named and not decide & blind:
        wrong.append(f"neither the cause nor a blind spot of {' or '.join(sorted(decide))}")
    return wrong


def headline(seen, code):
    if seen is None:
        return f"- / exit {code}"
    first = (seen.get("findings") or [{}])[0]
    return f"{first.get('cause', '-')} {first.get('confidence', '')} / {seen.get('status')} {code}"


def keep_evidence(case):
    """What a person needs to see why a verdict was wrong."""
    _, text, _ = shell(case, "tail -n 20 /var/log/nginx/error.log; echo; tail -n 20 /var/log/nginx/access.log; echo; "
                             "journalctl -q --no-pager -n 60; systemctl --failed --no-pager; ss -lntxp; "
                             "docker ps -a 2>/dev/null", 20)
    (OUT / f"{case.name}.log").write_text(text)


def run(case, options, row):
    code, out, err = command([str(HERE / "host"), "reset"], 120)
    if code:
        return row(case, "-", None, "FAIL", "the host did not start: " + (err.strip() or out.strip())[-300:])
    began = time.monotonic()
    code, out, err = shell(case, "inject")
    if case["reboot"] and code == 0:
        code, out, err = command([str(HERE / "host"), "restart"], 90)
    if code:
        keep_evidence(case)
        return row(case, "-", None, "FAIL", f"not injected: inject ended with {code}: {err.strip()[-200:]}")
    _, out, err = shell(case, "drive")
    statuses = re.findall(r"^\d{3}$", out, re.M)
    counted = " ".join(f"{s}x{statuses.count(s)}" for s in sorted(set(statuses)))
    good = [s for s in statuses if re.fullmatch(case["client"], s)]
    if not good or (case["client"] == "200" and len(good) != len(statuses)):
        keep_evidence(case)
        return row(case, "-", None, "FAIL", f"not injected: the client saw {counted or 'nothing'}, not {case['client']}")
    if options.no_diagnose:
        return row(case, f"client {counted}, injected in {time.monotonic() - began:.1f} s", None, "ok", "")
    code, seen, err, took = diagnose(case, record=bool(options.record))
    wrong = judge(case, code, seen)
    if options.record:
        save_recording(case, options.record)
    row(case, headline(seen, code), took, "FAIL" if wrong else "ok", "; ".join(wrong) or "")
    if wrong:
        keep_evidence(case)
    if not options.no_nobody and case["nobody"] != "skip":
        code, seen, err, took = diagnose(case, user="nobody")
        wrong = judge_unprivileged(case, code, seen)
        row(case, headline(seen, code), took, "FAIL" if wrong else "ok", "; ".join(wrong), nobody=True)


def save_recording(case, folder):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    outer = ["docker", "exec", HOST] + (["docker", "exec", "edge"] if case["exec"] == "edge" else [])
    code, text, _ = command(outer + ["cat", "/var/tmp/recording/events.jsonl"], 20)
    if code:
        code, text, _ = command(outer + ["cat", "/var/tmp/recording"], 20)
    if code:
        sys.exit("record: gatemedic wrote no recording")
    (folder / "events.jsonl").write_text(text)
    expected = {"cause": case["expect-cause"], "subject": case["expect-subject"],
                "confidence": case["expect-confidence"], "status": case["expect-status"]}
    (folder / "expected.json").write_text(json.dumps(expected, indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="these faults (a prefix is enough)")
    parser.add_argument("--no-nobody", action="store_true", help="skip the run without privileges")
    parser.add_argument("--no-diagnose", action="store_true", help="only check that each fault really shows to a client")
    parser.add_argument("--keep", action="store_true", help="leave the last host running")
    parser.add_argument("--record", metavar="DIR", help="write the recording and what was expected of it")
    options = parser.parse_args()

    cases = sorted((Case(p) for p in (HERE / "faults").glob("*.sh")), key=Case.order)
    if options.only:
        cases = [c for c in cases if any(c.name == o or c.name.startswith(o + "-") or
                                         (len(o) > 3 and c.name.startswith(o)) for o in options.only)]
    if not cases:
        sys.exit("run.py: no such fault")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    OUT.mkdir(parents=True, exist_ok=True)
    score = {"fault": [0, 0], "control": [0, 0], "unprivileged": [0, 0]}
    second = []

    def row(case, found, took, verdict, why, nobody=False):
        kind = "unprivileged" if nobody else "control" if case.control else "fault"
        score[kind][0] += verdict == "ok"
        score[kind][1] += 1
        text = (f"{case.name:<30} {case['expect-cause'][:34]:<34} {found[:58]:<58} "
                f"{'' if took is None else f'{took:.1f} s':>6}  {verdict:<4} {why}").rstrip()
        if nobody:
            second.append(text)
        else:
            print(text, flush=True)

    print(f"{'fault':<30} {'expected':<34} {'found (rank 1) / status exit':<58} {'time':>6}")
    began = time.monotonic()
    try:
        for case in cases:
            run(case, options, row)
    finally:
        if not options.keep:
            command([str(HERE / "host"), "stop"], 60)
    if second:
        print("\nas nobody: the right cause, or a blind spot of what would decide it; no wrong cause above \"possible\", never a blind \"healthy\"")
        print("\n".join(second))
    print(f"\nlab: {len(cases)} cases in {time.monotonic() - began:.0f} s", end="")
    print(f"; unprivileged {score['unprivileged'][0]}/{score['unprivileged'][1]}" if second else "")
    print(f"faults {score['fault'][0]}/{score['fault'][1]}, controls {score['control'][0]}/{score['control'][1]}")
    return 0 if all(a == b for a, b in score.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
