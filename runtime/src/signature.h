//===- signature.h - do the inputs and outputs of a run fit the entry? --------===//
#ifndef THRESH_RUNTIME_SRC_SIGNATURE_H
#define THRESH_RUNTIME_SRC_SIGNATURE_H

#include "thresh/thresh.h"

/// The dimension names of an entry's inputs, numbered.
typedef struct thresh_symbols {
  int32_t count;
  int32_t (*of)[THRESH_MAX_RANK]; ///< per input and dimension the number of its name, -1 where static
} thresh_symbols;

/// The extent that a dimension name stands for in the run under way, and the input that said so.
typedef struct thresh_binding {
  int64_t extent; ///< -1: not met yet
  int32_t input;
  int32_t dim;
} thresh_binding;

/// Checks `inputs` against the declaration and writes, in the order of declaration, what the compiled code gets.
/// `views` has room for every input, `bindings` for every symbol of the entry. The views point into `inputs`; that of
/// an optional input which the caller left out has no data.
thresh_code thresh_signature_bind_inputs(const thresh_entry_info *entry, const thresh_symbols *symbols,
                                         const thresh_input *inputs, int32_t num_inputs, thresh_abi_view *views,
                                         thresh_binding *bindings, thresh_status *status);

/// Finds which declared output each of `outputs` is: `wanted[i]` is set to the one for declared output i, or NULL.
/// Their `data` is set to NULL until they are made.
thresh_code thresh_signature_bind_outputs(const thresh_entry_info *entry, thresh_output *outputs, int32_t num_outputs,
                                          thresh_output **wanted, thresh_status *status);

#endif // THRESH_RUNTIME_SRC_SIGNATURE_H
