"""What libthresh_runtime.so is as a file: small, needing little, exporting the API alone."""

import re
import subprocess

import pytest


def lines(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def test_is_small(runtime_library):
    assert runtime_library.stat().st_size < 200 * 1024


def test_needs_only_the_c_library(runtime_library):
    needed = {match.group(1) for line in lines("readelf", "-d", runtime_library) if (match := re.search(r"NEEDED.*\[(.*)\]", line))}
    assert needed <= {"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0"}


def test_exports_the_api_alone(runtime_library, root):
    header = (root / "runtime" / "include" / "thresh" / "thresh.h").read_text()
    declared = set(re.findall(r"^THRESH_API .*?(thresh_\w+)\(", header, re.MULTILINE))
    exported = {line.split()[-1] for line in lines("nm", "-D", "--defined-only", runtime_library)}
    assert len(declared) > 10 and exported == declared


@pytest.mark.parametrize("language", [["-xc", "-std=c99"], ["-xc++", "-std=c++11"]], ids=["C", "C++"])
def test_header_compiles_alone(root, language):
    command = ["cc", *language, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", f"-I{root / 'runtime' / 'include'}", "-"]
    subprocess.run(command, check=True, input="#include <thresh/thresh.h>\n", text=True)
