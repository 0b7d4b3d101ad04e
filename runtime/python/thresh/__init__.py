"""Run libraries that the thresh compiler made, with NumPy arrays.

    import thresh
    model = thresh.Model("model.so")
    outputs = model.run({"input_ids": ids, "attention_mask": mask})

    for piece in thresh.Model("llama.so").generate("Once upon a time", stream=True):
        print(piece, end="", flush=True)
"""

from thresh._library import ThreshError, num_threads, runtime_version, set_num_threads
from thresh._version import __version__
from thresh._tensors import TensorInfo
from thresh.model import Model
from thresh.session import Generation, GenerationStats, Session, Spread

__all__ = [
    "Generation",
    "GenerationStats",
    "Model",
    "Session",
    "Spread",
    "TensorInfo",
    "ThreshError",
    "__version__",
    "num_threads",
    "runtime_version",
    "set_num_threads",
]
