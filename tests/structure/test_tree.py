"""The shape of the tree: what lies at the root, sizes, READMEs, what no file may hold."""

import ast
import re

import pytest
from tree import ROOT, files, matches, text

ROOT_ENTRIES = {
    *("codegen", "compiler", "dialects", "examples", "runtime", "tests"),
    *("CMakeLists.txt", "CMakePresets.json", "LICENSE", "README.md", "pyproject.toml", "setup.sh"),
}
MAX_FILE_LINES = 800
MAX_FUNCTION_LINES = 80
SOURCES = (".c", ".cpp", ".h", ".td", ".py", ".sh")


def test_root_entries():
    entries = {path.parts[0] for path in files()}
    assert not {entry for entry in entries if not entry.startswith(".")} - ROOT_ENTRIES


def test_every_folder_with_sources_has_a_readme():
    """Its own, or its parent's."""
    folders = {path.parent for path in files(*SOURCES) if path.parent.name}
    bare = {
        str(folder)
        for folder in folders
        if not any((ROOT / place / "README.md").is_file() for place in (folder, folder.parent) if place.name)
    }
    assert not bare


def test_files_are_short():
    long = {str(path): len(text(path).splitlines()) for path in files(*SOURCES, ".mlir", ".test", ".txt", ".cmake")}
    assert not {path: lines for path, lines in long.items() if lines >= MAX_FILE_LINES}


def blank_out(source):
    """C or C++ text with comments, strings and characters replaced by spaces; lines stay where they are."""
    token = re.compile(r'//[^\n]*|/\*.*?\*/|R"\((?:.*?)\)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
    return token.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), source)


def c_functions(source):
    """(line, length) of the functions of C or C++ text: a brace after `...)` outside any other function."""
    container = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b(?!.*\)\s*(const|override)?\s*$)", re.DOTALL)
    functions, stack, start, line = [], [], 0, 1
    code = blank_out(source)
    for position, character in enumerate(code):
        line += character == "\n"
        if character == "{":
            head = code[start:position]
            in_function = any(kind == "function" for kind, _ in stack)
            is_function = not in_function and "(" in head and not container.search(head)
            stack.append(("function" if is_function else "other", line))
        elif character == "}" and stack:
            kind, first = stack.pop()
            if kind == "function":
                functions.append((first, line - first + 1))
        if character in "{};":
            start = position + 1
    return functions


def python_functions(source):
    return [
        (node.lineno, node.end_lineno - node.lineno + 1)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]


def test_functions_are_short():
    found = [(path, c_functions(text(path))) for path in files(".c", ".cpp", ".h")]
    found += [(path, python_functions(text(path))) for path in files(".py")]
    long = [
        f"{path}:{line}: {length} lines"
        for path, functions in found
        for line, length in functions
        if length >= MAX_FUNCTION_LINES
    ]
    assert not long


def test_the_function_finder_finds():
    """The check above rests on the finder: it sees a method, skips braces in strings, and measures."""
    method = 'struct B {\n  int f() const {\n    g("}{");\n    if (x) {\n    }\n  }\n};\n'
    source = f"namespace a {{\n{method}int h(int a,\n      int b) {{\n}}\n}}\n"
    assert c_functions(source) == [(3, 5), (10, 2)]


BANNED = {
    "a path of one machine": r"(?<![\w.}])/(work|home|root)/\w",
    "a note to self": r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b",
    "a trailing space": r"[ \t]+$",
    "a tab": r"\t",
    "a conflict marker": r"^(<{7}|>{7}) ",
}


@pytest.mark.parametrize("what", BANNED)
def test_no_source_holds(what):
    assert not matches(files(*SOURCES, ".mlir", ".md", ".json", ".test", ".txt", ".in"), BANNED[what])


def test_sources_begin_with_a_banner():
    """C++: `//===- Name.ext - purpose`; C: `/* name - purpose`; Python: a docstring or an interpreter line."""
    wrong = []
    for path in files(".c", ".cpp", ".h", ".td"):
        first = text(path).split("\n", 1)[0]
        banner = re.match(rf"(//===- (\S*/)?{re.escape(path.name)} - \S|/\* (\S*/)?{re.escape(path.name)} - \S)", first)
        if not banner:
            wrong.append(f"{path}: {first}")
    assert not wrong
