"""onnxruntime as a rival of `thresh bench` and `thresh compare`.

Reads one JSON object a line, answers with one; {"error": text} when a request fails. Requests:
  {"do": "open", "model": PATH, "threads": N, "inputs": {NAME: NPY_PATH},
   "defaults": {NAME: {"shape": [N], "value": N, "dtype": TEXT}}}           -> {"version": TEXT, "outputs": [NAME]}
  {"do": "time", "seconds": S}   runs for S seconds, at least 3 times        -> {"seconds": [S of each run]}
  {"do": "save", "folder": PATH} runs once and writes each output as .npy    -> {"outputs": {NAME: NPY_PATH}}
"""

import json
import os
import sys
import time

# The folder of this script holds a namesake of the package.
sys.path.pop(0)
import numpy
import onnxruntime

# What our names of the dtypes are to NumPy.
DTYPES = {f"{ours}{bits}": f"{numpys}{bits}" for ours, numpys in (("i", "int"), ("u", "uint")) for bits in (8, 16, 32, 64)}
DTYPES |= {"f16": "float16", "f32": "float32", "f64": "float64", "bool": "bool"}


class Rival:
    def open(self, request):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = request["threads"]
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        self.session = onnxruntime.InferenceSession(request["model"], options, providers=["CPUExecutionProvider"])
        given = {name: numpy.load(path) for name, path in request["inputs"].items()}
        for name, fill in request["defaults"].items():
            given[name] = numpy.full(fill["shape"], fill["value"], DTYPES[fill["dtype"]])
        declared = [entry.name for entry in self.session.get_inputs()]
        missing = [name for name in declared if name not in given]
        if missing:
            raise ValueError(f"the model expects the inputs {declared}, but got none for {missing}")
        self.feeds = {name: given[name] for name in declared}
        self.outputs = [entry.name for entry in self.session.get_outputs()]
        return {"version": onnxruntime.__version__, "outputs": self.outputs}

    def time(self, request):
        seconds = []
        end = time.perf_counter() + request["seconds"]
        while len(seconds) < 3 or time.perf_counter() < end:
            start = time.perf_counter()
            self.session.run(None, self.feeds)
            seconds.append(time.perf_counter() - start)
        return {"seconds": seconds}

    def save(self, request):
        paths = {}
        for index, (name, value) in enumerate(zip(self.outputs, self.session.run(None, self.feeds))):
            paths[name] = os.path.join(request["folder"], f"rival{index}.npy")
            numpy.save(paths[name], value)
        return {"outputs": paths}


def main():
    rival = Rival()
    actions = {"open": rival.open, "time": rival.time, "save": rival.save}
    for line in sys.stdin:
        try:
            request = json.loads(line)
            answer = actions[request["do"]](request)
        except Exception as error:  # whatever goes wrong is the asker's to report
            answer = {"error": " ".join(str(error).split()) or type(error).__name__}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
