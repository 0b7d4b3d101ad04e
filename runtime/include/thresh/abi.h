/* thresh/abi.h - what a compiled library exports to the runtime: one constant table.
 *
 * The compiler writes a `const thresh_abi_library` named `thresh_library` into every library it
 * emits; it is the library's only exported symbol. The runtime reads the table and nothing else, so
 * it parses no text. Pointers in the table live as long as the library is loaded. Programs include
 * thresh.h instead.
 *
 * Layout rules: every field has a fixed size on a 64-bit target; the compiler emits the same structs
 * field by field (compiler/Pipeline/LibraryTable.cpp), and a test compares the two.
 */
#ifndef THRESH_ABI_H
#define THRESH_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define THRESH_ABI_VERSION 5

/* Element types. The numbers are part of the ABI. */
typedef enum thresh_dtype {
  THRESH_F32 = 0,
  THRESH_F64 = 1,
  THRESH_F16 = 2,
  THRESH_BF16 = 3,
  THRESH_I8 = 4,
  THRESH_U8 = 5,
  THRESH_I16 = 6,
  THRESH_U16 = 7,
  THRESH_I32 = 8,
  THRESH_U32 = 9,
  THRESH_I64 = 10,
  THRESH_U64 = 11,
  THRESH_BOOL = 12 /* one byte, 0 or 1 */
} thresh_dtype;

/* CPU features that a variant needs; bit numbers are part of the ABI. */
enum {
  THRESH_CPU_AVX2 = 1 << 0,        /* x86-64-v3: AVX2, FMA, F16C, BMI2 */
  THRESH_CPU_AVX512 = 1 << 1,      /* x86-64-v4: AVX-512 F, BW, CD, DQ, VL */
  THRESH_CPU_AVX512_VNNI = 1 << 2, /* int8 dot products */
  THRESH_CPU_AVX512_BF16 = 1 << 3,
  THRESH_CPU_AMX = 1 << 4, /* AMX tiles, int8 and bf16 */
  /* x86-64-v4-vnni: what Zen 4 adds to x86-64-v4 for vectors. AVX-512 IFMA, VBMI, VBMI2, VNNI, BITALG, VPOPCNTDQ
   * and BF16, GFNI, SSE4A */
  THRESH_CPU_ZEN4 = 1 << 5
};

/* One declared input or output of an entry point. */
typedef struct thresh_abi_tensor {
  const char *name;
  int32_t dtype; /* thresh_dtype */
  int32_t rank;
  const int64_t *shape;           /* rank extents; -1 where dynamic */
  const char *const *dim_symbols; /* rank names; NULL where static. Equal names mean equal extents. */
  /* Inputs: 1 when the caller may leave it out. The runtime then passes a tensor whose extents come from
   * the symbols that the given inputs bind, every element `default_value` (converted to dtype). */
  int32_t optional;
  int32_t reserved; /* 0 */
  int64_t default_value;
} thresh_abi_tensor;

/* One tensor of a call: dense, row-major, aligned to its element size at least. */
typedef struct thresh_abi_view {
  void *data;
  const int64_t *shape;
} thresh_abi_view;

/* What the runtime hands to an entry point. The callbacks may be called from the calling thread only. */
typedef struct thresh_abi_call {
  const thresh_abi_view *inputs; /* in the order of the entry's declaration, shapes already checked */
  const uint8_t *weights;        /* start of the packed weights, 4096-byte aligned; NULL if there are none */
  void *context;                 /* passed back to the callbacks */
  /* Scratch memory of the call, 64-byte aligned, valid until the entry returns. NULL: out of memory
   * (recorded by the runtime); the entry returns at once. Called at most once per call. */
  void *(*arena)(void *context, int64_t bytes);
  /* Memory of output `index` for the given extents, 64-byte aligned when the session owns it. NULL:
   * the caller's buffer does not fit (recorded by the runtime); the entry returns at once. An entry writes states
   * after it has all its outputs. */
  void *(*output)(void *context, int32_t index, const int64_t *shape);
  /* Records why the entry gives up: a static printf format with up to two int64_t values (%lld). */
  void (*fail)(void *context, const char *format, int64_t a, int64_t b);
  uint8_t *state;   /* the session's state memory, 64-byte aligned; NULL if the library declares none */
  int64_t position; /* tokens that the session held before this call; position + new tokens <= context */
  /* NULL, or called after each kernel of the entry; `launch` counts them from 0, in the order of the metadata. */
  void (*launched)(void *context, int32_t launch);
} thresh_abi_call;

/* Runs one entry point. Returns 0, or nonzero after arena, output or fail recorded the reason. */
typedef int32_t (*thresh_abi_function)(const thresh_abi_call *call);

/* What a run on one token reads of a state: `scanned_bytes` of the row of each token that it sees, the last
 * `seen_rows` at most, and of `chosen_rows` of those, as many as are expected, the rest. A model without sparse
 * attention would read whole rows of all that it sees. */
