"""What the Python tests share: where the build is, how to run its programs, and the Python package on its runtime."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("THRESH_BUILD_DIR", ROOT / "build"))


def pytest_collection_modifyitems(config, items):
    if os.environ.get("THRESH_TEST_TIER") != "quick":
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]


@pytest.fixture(scope="session")
def root():
    """The top folder of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def build():
    """The build folder; programs are in its bin/."""
    return BUILD


@pytest.fixture(scope="session")
def environment():
    """The environment for the programs: a kernel cache of the build's own, warm from run to run."""
    return {**os.environ, "XDG_CACHE_HOME": str(BUILD / "tests" / "cache")}


@pytest.fixture(scope="session")
def run_tool(environment):
    """run_tool("thresh", "compile", ...) runs a program of the build: text output, no terminal, a time limit.

    `variables` go on top of the environment."""

    def run(tool, *arguments, timeout=300, cwd=None, variables=None):
        return subprocess.run(
            [BUILD / "bin" / tool, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            cwd=cwd,
            env={**environment, **(variables or {})},
        )

    return run


@pytest.fixture(scope="session")
def runtime_library(build):
    """Path of libthresh_runtime.so, as users get it."""
    if "THRESH_SANITIZE:BOOL=ON" in (build / "CMakeCache.txt").read_text():
        pytest.skip("Python cannot load a library built with AddressSanitizer")
    return build / "lib" / "libthresh_runtime.so"


@pytest.fixture(scope="session")
def thresh(root, runtime_library):
    """The Python package, on the runtime of this build."""
    os.environ["THRESH_RUNTIME_LIBRARY"] = str(runtime_library)
    sys.path.insert(0, str(root / "runtime" / "python"))
    import thresh

    return thresh
