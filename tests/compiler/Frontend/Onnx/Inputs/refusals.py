"""refusals.py FOLDER TEST: each `# REFUSED NAME OPTIONS: MESSAGE` of TEST says how `thresh compile` refuses FOLDER/NAME.onnx."""

import pathlib
import re
import subprocess
import sys

folder, test = map(pathlib.Path, sys.argv[1:])
expected = re.findall(r"^# REFUSED (\S+?)( .*?)?: (.*)$", test.read_text(), re.MULTILINE)
models = sorted(path.stem for path in folder.glob("*.onnx"))
wrong = [] if sorted(name for name, _, _ in expected) == models else [f"models and expectations differ: {models}"]
for name, options, message in expected:
    model = folder / f"{name}.onnx"
    done = subprocess.run(["thresh", "compile", model, "--emit=graph", *options.split()], capture_output=True, text=True)
    errors = [line for line in done.stderr.splitlines() if "error: " in line]
    if done.returncode != 1 or done.stdout or len(errors) != 1 or message not in errors[0]:
        wrong.append(f"{name}: expects an error with '{message}', but got exit code {done.returncode}: {done.stderr}")
print("\n".join(wrong))
sys.exit(1 if wrong else 0)
