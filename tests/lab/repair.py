#!/usr/bin/env python3
"""Repairs the lab's faults: injects each, has gatemedic repair it, and looks whether the clients are served again.

    repair.py [--only NAME]... [--keep] [--headless] [--jobs N]

A fault that an action can repair says `# repair: verified` in its header, one that must be refused says
`# repair: refused PATTERN`, where the pattern is what the reason must say. `# repair-type: NAME` is the name that has to
be typed, `# repair-client: STATUS` what the clients must see afterwards (200), `# repair-user: NAME` who repairs without a screen
and without being root, through a sudo rule that allows nothing but the process that carries out.

Verified repairs are done as a person does them: in the console, in a real terminal, with one key and one confirmation.
The seconds are from the confirmation to the verdict.
"""

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

from run import GATEMEDIC, HERE, HOST, OUT, Case, command, keep_evidence, shell

TMUX = ["tmux", "-L", "gatemedic-" + os.environ.get("LAB_RUN", "host")]
WIDTH, HEIGHT = 120, 40
HEAD = f"{'fault':<30} {'cause':<26} {'action':<60} {'time':>7}"


class Repair(Case):
    DEFAULTS = Case.DEFAULTS | {"repair": "", "repair-type": "", "repair-client": "200", "repair-drive": "", "repair-cause": "", "repair-user": ""}


def screen():
    return subprocess.run(TMUX + ["capture-pane", "-p", "-t", "console"], capture_output=True, text=True).stdout


def keys(*names):
    subprocess.run(TMUX + ["send-keys", "-t", "console", *names], check=True)


