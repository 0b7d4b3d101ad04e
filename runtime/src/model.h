//===- model.h - an open library, seen from inside ----------------------------===//
#ifndef THRESH_RUNTIME_SRC_MODEL_H
#define THRESH_RUNTIME_SRC_MODEL_H

#include "thresh/thresh.h"
#include "weights.h"

#include <stdatomic.h>

/// The dimension names of an entry's inputs, numbered.
typedef struct thresh_symbols {
  int32_t count;
  int32_t (*of)[THRESH_MAX_RANK]; ///< per input and dimension the number of its name, -1 where static
} thresh_symbols;

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