typedef struct thresh_abi_state_reads {
  int64_t seen_rows; /* 0 to the rows of the state */
  uint64_t scanned_bytes;
  int64_t chosen_rows;
} thresh_abi_state_reads;

/* One entry point: "main", or "prefill" and "decode". */
typedef struct thresh_abi_entry {
  const char *name;
  int32_t num_inputs;
  int32_t num_outputs;
  const thresh_abi_tensor *inputs;
  const thresh_abi_tensor *outputs;
  int32_t token_input; /* input whose last extent is the number of tokens that a call appends to the states; -1: none */
  int32_t reserved;    /* 0 */
  /* Bytes of the weights that a call reads whose dynamic extents are all 1, of rows that it chooses as many as are
   * expected; 0: unknown. `dense_weight_bytes` with all rows instead. */
  uint64_t weight_bytes;
  uint64_t dense_weight_bytes;
  const thresh_abi_state_reads *state_reads; /* one per state; NULL: all rows are seen and scanned */
} thresh_abi_entry;

/* Memory that a session keeps between calls: a key or value cache, one row per token. Token t is in row
 * t modulo the number of rows. A state with a window may have fewer rows than the context; it then holds the last
 * tokens only. */
typedef struct thresh_abi_state {
  const char *name;
  int32_t dtype; /* thresh_dtype */
  int32_t rank;
  const int64_t *shape; /* rank static extents; shape[0] rows, at most the context */
  uint64_t offset;      /* bytes from the start of the state memory; a multiple of 64 */
  uint64_t bytes;
  int64_t window; /* tokens that a token looks back on, itself included, at most shape[0]; 0: all */
} thresh_abi_state;

/* How the tokens of a language model are chosen unless the caller says otherwise; what its makers wrote. */
typedef struct thresh_abi_generation {
  const int64_t *stop_tokens; /* num_stop_tokens of them: any of them ends a text */
  int32_t num_stop_tokens;
  int32_t do_sample;        /* 1: draw at random; 0: take the likeliest */
  int64_t bos_token;        /* starts every text; -1: none */
  float temperature;        /* above 0; 1: leave the logits as they are */
  float top_p;              /* above 0; 1: off */
  float repetition_penalty; /* above 0; 1: off */
  int32_t top_k;            /* 0: off */
} thresh_abi_generation;

/* The code of all entry points for one target. */
typedef struct thresh_abi_variant {
  const char *target;                   /* e.g. "x86-64-v4" */
  uint64_t cpu_features;                /* THRESH_CPU_* bits that this variant needs */
  const thresh_abi_function *functions; /* one per entry, in the order of `entries` */
} thresh_abi_variant;

/* Halide's parallel loop hooks (halide_do_par_for with user_context). */
typedef int (*thresh_abi_task)(void *user_context, int index, uint8_t *closure);
typedef int (*thresh_abi_par_for)(void *user_context, thresh_abi_task task, int min, int size, uint8_t *closure);

/* Bits of thresh_abi_library.flags. */
enum {
  THRESH_LIBRARY_APPROXIMATE = 1 << 0 /* layers are sparse that the model's makers trained dense */
};

typedef struct thresh_abi_library {
  uint32_t abi_version; /* THRESH_ABI_VERSION */
  int32_t num_entries;
  const thresh_abi_entry *entries;
  int32_t num_variants;
  int32_t reserved;
  const thresh_abi_variant *variants; /* best first; the runtime takes the first that this CPU can run */
  const char *metadata;               /* JSON for `thresh inspect`, NUL-terminated */
  const char *weights_file;           /* name beside the library, NULL when embedded or none */
  const uint8_t *weights_embedded;    /* 4096-byte aligned packed data, or NULL */
  uint64_t weights_bytes;             /* bytes of packed data (the safetensors data section) */
  uint64_t weights_header_bytes;      /* offset of the data in the weights file: 8 + header length */
  uint64_t weights_id;                /* FNV-1a 64 of the weights file's first weights_header_bytes bytes */
  /* Installs the runtime's thread pool in the library's Halide runtime; returns the previous hook. */
  thresh_abi_par_for (*set_par_for)(thresh_abi_par_for par_for);
  /* num_states of them; a session holds state_bytes of memory for all, zero at its start. */
  const thresh_abi_state *states;
  int32_t num_states;
  uint32_t flags; /* THRESH_LIBRARY_* bits */
  uint64_t state_bytes;
  int64_t context;                         /* most tokens that a session can hold; 0 without states */
  const thresh_abi_generation *generation; /* NULL when unknown */
} thresh_abi_library;

#define THRESH_ABI_SYMBOL "thresh_library"

#ifdef __cplusplus
}
#endif

#endif /* THRESH_ABI_H */
