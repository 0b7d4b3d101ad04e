//===- print.h - a tensor on one line -----------------------------------------===//
#ifndef THRESH_RUNTIME_TOOLS_PRINT_H
#define THRESH_RUNTIME_TOOLS_PRINT_H

#include "thresh/thresh.h"

/// Prints "name: f32 [1, 4] min -0.5 max 1.25 mean 0.25 values 0.25 1.25 ..." and a newline to standard output. Range
/// and mean leave NaNs out and say how many there are.
void thresh_print_output(const char *name, const thresh_output *output);

#endif // THRESH_RUNTIME_TOOLS_PRINT_H
