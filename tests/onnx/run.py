"""Runs the ONNX node tests and prints a table: run.py [-k TEXT] [--tier TIER] [--build DIR] [--update].

--update writes the table to README.md and the names that pass to passing.txt; a name never leaves that file this way.
"""

import argparse
import os
import pathlib
import sys

import cases
import runner

PASSING = cases.FOLDER / "passing.txt"
README = cases.FOLDER / "README.md"
BEGIN, END = "<!-- table: run.py --update -->\n", "<!-- end of table -->\n"


def table(results):
    """Rows of the tiers as markdown."""
    lines = ["| tier | tests | passed | failed | unsupported |", "|---|---|---|---|---|"]
    sums = [0, 0, 0, 0]
    for tier, names in cases.tiers().items():
        statuses = [results[name].status for name in names if name in results]
        if not statuses:
            continue
        row = [len(statuses)] + [statuses.count(s) for s in (runner.PASSED, runner.FAILED, runner.UNSUPPORTED)]
        sums = [a + b for a, b in zip(sums, row)]
        lines.append("| " + " | ".join(map(str, [tier, *row])) + " |")
    lines.append("| " + " | ".join(["**all**", *(f"**{number}**" for number in sums)]) + " |")
    return "\n".join(lines) + "\n"


def passing():
    """The names that may not fail."""
    return set(PASSING.read_text().split()) if PASSING.exists() else set()


def update(results):
    before, _, rest = README.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(before + BEGIN + table(results) + END + after)
    passed = {name for name, result in results.items() if result.status == runner.PASSED}
    PASSING.write_text("".join(f"{name}\n" for name in sorted(passing() | passed)))


def main():
    root = cases.FOLDER.parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-k", metavar="TEXT", help="only tests whose name contains TEXT")
    parser.add_argument("--tier", help="only this tier")
    parser.add_argument("--build", type=pathlib.Path, default=root / "build", help="build folder (default: build)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="compilations at a time (default: all cores)")
    parser.add_argument("--update", action="store_true", help="write README.md and passing.txt (all tiers only)")
    arguments = parser.parse_args()
    if arguments.update and (arguments.k or arguments.tier):
        parser.error("--update takes the whole suite")
    selected = [
        case
        for case in cases.load()
        if (not arguments.k or arguments.k in case.name) and (not arguments.tier or arguments.tier == case.tier)
    ]
    environment = {**os.environ, "XDG_CACHE_HOME": str(arguments.build / "tests" / "cache")}
    os.environ.setdefault("THRESH_RUNTIME_LIBRARY", str(arguments.build.resolve() / "lib" / "libthresh_runtime.so"))
    results = runner.run_suite(selected, arguments.build.resolve(), environment, arguments.jobs)
    for name, result in results.items():
        if result.status != runner.PASSED:
            print(f"{result.status:12} {name}: {result.message}")
    print(table(results), end="")
    lost = sorted(passing() & {name for name, result in results.items() if result.status != runner.PASSED})
    for name in lost:
        print(f"lost: {name} has passed before", file=sys.stderr)
    if arguments.update:
        update(results)
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
