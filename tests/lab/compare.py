#!/usr/bin/env python3
"""The same incident with gatemedic and with the tools that people have: keystrokes and seconds to the named cause.

    compare.py [--keys-per-second 5]

On the lab's host a backend is killed at its memory limit (fault 20b) and nginx answers 502. Each tool is driven in a
terminal of 120 by 40 as somebody would who knows the tool and knows where to look: every key is typed at the same
pace, and the next command as soon as the screen shows what the last one was asked for. Time to read and to think is
not counted, which favours those that need many looks. The cause is named when the screen says which process was
killed for memory *and* that nginx's failures come of it, or, for tools that cannot join the two, both lines were seen.
lnav and btop are taken from this machine when they are installed; otherwise their rows say so.
"""
import argparse
import os
import re
import shutil
import sys
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
RUN = os.environ.setdefault("LAB_RUN", "compare")
NAME = f"gatemedic-lab-{RUN}"
TMUX = ["tmux", "-u", "-L", f"gatemedic-{RUN}"]

KILL = r"Killed process \d+ \(python3\)"
# What is typed, and what the screen must show before the next is typed; None: nothing can be shown.
TOOLS = {
    "gatemedic": [("/opt/gatemedic/gatemedic", "gatemedic\n", r"killed python3 of imports\.service at its memory limit")],
    "systemctl, journalctl, docker, dmesg": [
        (None, "tail -3 /var/log/nginx/error.log\n", r"connect\(\) failed .*upstream"),
        (None, "clear; systemctl --failed\n", r"imports\.service.*failed"),
        (None, "clear; journalctl -n 20 -u imports --no-pager\n", r"code=killed, status=9"),
        (None, "clear; docker ps -a\n", r"CONTAINER ID|Cannot connect|not found"),
        (None, "clear; dmesg | grep -i killed | tail -3\n", KILL),
    ],
    "lnav": [
        ("lnav", "lnav /var/log/nginx/error.log\n", r"(?s)connect\(\) failed.*upstream|upstream"),
        (None, "q", r"\$|#"),
        ("lnav", "dmesg > /tmp/k; lnav /tmp/k\n", r"L\d+ +100%"),
        (None, "/Killed process\n", KILL),
    ],
    "btop": [("btop", "btop\n", None)],
}


def screen():
    return subprocess.run(TMUX + ["capture-pane", "-p", "-t", "it"], capture_output=True, text=True).stdout


def type_keys(text, pace):
    """Types, one key after the other."""
    for key in text:
        started = time.monotonic()
        # tmux takes a lone semicolon for its own.
        name = {"\n": "Enter", ";": "\\;"}.get(key, key)
        literal = [] if key == "\n" else ["-l"]
        subprocess.run(TMUX + ["send-keys", "-t", "it", *literal, name], check=True)
        time.sleep(max(0, pace - (time.monotonic() - started)))


def until(pattern, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if re.search(pattern, screen()):
            return True
        time.sleep(0.02)
    return False


def bring(program):
    """Copies a program of this machine with its libraries into the host; false when it is not here."""
    path = shutil.which(program)
    if not path:
        return False
    libraries = re.findall(r"(/\S+)", subprocess.run(["ldd", path], capture_output=True, text=True).stdout)
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(f"{folder}/lib")
        shutil.copy(path, f"{folder}/{program}.bin")
        for library in libraries:
            if not re.search(r"/(libc|ld-linux[^/]*|libm|libpthread)\.so", library):
                shutil.copy(library, f"{folder}/lib/")
        with open(f"{folder}/{program}", "w", encoding="utf-8") as script:
            script.write(f'#!/bin/sh\nLD_LIBRARY_PATH=/opt/compare/lib exec /opt/compare/{program}.bin "$@"\n')
        os.chmod(f"{folder}/{program}", 0o755)
        subprocess.run(["docker", "exec", NAME, "mkdir", "-p", "/opt/compare"], check=True)
        subprocess.run(["docker", "cp", f"{folder}/.", f"{NAME}:/opt/compare"], check=True, capture_output=True)
    return True


def drive(tool, steps, pace):
    """One tool from an empty shell; (keystrokes, seconds, what came of it)."""
    subprocess.run([f"{HERE}/host", "fault", "20b"], check=True, capture_output=True)
    for program, _, _ in steps:
        if program and not program.startswith("/") and not bring(program):
            return None, None, "not installed here"
    subprocess.run(TMUX + ["kill-server"], capture_output=True)
    shell = ["docker", "exec", "-it", "-e", "TERM=tmux-256color", "-e", "LC_ALL=C.UTF-8", "-e", "PS1=$ ",
             "-e", "PATH=/opt/gatemedic:/opt/compare:/usr/sbin:/usr/bin:/sbin:/bin", NAME, "bash", "--norc"]
    subprocess.run(TMUX + ["new-session", "-d", "-s", "it", "-x", "120", "-y", "40", *shell], check=True)
    until(r"\$ ", 10)
    began, keys = time.monotonic(), 0
    for _, text, shown in steps:
        type_keys(text, pace)
        keys += len(text)
        if shown is None:
            return keys, None, "shows load and memory now; the kill is not in it"
        if not until(shown, 20):
            print(screen(), file=sys.stderr)
            return keys, None, f"did not show {shown}"
    return keys, time.monotonic() - began, "named"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys-per-second", type=float, default=5.0)
    pace = 1 / parser.parse_args().keys_per_second
    print("| with | keystrokes | seconds to the named cause | |\n|---|---|---|---|")
    try:
        for tool, steps in TOOLS.items():
            keys, seconds, came = drive(tool, steps, pace)
            took = f"{seconds:.1f}" if seconds is not None else "never"
            what = came if seconds is None else ("in one sentence, with the evidence" if tool == "gatemedic" else
                                                "in lines that the person joins")
            print(f"| {tool} | {keys if keys is not None else '–'} | {took} | {what} |", flush=True)
    finally:
        subprocess.run(TMUX + ["kill-server"], capture_output=True)
        subprocess.run([f"{HERE}/host", "stop"], capture_output=True)


if __name__ == "__main__":
    main()
