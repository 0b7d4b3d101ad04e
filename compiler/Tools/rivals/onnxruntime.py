"""onnxruntime as a rival of `thresh bench` and `thresh compare`.

Reads one JSON object a line, answers with one; {"error": text} when a request fails. Requests:
  {"do": "open", "model": PATH, "threads": N, "inputs": {NAME: NPY_PATH}}   -> {"version": TEXT, "outputs": [NAME]}
  {"do": "time", "seconds": S}   runs for S seconds, at least 3 times        -> {"seconds": [S of each run]}
  {"do": "save", "folder": PATH} runs once and writes each output as .npy    -> {"outputs": {NAME: NPY_PATH}}
  {"do": "work"}                 what one run of the unoptimised graph takes -> {"flops": N}
"""

import json
import math
import os
import sys
import tempfile
import time

# The folder of this script holds a namesake of the package.
sys.path.pop(0)
import numpy
import onnxruntime


def make_session(model, threads, **settings):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    for name, value in settings.items():
        setattr(options, name, value)
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def contraction_flops(event):
    """Floating-point operations of one profiled MatMul, Gemm or Conv: two for each multiply-add."""
    arguments = event["args"]
    inputs = [next(iter(entry.values())) for entry in arguments["input_type_shape"]]
    output = next(iter(arguments["output_type_shape"][0].values()))
    kind = arguments["op_name"]
    if kind == "MatMul":
        return 2 * math.prod(output) * inputs[0][-1]
    if kind == "Gemm":
        return 2 * math.prod(inputs[0]) * output[-1]
    if kind == "Conv":
        return 2 * math.prod(output) * math.prod(inputs[1][1:])
    return 0


class Rival:
    def open(self, request):
        self.model = request["model"]
        self.session = make_session(self.model, request["threads"])
        given = request["inputs"]
        declared = [entry.name for entry in self.session.get_inputs()]
        missing = [name for name in declared if name not in given]
        if missing:
            raise ValueError(f"the model expects the inputs {declared}, but got none for {missing}")
        self.feeds = {name: numpy.load(given[name]) for name in declared}
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

    def work(self, request):
        """Counts on the graph as written, because fused nodes hide their contractions."""
        with tempfile.TemporaryDirectory() as folder:
            session = make_session(
                self.model,
                1,
                enable_profiling=True,
                profile_file_prefix=os.path.join(folder, "profile"),
                graph_optimization_level=onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
            )
            session.run(None, self.feeds)
            with open(session.end_profiling(), encoding="utf-8") as file:
                events = json.load(file)
        return {"flops": sum(contraction_flops(event) for event in events if "output_type_shape" in event.get("args", {}))}


def main():
    rival = Rival()
    actions = {"open": rival.open, "time": rival.time, "save": rival.save, "work": rival.work}
    for line in sys.stdin:
        try:
            request = json.loads(line)
            answer = actions[request["do"]](request)
        except Exception as error:  # whatever goes wrong is the asker's to report
            answer = {"error": " ".join(str(error).split()) or type(error).__name__}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
