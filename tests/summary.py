"""Sums the JUnit files of the test runners: summary.py FILE.xml... prints one line per runner and the total.

Exit code 1 if a test failed, or if a runner left no file or ran no test.
"""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def count(path):
    """(passed, failed, skipped) of one JUnit file."""
    passed = failed = skipped = 0
    for case in ElementTree.parse(path).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
            failed += 1
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def main(paths):
    total_passed = total_failed = 0
    for path in map(pathlib.Path, paths):
        if not path.exists():
            print(f"{path.stem}: expects results in {path}, but the runner wrote none")
            total_failed += 1
            continue
        passed, failed, skipped = count(path)
        print(f"{path.stem:8} {passed:5} passed {failed:5} failed {skipped:5} skipped")
        total_passed += passed
        total_failed += failed if passed + failed else 1
    print(f"{total_passed} passed, {total_failed} failed")
    return 1 if total_failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
