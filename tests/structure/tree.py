"""The files of the repository, and how to report what is wrong in them."""

import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
CODE = {".c", ".cpp", ".h", ".td"}


def files(*suffixes, under=("",)):
    """Files that git tracks or would track, relative to the root, of the given suffixes (all without) and folders."""
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    paths = {pathlib.Path(name) for name in listing.stdout.split("\0") if name}
    return sorted(
        path
        for path in paths
        if (ROOT / path).is_file()
        and (not suffixes or path.suffix in suffixes)
        and any(str(path).startswith(folder) for folder in under)
    )


def text(path):
    return (ROOT / path).read_text(encoding="utf-8")


def matches(paths, pattern):
    """`file:line: text` of every line that matches the pattern."""
    regex = re.compile(pattern)
    return [
        f"{path}:{number}: {line.strip()}"
        for path in paths
        for number, line in enumerate(text(path).splitlines(), 1)
        if regex.search(line)
    ]
