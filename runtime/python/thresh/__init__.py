"""Run libraries that the thresh compiler made, with NumPy arrays.

    import thresh
    model = thresh.Model("model.so")
    outputs = model.run({"input_ids": ids, "attention_mask": mask})
"""

from thresh._library import ThreshError, num_threads, runtime_version, set_num_threads
from thresh._version import __version__
from thresh.model import Model, TensorInfo

__all__ = ["Model", "TensorInfo", "ThreshError", "__version__", "num_threads", "runtime_version", "set_num_threads"]
