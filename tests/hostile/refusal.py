"""What it means for a program to refuse its input."""

import os

# Traces of a crash that a program's own handlers may have turned into an exit code.
CRASH_WORDS = ("LLVM ERROR", "PLEASE submit a bug", "Stack dump", "Traceback", "terminate called", "Assertion", "Sanitizer")


def listing(folder):
    return {os.path.join(base, name) for base, _, names in os.walk(folder) for name in names}


def check_refusal(result, *needles):
    """Exit code 1 (a signal would be negative), and an error message that holds every needle."""
    assert result.returncode == 1, f"exit code {result.returncode}\n{result.stdout}\n{result.stderr}"
    assert "error: " in result.stderr, result.stderr
    for word in CRASH_WORDS:
        assert word not in result.stderr, result.stderr
    for needle in needles:
        assert needle in result.stderr, f"expects '{needle}' in: {result.stderr}"


def expect_compile_refused(run_tool, folder, model, *needles):
    """Compiles `model` inside `folder`; it is refused, and the folder is as before."""
    before = listing(folder)
    result = run_tool("thresh", "compile", model, "-o", folder / "out.so", timeout=60)
    check_refusal(result, *needles)
    assert listing(folder) == before