def await_screen(patterns, seconds):
    """Waits until one of the patterns stands on the screen; returns its name and the screen."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        text = screen()
        for name, pattern in patterns.items():
            if re.search(pattern, text):
                return name, text
        time.sleep(0.1)
    return None, screen()


def in_console(case):
    """Repairs with keys; returns (what it came to, seconds from yes to verdict, the last screen)."""
    subprocess.run(TMUX + ["kill-server"], capture_output=True)
    subprocess.run(TMUX + ["new-session", "-d", "-s", "console", "-x", str(WIDTH), "-y", str(HEIGHT),
                           "docker", "exec", "-it", "-e", "TERM=tmux-256color", HOST, GATEMEDIC], check=True)
    try:
        found, text = await_screen({"cause": case["repair-cause"] or case["expect-cause"]}, 12)
        if not found:
            return "no cause on screen", None, text
        time.sleep(1)
        keys("r")
        ready, text = await_screen({"ready": r"y = do it|type \S+ and Enter", "refused": r"REFUSED"}, 20)
        if ready != "ready":
            return f"not ready ({ready})", None, text
        # What is typed before the question could be read does not count.
        time.sleep(0.5)
        if case["repair-type"]:
            keys("-l", case["repair-type"])
            keys("Enter")
        else:
            keys("y")
        began = time.monotonic()
        ended, text = await_screen({
            "verified": r"(?<!NOT )FIXED", "taken back": r"TAKEN BACK", "not fixed": r"NOT FIXED", "improved": r"IMPROVED",
            "worse": r"WORSE", "a person must look": r"NEEDS A PERSON", "refused": r"REFUSED", "cannot tell": r"CANNOT TELL",
        }, 60)
        return ended or "no verdict", time.monotonic() - began, text
    finally:
        # What was edited is kept by the session itself, in the moment of the verdict.
        time.sleep(1)
        keys("q")
        subprocess.run(TMUX + ["kill-server"], capture_output=True)


def fix(*options, user=None):
    began = time.monotonic()
    who = ["-u", user] if user else []
    code, out, err = command(["docker", "exec", *who, HOST, GATEMEDIC, "fix", *options], 120)
    return code, out + err, time.monotonic() - began


def headless(case):
    options = ["--yes"] + (["--confirm", case["repair-type"]] if case["repair-type"] else [])
    code, text, took = fix(*options, user=case["repair-user"])
    return ("verified" if code == 0 else f"exit {code}"), took, text


def clients(case):
    """What the clients see now."""
    _, out, _ = shell(case, case["repair-drive"] or "drive")
    return re.findall(r"^\d{3}$", out, re.M)


def run(case, options, row):
    code, out, err = command([str(HERE / "host"), "reset"], 120)
    if code:
        return row(case, "-", None, "FAIL", "the host did not start: " + (err.strip() or out.strip())[-300:])
    code, out, err = shell(case, "inject")
    if case["reboot"] and code == 0:
        code, out, err = command([str(HERE / "host"), "restart"], 90)
    if code:
        return row(case, "-", None, "FAIL", f"not injected: inject ended with {code}: {err.strip()[-200:]}")
    shell(case, "drive")
    # The plan is shown without being carried out.
    code, plan, _ = fix("--dry-run")
    action = next((line.split(None, 2)[-1] for line in plan.splitlines() if line.startswith("to do")), "-")
    (OUT / f"{case.name}.plan").write_text(plan)
    if case["repair"].startswith("refused"):
        pattern = case["repair"].partition(" ")[2]
        code, text, took = fix("--yes")
        (OUT / f"{case.name}.repair").write_text(text)
        wrong = [] if code == 77 else [f"exit {code}, not 77"]
        if not re.search(pattern, text):
            wrong.append(f"the reason does not say {pattern!r}")
        if "by hand" not in text:
            wrong.append("no steps to do by hand")
        return row(case, "refused", took, "FAIL" if wrong else "ok", "; ".join(wrong) or text.strip().splitlines()[0][:90])
    if code:
        return row(case, action, None, "FAIL", f"--dry-run ended with {code}: {plan.strip()[-200:]}")
    came, took, text = headless(case) if options.headless or case["repair-user"] else in_console(case)
    (OUT / f"{case.name}.repair").write_text(text)
    wrong = [] if came == "verified" else [came]
    seen = clients(case)
    if not seen or any(not re.fullmatch(case["repair-client"], status) for status in seen):
        wrong.append(f"the clients see {' '.join(seen) or 'nothing'} afterwards")
    code, _, _ = command(["docker", "exec", HOST, GATEMEDIC, "audit"], 20)
    if code:
        wrong.append(f"audit ends with {code}")
    row(case, action, took, "FAIL" if wrong else "ok", "; ".join(wrong))
    if wrong:
        keep_evidence(case)


def side_by_side(cases, options):
    """Several hosts at once: this script again for each, with its share of the cases."""
    parts = []
    for n in range(options.jobs):
        share = [c.name for c in cases[n::options.jobs]]
        if share:
            argv = [sys.executable, __file__] + (["--headless"] if options.headless else [])
            argv += [word for name in share for word in ("--only", name)]
            environment = os.environ | {"LAB_RUN": f"{os.environ.get('LAB_RUN', 'host')}-{n}", "LAB_PART": "1"}
            parts.append(subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, text=True))
    signal.signal(signal.SIGTERM, lambda *_: ([part.terminate() for part in parts], sys.exit(143)))
    score, seconds, lock = [0, 0], [], threading.Lock()

    def listen(part):
        came = False
        for line in part.stdout:
            if line.startswith("part: "):
                came = True
                (good, all_), took = json.loads(line[6:])
                with lock:
                    score[0] += good
                    score[1] += all_
                    seconds.extend(took)
            elif not line.startswith("fault "):
                print(line, end="", flush=True)
        if not came:
            score[1] += 1
            print("FAIL one of the hosts gave no result", flush=True)

    print(HEAD)
    listeners = [threading.Thread(target=listen, args=(part,)) for part in parts]
    for listener in listeners:
        listener.start()
    for listener in listeners:
        listener.join()
    return summary(score, seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="these faults (a prefix is enough)")
    parser.add_argument("--headless", action="store_true", help="with `fix --yes` instead of the console")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="so many hosts at once; most of a repair is waiting")
    parser.add_argument("--keep", action="store_true", help="leave the last host running")
    options = parser.parse_args()
    cases = sorted((Repair(p) for p in (HERE / "faults").glob("*.sh")), key=Case.order)
    cases = [c for c in cases if c["repair"]]
    if options.only:
        cases = [c for c in cases if any(c.name == o or c.name.startswith(o + "-") for o in options.only)]
    if not cases:
        sys.exit("repair.py: no such fault")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    OUT.mkdir(parents=True, exist_ok=True)
    if options.jobs > 1:
        return side_by_side(cases, options)
    score, seconds = [0, 0], []

    def row(case, action, took, verdict, why):
        score[0] += verdict == "ok"
        score[1] += 1
        if took is not None and not case["repair"].startswith("refused"):
            seconds.append(took)
        print(f"{case.name:<30} {case['expect-cause'][:26]:<26} {action[:60]:<60} "
              f"{'' if took is None else f'{took:.1f} s':>7}  {verdict:<4} {why}".rstrip(), flush=True)

    print(HEAD)
    try:
        for case in cases:
            run(case, options, row)
    finally:
        if not options.keep:
            command([str(HERE / "host"), "stop"], 60)
    if os.environ.get("LAB_PART"):
        print(f"part: {json.dumps([score, seconds])}", flush=True)
        return 0
    return summary(score, seconds)


def summary(score, seconds):
    if seconds:
        print(f"\nmedian from the confirmation to the verdict: {statistics.median(seconds):.1f} s")
    print(f"lab: repairs {score[0]}/{score[1]}")
    return 0 if score[0] == score[1] else 1


if __name__ == "__main__":
    sys.exit(main())
