"""Reads a module of the graph stage on stdin and prints what its f32 parameters' bytes hold."""

import re
import sys

import numpy

PARAMETER = re.compile(r'file = "(.*?)", offset = (\d+), length = (\d+), tensor = "(.*?)"')

for path, offset, length, name in PARAMETER.findall(sys.stdin.read()):
    with open(path, "rb") as file:
        file.seek(int(offset))
        numbers = numpy.frombuffer(file.read(int(length)), numpy.float32)
    values = sorted(set(numbers.tolist()))
    print(f"{name}: {numbers.size} numbers, " + (f"all {values[0]}" if len(values) == 1 else f"{values[:4]}"))
