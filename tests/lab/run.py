#!/usr/bin/env python3
"""Runs the lab: injects each fault on a real host, asks gatemedic, compares.

    run.py [--only NAME]... [--jobs N] [--score] [--no-nobody] [--no-diagnose] [--keep] [--record DIR]

A fault is a file in faults/: its header says what must be found, its shell functions inject it and drive traffic.
Every fault gets a fresh host. What gatemedic answered is kept in target/lab/NAME.json.
What SCORE.md calls right must be right; --score writes SCORE.md anew.
"""

import argparse
import json
import os
import queue
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
import tomllib
from pathlib import Path

import score

HERE = Path(__file__).resolve().parent
REPO = HERE.parent.parent
HOST = "gatemedic-lab-" + os.environ.get("LAB_RUN", "host")
OUT = Path(os.environ.get("LAB_OUT") or Path(os.environ.get("CARGO_TARGET_DIR") or REPO / "target") / "lab")
GATEMEDIC = "/opt/gatemedic/gatemedic"
ORDER = {"confirmed": 3, "likely": 2, "possible": 1}
# More wrong answers than this are no accident, and are not asked again.
AGAIN = 12


class Case:
    """One fault file and what its header promises."""

    DEFAULTS = {
        "expect-cause": "", "expect-subject": ".", "expect-confidence": "confirmed", "expect-status": "failing",
        "expect-exit": "2", "client": "502", "marks": "", "exec": "host", "nobody": "", "forbid": "",
        "expect-also": "", "any-order": "", "others-at-most": "", "reboot": "", "allow-cause": "",
        "expect-changed": "", "expect-url": "", "args": "", "in-front": "",
    }

    def __init__(self, path):
        self.name = path.stem
        self.control = self.name.startswith("C")
        self.head = dict(self.DEFAULTS)
        self.words = []
        for line in path.read_text().splitlines():
            if not line.startswith("#"):
                break
            found = re.match(r"# ([a-z-]+):\s*(.*)$", line)
            if found and found[1] in self.head:
                self.head[found[1]] = found[2].strip()
            elif not found:
                self.words.append(line.lstrip("# "))

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
    argv += [GATEMEDIC, "diagnose", "-o", "json"] + shlex.split(case["args"])
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
    if case["expect-url"] and not re.search(case["expect-url"], json.dumps(seen.get("url"))):
        wrong.append("does not say whose answer the URL got")
    findings = current(seen)
    wrong += [f"confirms {f.get('cause')}, which is wrong" for f in wrong_confirmed(case, seen)]
    if case["expect-cause"] == "-":
        return wrong + [f"blames {f.get('cause')} ({f.get('confidence')})" for f in blamed(case, seen) if f.get("confidence") != "confirmed"]
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
    if case["expect-changed"] and not re.search(case["expect-changed"], json.dumps(first.get("changed_before"))):
        wrong.append("does not say what changed before")
    if case["expect-also"] and not any(f.get("confidence") == "confirmed" and also(case, f) for f in findings):
        wrong.append(f"{case['expect-also'].split()[0]} is missing")
    if case["forbid"]:
        wrong += [f"names {f['cause']}" for f in findings if re.search(case["forbid"], f.get("cause", ""))]
    if case["others-at-most"]:
        limit = ORDER[case["others-at-most"]]
        wrong += [f"also {f.get('cause')} ({f.get('confidence')})" for f in findings
                  if f is not first and limit < ORDER.get(f.get("confidence"), 0) < 3]
    return wrong


def alarm(case, seen):
    """Whether a host on which nothing is wrong is said to have something."""
    status = str((seen or {}).get("status"))
    told = status in ("degraded", "failing") and not re.fullmatch(case["expect-status"], status)
    return case["expect-cause"] == "-" and (told or bool(blamed(case, seen)))


def current(seen):
    """The findings that are said to belong to the incident."""
    return [f for f in (seen or {}).get("findings") or [] if not outside(f)]


def expected(case, finding):
    """Whether a finding is the one that the header promises: cause and subject."""
    return bool(re.fullmatch(case["expect-cause"], finding.get("cause", ""))
                and re.search(case["expect-subject"], json.dumps(finding.get("subject"))))


def also(case, finding):
    """Whether it is the second one that the header promises."""
    if not case["expect-also"]:
        return False
    cause, pattern = case["expect-also"].split()
    return bool(re.fullmatch(cause, finding.get("cause", "")) and re.search(pattern, json.dumps(finding.get("subject"))))


def allowed(case, finding):
    return bool(case["allow-cause"] and re.fullmatch(case["allow-cause"], finding.get("cause", "")))


def rank(case, seen):
    """At which place among the findings the right one stands, from 1; 0: nowhere. Nothing to blame counts as named first."""
    if case["expect-cause"] == "-":
        return 0 if seen is None or blamed(case, seen) else 1
    right = [n for n, f in enumerate(current(seen), 1) if expected(case, f) or case["any-order"] and also(case, f)]
    return right[0] if right else 0


