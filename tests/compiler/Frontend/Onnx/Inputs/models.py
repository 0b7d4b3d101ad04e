"""Writes ONNX models from their text form: models.py FOLDER turns every FOLDER/NAME.txt into FOLDER/NAME.onnx.

The text is what onnx.parser reads, without the header: an opset as the first line ("opset 17"), then the graph and functions.
"""

import pathlib
import sys

import onnx.parser


def write(path):
    opset, _, body = path.read_text().strip().partition("\n")
    header = f'<ir_version: 10, opset_import: ["" : {opset.split()[1]}, "com.microsoft" : 1, "local" : 1]>\n'
    model = onnx.parser.parse_model(header + body)
    path.with_suffix(".onnx").write_bytes(model.SerializeToString())


if __name__ == "__main__":
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.txt")):
        write(path)
