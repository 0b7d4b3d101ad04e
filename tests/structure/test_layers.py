"""Which part of the tree may include what: the layers of README.md."""

import pytest
from tree import CODE, files, matches, text

# Folder -> what its files must not include.
FORBIDDEN = {
    "runtime/": r"Halide|mlir/|llvm/|lld/|nlohmann/|codegen/|compiler/|dialects/",
    "codegen/": r"mlir/|llvm/|lld/|llvm-c/|compiler/|dialects/",
    "dialects/": r"Halide|nlohmann/|codegen/|compiler/",
    "compiler/": r"Halide",
}


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_includes_stay_within_the_layer(folder):
    sources = files(*CODE, under=(folder,))
    assert sources, f"expects sources in {folder}"
    assert not matches(sources, rf'^\s*#\s*include\s*[<"]({FORBIDDEN[folder]})')


def test_includes_are_from_the_root():
    """A quoted include names a file of ours (from the root, runtime/include or runtime/src), of CMake's or upstream's."""
    known = {str(path) for path in files(*CODE)}
    cmake = {str(path.parent): text(path) for path in files() if path.name == "CMakeLists.txt"}
    bases = ("", "runtime/include/", "runtime/src/")
    wrong = []
    for line in matches(files(*CODE, under=("runtime/", "codegen/", "dialects/", "compiler/")), r'^\s*#\s*include "'):
        name = line.split('"')[1]
        folder, _, base_name = name.rpartition("/")
        generated = name.endswith((".inc", ".pb.h")) or base_name in cmake.get(folder, "")
        upstream = name.startswith(("mlir/", "llvm/", "lld/", "nlohmann/"))
        if not generated and not upstream and not any(base + name in known for base in bases):
            wrong.append(line)
    assert not wrong


def test_the_runtime_is_plain_c():
    assert not files(".cpp", ".cc", under=("runtime/",))


def test_the_compiler_does_not_throw():
    assert not matches(files(".cpp", ".h", under=("dialects/", "compiler/")), r"\b(throw|try|catch)\b\s*[({\w]*.*[;{]$")


def test_header_guards_name_the_file():
    wrong = []
    for path in files(".h", under=("codegen/", "compiler/", "dialects/", "runtime/")):
        public = path.parts[:2] == ("runtime", "include")
        guard = "_".join(("THRESH", *path.parts[-1 if public else 0 :])).upper().replace(".", "_")
        if f"#ifndef {guard}\n#define {guard}\n" not in text(path):
            wrong.append(f"{path}: expects the guard {guard}")
    assert not wrong