def wrong_confirmed(case, seen):
    """Findings that are called confirmed and are neither what was injected nor a state that it leads to."""
    states = decided_by(case["expect-cause"])[1]
    return [f for f in current(seen) if f.get("confidence") == "confirmed" and f.get("cause") not in states
            and not (expected(case, f) or also(case, f) or allowed(case, f))]


def blamed(case, seen):
    """What a control is blamed for above "possible"."""
    return [f for f in current(seen) if ORDER.get(f.get("confidence"), 0) > 1 and not allowed(case, f)]


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
    _, text, _ = shell(case, "tail -n 20 /var/log/nginx/*.log /var/log/apache2/*.log /var/log/caddy/*.log; echo; supervisorctl status; "
                             "journalctl -q --no-pager -n 60; systemctl --failed --no-pager; ss -lntxp; "
                             "docker ps -a 2>/dev/null", 20)
    (OUT / f"{case.name}.log").write_text(text)


def run(case, options, row):
    """Injects one fault and judges the answers; `row` takes each verdict."""
    code, out, err = command([str(HERE / "host"), "reset"], 120)
    if code == 0 and case["in-front"]:
        code, out, err = command([str(HERE / "host"), "front", case["in-front"]], 60)
    if code:
        return row(score.Row.failed(case, "the host did not start: " + (err.strip() or out.strip())[-300:]))
    began = time.monotonic()
    code, out, err = shell(case, "inject")
    if case["reboot"] and code == 0:
        code, out, err = command([str(HERE / "host"), "restart"], 90)
    if code:
        keep_evidence(case)
        return row(score.Row.failed(case, f"not injected: inject ended with {code}: {err.strip()[-200:]}"))
    _, out, err = shell(case, "drive")
    statuses = re.findall(r"^\d{3}$", out, re.M)
    counted = " ".join(f"{s}x{statuses.count(s)}" for s in sorted(set(statuses)))
    good = [s for s in statuses if re.fullmatch(case["client"], s)]
    if not good or (case.control and case["expect-status"] == "healthy" and len(good) != len(statuses)):
        keep_evidence(case)
        return row(score.Row.failed(case, f"not injected: the client saw {counted or 'nothing'}, not {case['client']}: {err.strip()[-200:]}"))
    if options.no_diagnose:
        return row(score.Row.of(case, found=f"client {counted}, injected in {time.monotonic() - began:.1f} s", wrong=[], took=None))
    client = " ".join(sorted(set(good)))
    code, seen, err, took = diagnose(case, record=bool(options.record))
    wrong = judge(case, code, seen)
    if options.record:
        save_recording(case, options.record)
    row(score.Row.of(case, found=headline(seen, code), wrong=wrong, took=took, client=client, rank=rank(case, seen),
                     confirmed_wrong=len(wrong_confirmed(case, seen)), alarm=alarm(case, seen), named=name_first(seen)))
    if wrong:
        keep_evidence(case)
    if not options.no_nobody and case["nobody"] != "skip":
        code, seen, err, took = diagnose(case, user="nobody")
        wrong = judge_unprivileged(case, code, seen)
        row(score.Row.of(case, found=headline(seen, code), wrong=wrong, took=took, client=client, nobody=True))


def name_first(seen):
    first = (current(seen) or [{}])[0]
    return f"{first['cause']}, {first.get('confidence')}" if first.get("cause") else f"nothing ({(seen or {}).get('status', 'no answer')})"


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


HEAD = f"{'fault':<30} {'expected':<34} {'found (rank 1) / status exit':<58} {'time':>6}"


def one_after_the_other(cases, options, row):
    try:
        for case in cases:
            run(case, options, row)
    finally:
        if not options.keep:
            command([str(HERE / "host"), "stop"], 60)


def side_by_side(cases, options, row):
    """Several hosts at once, each in a lane of its own: this script again for each case. Most of a case is waiting."""
    waiting, lock = queue.SimpleQueue(), threading.Lock()
    for case in sorted(cases, key=lambda c: "slow" not in c["marks"].split()):
        waiting.put(case)
    switches = [word for word, on in (("--no-nobody", options.no_nobody), ("--no-diagnose", options.no_diagnose)) if on]
    lanes = [f"{os.environ.get('LAB_RUN', 'host')}-{n}" for n in range(min(options.jobs, len(cases)))]
    children, ending = set(), threading.Event()

    def lane(name):
        while not ending.is_set():
            try:
                case = waiting.get_nowait()
            except queue.Empty:
                return
            argv = [sys.executable, __file__, "--keep", *switches, "--only", case.name]
            child = subprocess.Popen(argv, env=os.environ | {"LAB_RUN": name, "LAB_PART": "1"}, stdout=subprocess.PIPE, text=True)
            children.add(child)
            rows = [json.loads(line[6:]) for line in child.stdout if line.startswith("part: ")]
            child.wait()
            children.discard(child)
            with lock:
                for fields in rows or ([] if ending.is_set() else [vars(score.Row.failed(case, "no result"))]):
                    row(score.Row(**fields))

    threads = [threading.Thread(target=lane, args=(name,)) for name in lanes]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        ending.set()
        for child in list(children):
            child.terminate()
        for thread in threads:
            thread.join()
        for name in lanes:
            subprocess.run([str(HERE / "host"), "stop"], env=os.environ | {"LAB_RUN": name}, capture_output=True, timeout=60)


