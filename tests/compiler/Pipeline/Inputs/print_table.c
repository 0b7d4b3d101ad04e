/* print_table.c - prints the table of a compiled library, read through the structs of thresh/abi.h. */
#include "thresh/abi.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>

static void print_tensors(const char *role, const thresh_abi_tensor *tensors, int32_t count) {
  for (int32_t i = 0; i < count; ++i) {
    const thresh_abi_tensor *tensor = &tensors[i];
    printf("%s %s dtype %d rank %d optional %d reserved %d default %" PRId64, role, tensor->name, tensor->dtype,
           tensor->rank, tensor->optional, tensor->reserved, tensor->default_value);
    for (int32_t d = 0; d < tensor->rank; ++d)
      printf(" %" PRId64 ":%s", tensor->shape[d], tensor->dim_symbols[d] ? tensor->dim_symbols[d] : "-");
    printf("\n");
  }
}

int main(int argc, char **argv) {
  void *handle = argc == 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
  const thresh_abi_library *library = handle ? dlsym(handle, THRESH_ABI_SYMBOL) : NULL;
  if (!library)
    return 1;
  printf("version %" PRIu32 " reserved %d metadata %.1s weights %s %d %" PRIu64 " %d hook %d\n", library->abi_version,
         library->reserved, library->metadata, library->weights_file, library->weights_embedded != NULL,
         library->weights_bytes, library->weights_header_bytes % 4096 == 0, library->set_par_for != NULL);
  for (int32_t e = 0; e < library->num_entries; ++e) {
    const thresh_abi_entry *entry = &library->entries[e];
    printf("entry %s reads %" PRIu64 " dense %" PRIu64, entry->name, entry->weight_bytes, entry->dense_weight_bytes);
    for (int32_t s = 0; s < library->num_states; ++s)
      printf(" %" PRId64 "x%" PRIu64 "+%" PRId64, entry->state_reads[s].seen_rows, entry->state_reads[s].scanned_bytes,
             entry->state_reads[s].chosen_rows);
    printf("\n");
    print_tensors("input", entry->inputs, entry->num_inputs);
    print_tensors("output", entry->outputs, entry->num_outputs);
  }
  for (int32_t v = 0; v < library->num_variants; ++v) {
    const thresh_abi_variant *variant = &library->variants[v];
    printf("variant %s features %" PRIu64, variant->target, variant->cpu_features);
    for (int32_t e = 0; e < library->num_entries; ++e)
      printf(" %d", variant->functions[e] != NULL);
    printf("\n");
  }
  printf("states %d in %" PRIu64 " bytes, context %" PRId64 ", flags %" PRIu32 "\n", library->num_states,
         library->state_bytes, library->context, library->flags);
  for (int32_t s = 0; s < library->num_states; ++s) {
    const thresh_abi_state *state = &library->states[s];
    printf("state %s dtype %d at %" PRIu64 " bytes %" PRIu64 " window %" PRId64, state->name, state->dtype,
           state->offset, state->bytes, state->window);
    for (int32_t d = 0; d < state->rank; ++d)
      printf("%c%" PRId64, d ? 'x' : ' ', state->shape[d]);
    printf("\n");
  }
  return 0;
}
