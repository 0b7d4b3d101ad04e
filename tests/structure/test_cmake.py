"""Rules for CMake files: explicit sorted source lists, commands on targets."""

import re

import pytest
from tree import files, matches, text

BANNED = {
    "add_definitions": "target_compile_definitions",
    "include_directories": "target_include_directories",
    "link_directories": "target_link_libraries with a target",
    "link_libraries": "target_link_libraries",
    "macro": "function",
}


def cmake_files():
    return [path for path in files() if path.name == "CMakeLists.txt" or path.suffix == ".cmake"]


@pytest.mark.parametrize("command", BANNED)
def test_command_is_not_used(command):
    assert not matches(cmake_files(), rf"^\s*{command}\s*\("), f"expects {BANNED[command]}"


def test_sources_are_listed():
    assert not matches(cmake_files(), r"\bGLOB(_RECURSE)?\b")


def test_source_lists_are_sorted():
    wrong = []
    for path in cmake_files():
        for block in re.finditer(r"(?:^[ \t]+[\w/.-]+\.(?:c|cpp)\)?\n)+", text(path), re.MULTILINE):
            names = block.group().replace(")", "").split()
            if names not in (sorted(names), sorted(names, key=str.lower)):
                wrong.append(f"{path}: {names}")
    assert not wrong