def chosen(only):
    """The cases that were asked for, in their order: a whole name, or a beginning of names."""
    cases = sorted((Case(p) for p in (HERE / "faults").glob("*.sh")), key=Case.order)
    if not only:
        return cases
    whole = [c for c in cases if c.name in only]
    open_ended = [o for o in only if not any(c.name == o for c in cases)]
    return whole + [c for c in cases if c not in whole and any(
        c.name.startswith(o + "-") or (len(o) > 3 and c.name.startswith(o)) for o in open_ended)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="these faults (a prefix is enough)")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="so many hosts at once")
    parser.add_argument("--score", action="store_true", help="write SCORE.md from this run, which must be one of all faults")
    parser.add_argument("--no-nobody", action="store_true", help="skip the run without privileges")
    parser.add_argument("--no-diagnose", action="store_true", help="only check that each fault really shows to a client")
    parser.add_argument("--keep", action="store_true", help="leave the last host running")
    parser.add_argument("--record", metavar="DIR", help="write the recording and what was expected of it")
    options = parser.parse_args()
    if options.score and (options.only or options.no_diagnose):
        parser.error("--score needs a run of all faults")

    cases = chosen(options.only)
    if not cases:
        sys.exit("run.py: no such fault")
    known = {path.stem for path in (REPO / "assets" / "causes").glob("*.toml")}
    for case in cases:
        if case["expect-cause"] != "-" and not set(case["expect-cause"].split("|")) <= known:
            sys.exit(f"run.py: {case.name} expects a cause that nobody has written down: {case['expect-cause']}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    OUT.mkdir(parents=True, exist_ok=True)
    rows, part = [], os.environ.get("LAB_PART")

    def row(result):
        rows.append(result)
        if part:
            print(f"part: {json.dumps(vars(result))}", flush=True)
        elif not result.nobody:
            print(result.line(), flush=True)

    if part:
        one_after_the_other(cases, options, row)
        return 0
    print(HEAD)
    began = time.monotonic()
    (side_by_side if options.jobs > 1 else one_after_the_other)(cases, options, row)
    known = set() if options.score else score.known_wrong()
    again = sorted({r.name for r in rows if not r.ok() and (r.name, r.nobody) not in known})
    if again and not options.no_diagnose and len(again) <= AGAIN:
        # A loaded machine can make a single answer late; what is wrong is wrong twice.
        print(f"\nonce more, each alone: {' '.join(again)}", flush=True)
        rows[:] = [r for r in rows if r.name not in again]
        one_after_the_other([c for c in cases if c.name in again], options, row)
    second = [r for r in rows if r.nobody]
    if second:
        print("\nas nobody: the right cause, or a blind spot of what would decide it; no wrong cause above \"possible\", never a blind \"healthy\"")
        print("\n".join(r.line() for r in score.in_order(second)))
    expected = [r for r in rows if not r.ok() and (r.name, r.nobody) in known]
    judged = [r for r in rows if r not in expected]
    print(f"\nlab: {len(cases)} cases in {time.monotonic() - began:.0f} s", end="")
    nobody = [r for r in judged if r.nobody]
    print(f"; unprivileged {score.good(nobody)}/{len(nobody)}" if second else "")
    first = [r for r in judged if not r.nobody]
    faults, controls = [r for r in first if not r.control], [r for r in first if r.control]
    print(f"faults {score.good(faults)}/{len(faults)}, controls {score.good(controls)}/{len(controls)}")
    if expected:
        names = " ".join(r.name + (" (as nobody)" if r.nobody else "") for r in score.in_order(expected))
        print(f"known to be wrong, as SCORE.md says, and not counted: {len(expected)}: {names}")
    better = sorted(r.name for r in rows if r.ok() and (r.name, r.nobody) in known)
    if better:
        print(f"right by now, though SCORE.md says wrong: {' '.join(better)}")
    if not options.only and not options.no_diagnose:
        score.settle(rows, options.score)
    return 0 if all(r.ok() for r in judged) else 1


if __name__ == "__main__":
    sys.exit(main())
