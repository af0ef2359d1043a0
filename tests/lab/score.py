"""What the lab's runs come to: one row per fault, the totals against the limits, and SCORE.md."""

import re
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).resolve().parent / "SCORE.md"
RANK_ONE, RANK_THREE = 95, 100


@dataclass
class Row:
    """One answer of gatemedic and what it is worth. `rank` 0: the right cause is not among the findings.
    `alarm`: something is blamed, or said to be wrong, where nothing is."""

    name: str
    control: bool
    words: str
    expect: str
    found: str
    why: str
    took: float | None = None
    client: str = ""
    named: str = ""
    rank: int = 0
    confirmed_wrong: int = 0
    alarm: bool = False
    nobody: bool = False

    @classmethod
    def of(cls, case, found, wrong, took, **more):
        words = re.sub(r"\s+", " ", " ".join(case.words))
        return cls(case.name, case.control, words, case["expect-cause"], found, "; ".join(wrong), took, **more)

    @classmethod
    def failed(cls, case, why):
        return cls.of(case, "-", [why], None, client="-", named="no answer")

    def ok(self):
        return not self.why

    def line(self):
        return (f"{self.name:<30} {self.expect[:34]:<34} {self.found[:58]:<58} "
                f"{'' if self.took is None else f'{self.took:.1f} s':>6}  {'ok' if self.ok() else 'FAIL':<4} {self.why}").rstrip()


def in_order(rows):
    def key(row):
        number = re.match(r"(C?)0*(\d+)(\w*)", row.name)
        return (number[1] == "C", int(number[2]), number[3]) if number else (True, 99, row.name)

    return sorted(rows, key=key)


def good(rows):
    return sum(r.ok() for r in rows)


def totals(rows):
    """(what, reached, limit, held) of each limit."""
    asked = [r for r in rows if r.expect != "-"]
    innocent = [r for r in rows if r.control and r.expect == "-"]
    first, third = sum(r.rank == 1 for r in asked), sum(1 <= r.rank <= 3 for r in asked)
    wrong = sum(r.confirmed_wrong for r in rows)
    alarms = sum(r.alarm for r in innocent)
    count = max(len(asked), 1)
    return [
        ("the right cause first", f"{first} of {len(asked)} ({100 * first / count:.1f} %)", f"at least {RANK_ONE} %", 100 * first >= RANK_ONE * count),
        ("the right cause among the first three", f"{third} of {len(asked)} ({100 * third / count:.1f} %)", f"{RANK_THREE} %", third == len(asked)),
        ("wrong causes called confirmed", str(wrong), "0", wrong == 0),
        ("false alarms on healthy hosts", f"{alarms} of {len(innocent)}", "0", alarms == 0),
    ]


def cells(row):
    """A row of the table, without what differs from run to run."""
    expect = "nothing to blame" if row.expect == "-" else row.expect.replace("|", " or ")
    verdict = "right" if row.ok() else "wrong"
    place = "-" if row.expect == "-" else str(row.rank) if row.rank else "none"
    seconds = "" if row.took is None else f"{row.took:.0f}"
    return [row.name, row.words, row.client, expect, row.named, place, seconds, verdict]


def render(all_rows):
    rows = in_order([r for r in all_rows if not r.nobody])
    second = in_order([r for r in all_rows if r.nobody])
    lines = [
        "# What gatemedic says to faults that are really injected",
        "",
        "Each fault of `faults/` is injected on a fresh host (systemd, real gateways, real applications), requests are sent, and",
        "`gatemedic diagnose` is asked once, as root, and once as nobody. This file is written by `tests/lab/run.py --score`; `tests/run`",
        "fails when anything that is right here comes out wrong twice. What is wrong here is known to be wrong.",
        "`tests/lab/run.py --only NAME` repeats one of them.",
        "",
        "| | reached | limit | |",
        "|---|---|---|---|",
    ]
    lines += [f"| {what} | {reached} | {limit} | {'held' if held else 'NOT HELD'} |" for what, reached, limit, held in totals(rows)]
    lines += ["", "| fault | what is injected | client sees | expected | found first | rank | s | verdict |", "|---|---|---|---|---|---|---|---|"]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in cells(row)) + " |" for row in rows]
    if second:
        lines += ["", "## As nobody", "", f"{good(second)} of {len(second)} answers without any privilege are right: the right cause, or a named blind spot of what would decide it,",
                  "no wrong cause above *possible*, and never a blind \"healthy\". The others:", "", "| fault | found | what is wrong |", "|---|---|---|"]
        lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in (r.name, r.found, r.why)) + " |" for r in second if not r.ok()]
    return "\n".join(lines) + "\n"


def known_wrong():
    """(fault, as nobody?) of what SCORE.md says is wrong."""
    text = FILE.read_text() if FILE.exists() else ""
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if re.match(r"\| C?\d", line)]
    root = {(c[0].strip(), False) for c in rows if len(c) == 8 and c[7].strip() == "wrong"}
    return root | {(c[0].strip(), True) for c in rows if len(c) == 3}


def settle(rows, write):
    """Prints the totals, and writes SCORE.md when asked to."""
    print()
    for what, reached, limit, held in totals([r for r in rows if not r.nobody]):
        print(f"score: {what}: {reached}, limit {limit}{'' if held else ': NOT HELD'}")
    if write:
        FILE.write_text(render(rows))
        print(f"score: {FILE} is written")
