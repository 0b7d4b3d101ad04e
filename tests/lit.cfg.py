"""lit: which files are tests, and what they may use (described in tests/README.md)."""

import os
import pathlib

import lit.formats

source_root = pathlib.Path(config.thresh_source_root)
build_root = pathlib.Path(config.thresh_build_root)

config.name = "Thresh"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs"]
config.test_source_root = str(source_root / "tests")
config.test_exec_root = str(build_root / "tests" / "lit")

config.environment["PATH"] = os.pathsep.join(
    [str(build_root / "bin"), config.llvm_tools_dir, str(source_root / ".venv" / "bin"), "/usr/bin", "/bin"]
)
config.environment["FILECHECK_OPTS"] = "-enable-var-scope"
# A kernel cache of the build's own: it stays warm from run to run, and the user's is left alone.
config.environment["XDG_CACHE_HOME"] = str(build_root / "tests" / "cache")
for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
    if name in os.environ:
        config.environment[name] = os.environ[name]

config.substitutions.append(("%python", str(source_root / ".venv" / "bin" / "python")))
config.substitutions.append(("%root", str(source_root)))
config.substitutions.append(("%build", str(build_root)))

cpu_flags = pathlib.Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split()
config.available_features.update({"avx2", "avx512f"}.intersection(cpu_flags))
if config.thresh_sanitize:
    config.available_features.add("sanitizer")
if os.environ.get("THRESH_TEST_TIER") != "quick":
    config.available_features.add("slow")
