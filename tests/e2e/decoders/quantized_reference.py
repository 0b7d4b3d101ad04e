"""Weights as a library's weights file stores them, and the decoder that computes with them."""

import json

import ml_dtypes
import numpy as np
from decoder_reference import Decoder
from safetensors import safe_open

GROUP, PANEL = 32, 16
ZEROS = {"q8": 128, "q4": 8}
HALVES = {"f16": np.float16, "bf16": ml_dtypes.bfloat16}
DTYPES = {"U8": np.uint8, "F16": np.float16, "BF16": ml_dtypes.bfloat16, "F32": np.float32}


def integers(codes, kind):
    """q [rows padded to panels, K] of a file's bytes [panels, K / 4 or K / 8, 16, 4]."""
    halves = [codes] if kind == "q8" else [codes & 15, codes >> 4]
    # [panels, lines, halves of a byte, 4, column]: k counts through the middle three.
    k_major = np.stack(halves, 1).transpose(0, 2, 1, 4, 3)
    panels = k_major.reshape(len(codes), -1, PANEL).astype(np.int64)
    return panels.transpose(0, 2, 1).reshape(len(codes) * PANEL, -1) - ZEROS[kind]


def stored_tensors(path):
    """name: tensor of a weights file, also of those whose rows lie in records."""
    tensors = {}
    with safe_open(path, "numpy") as file:
        records = json.loads(file.metadata().get("records", "{}"))
        for key in file.keys():
            if key not in records:
                tensors[key] = file.get_tensor(key)
        for key, parts in records.items():
            rows = file.get_tensor(key)
            for part in parts:
                dtype = np.dtype(DTYPES[part["dtype"]])
                end = part["offset"] + part["shape"][1] * dtype.itemsize
                tensors[part["name"]] = np.ascontiguousarray(rows[:, part["offset"] : end]).view(dtype)
    return tensors


def _stored(path, prefix, codes, scales):
    """(name, codes, scales in float64) of each matrix whose parts a weights file has under these suffixes."""
    tensors = stored_tensors(path)
    for key, tensor in tensors.items():
        if key.endswith(f".{codes}"):
            name = key.removesuffix(f".{codes}")
            yield name.removeprefix(prefix), tensor, tensors[f"{name}.{scales}"].astype(np.float64)


def stored_matrices(path, kind, prefix):
    """name: (q, scale per element) as [rows padded to panels, K] of each quantised matrix of a weights file."""
    result = {}
    for name, codes, scales in _stored(path, prefix, f"{kind}_codes", f"{kind}_scales"):
        rows = scales.transpose(0, 2, 1).reshape(-1, scales.shape[1])
        result[name] = integers(codes, kind), np.repeat(rows, GROUP, 1)
    return result


def stored_rows(path, kind, prefix):
    """name: matrix [neurons, width] of each matrix that a weights file stores by row for sparse kernels."""
    result = {}
    for name, codes, scales in _stored(path, prefix, f"{kind}_row_codes", f"{kind}_row_scales"):
        groups = codes.reshape(*scales.shape, -1).astype(np.int64)
        if kind == "q4":
            groups = np.concatenate([groups & 15, groups >> 4], -1)
        result[name] = ((groups - ZEROS[kind]) * scales[..., None]).reshape(len(codes), -1)
    return result


def plain_error(matrix, kind):
    """The squared error of each group [rows, K / 32] with the scales of Q8_0 or Q4_0."""
    groups = matrix.reshape(len(matrix), -1, GROUP).astype(np.float64)
    at = np.abs(groups).argmax(-1)[..., None]
    extreme = np.take_along_axis(groups, at, -1)
    scale = (np.abs(extreme) / 127 if kind == "q8" else extreme / -8).astype(np.float16).astype(np.float64)
    low, high = (-127, 127) if kind == "q8" else (-8, 7)
    q = np.clip(np.rint(groups / np.where(scale == 0, 1, scale)), low, high)
    return ((q * scale - groups) ** 2).sum(-1)


def rounded(array, half):
    return np.asarray(array, np.float32).astype(HALVES[half]).astype(np.float64)


def on_grid(x):
    """Activations as quantised products see them: integers of [-127, 127] per group of 32, times their scale."""
    groups = x.astype(np.float32).reshape(len(x), -1, GROUP)
    scale = np.abs(groups).max(-1, keepdims=True) / np.float32(127)
    q = np.rint(groups / np.where(scale == 0, np.float32(1), scale)).astype(np.float64)
    return (q * scale.astype(np.float64)).reshape(x.shape)


class QuantizedDecoder(Decoder):
    """`matrices` are W [rows, K] by the names of the tensors that they replace; activations that meet one are integers
    of [-127, 127] per group of 32."""

    def __init__(self, fields, tensors, matrices, **options):
        gpt2 = fields["model_type"] == "gpt2"
        given = {name: w.T if gpt2 and not name.startswith("w") else w for name, w in matrices.items()}
        super().__init__(fields, {**tensors, **given}, **options)
        self.quantized = set(matrices)

    def product(self, x, name, weight):
        return super().product(on_grid(x) if name in self.quantized else x, name, weight)
