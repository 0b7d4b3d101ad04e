"""Libraries compiled from text."""

import pytest


@pytest.fixture(scope="session")
def compiled(thresh, run_tool, tmp_path_factory):
    """compiled(text, options...) compiles a module of the graph stage and opens the library."""

    def compile_text(text, *options):
        folder = tmp_path_factory.mktemp("library")
        (folder / "graph.mlir").write_text(text)
        result = run_tool("thresh", "compile", folder / "graph.mlir", "-o", folder / "graph.so", *options)
        assert result.returncode == 0, result.stderr
        return thresh.Model(folder / "graph.so")

    return compile_text
