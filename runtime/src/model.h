//===- model.h - an open library, seen from inside ----------------------------===//
#ifndef THRESH_RUNTIME_SRC_MODEL_H
#define THRESH_RUNTIME_SRC_MODEL_H

#include "signature.h"
#include "weights.h"

#include <stdatomic.h>

struct thresh_model {
  atomic_int owners; ///< the caller and each session
  void *handle;      ///< of dlopen
  const thresh_abi_library *table;
  const thresh_abi_variant *variant; ///< NULL when opened for its signature only
  thresh_weights weights;
  thresh_symbols *symbols; ///< one per entry
};

/// Adds an owner; thresh_model_close takes one away and frees after the last.
void thresh_model_retain(thresh_model *model);

#endif // THRESH_RUNTIME_SRC_MODEL_H
