//===- run_options.c - the command line of `thresh run` and `thresh-run` ------===//
#include "runtime/Tools/run_options.h"

#include "runtime/src/status.h"

#include <errno.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef thresh_code (*option_handler)(thresh_run_options *options, const char *flag, const char *value,
                                      thresh_status *status);

//===-------------------------------------------------------------------------===//
// Values
//===-------------------------------------------------------------------------===//

static thresh_code parse_number(const char *flag, const char *text, int64_t *number, thresh_status *status) {
  char *end;
  errno = 0;
  long long value = strtoll(text, &end, 10);
  if (end == text || *end || errno)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "%s expects a whole number, but got '%s'", flag, text);
  *number = value;
  return THRESH_OK;
}

/// Splits "NAME=REST" at the first '='. `*name` is a copy for the caller to free, `*rest` points into `text`.
static thresh_code split(const char *flag, const char *form, const char *text, char **name, const char **rest,
                         thresh_status *status) {
  const char *equals = strchr(text, '=');
  if (!equals || equals == text || !equals[1])
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "%s expects %s, but got '%s'", flag, form, text);
  *name = strndup(text, (size_t)(equals - text));
  *rest = equals + 1;
  return *name ? THRESH_OK : thresh_status_set(status, THRESH_OUT_OF_MEMORY, "out of memory");
}

static thresh_code add_file(thresh_named_file *files, int *count, const char *flag, const char *value,
                            thresh_status *status) {
  const char *path = NULL;
  thresh_code code = split(flag, "NAME=FILE", value, &files[*count].name, &path, status);
  if (code != THRESH_OK)
    return code;
  files[*count].path = strdup(path);
  return files[(*count)++].path ? THRESH_OK : thresh_status_set(status, THRESH_OUT_OF_MEMORY, "out of memory");
}

//===-------------------------------------------------------------------------===//
// Options
//===-------------------------------------------------------------------------===//

static thresh_code set_input(thresh_run_options *options, const char *flag, const char *value, thresh_status *status) {
  return add_file(options->inputs, &options->sources.num_files, flag, value, status);
}

static thresh_code set_output(thresh_run_options *options, const char *flag, const char *value, thresh_status *status) {
  return add_file(options->outputs, &options->num_outputs, flag, value, status);
}

static thresh_code set_random(thresh_run_options *options, const char *flag, const char *value, thresh_status *status) {
  int64_t seed = 0;
  thresh_code code = parse_number(flag, value, &seed, status);
  options->sources.random = 1;
  options->sources.seed = (uint64_t)seed;
  return code;
}

static thresh_code set_dim(thresh_run_options *options, const char *flag, const char *value, thresh_status *status) {
  thresh_named_number *dim = &options->dims[options->sources.num_dims];
  const char *number = NULL;
  thresh_code code = split(flag, "NAME=N", value, &dim->name, &number, status);
  if (code != THRESH_OK)
    return code;
  ++options->sources.num_dims;
  return parse_number(flag, number, &dim->number, status);
}

static thresh_code set_maximum(thresh_run_options *options, const char *flag, const char *value,
                               thresh_status *status) {
  thresh_named_number *maximum = &options->maxima[options->sources.num_maxima];
  const char *number = value;
  if (strchr(value, '=')) {
    thresh_code code = split(flag, "[NAME=]N", value, &maximum->name, &number, status);
    if (code != THRESH_OK)
      return code;
  }
  ++options->sources.num_maxima;
  return parse_number(flag, number, &maximum->number, status);
}

static thresh_code set_entry(thresh_run_options *options, const char *flag, const char *value, thresh_status *status) {
  (void)flag, (void)status;
  options->entry = value;
  return THRESH_OK;
}

static thresh_code set_target(thresh_run_options *options, const char *flag, const char *value, thresh_status *status) {
  (void)flag, (void)status;
  options->target = value;
  return THRESH_OK;
}

static thresh_code set_weights(thresh_run_options *options, const char *flag, const char *value,
                               thresh_status *status) {
  (void)flag, (void)status;
  options->weights = value;
  return THRESH_OK;
}

/// A number of at least 1.
static thresh_code parse_count(const char *flag, const char *value, int64_t *number, thresh_status *status) {
  thresh_code code = parse_number(flag, value, number, status);
  if (code == THRESH_OK && *number < 1)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "%s expects 1 or more, but got '%s'", flag, value);
  return code;
}

static thresh_code set_threads(thresh_run_options *options, const char *flag, const char *value,
                               thresh_status *status) {
  return parse_count(flag, value, &options->threads, status);
}

static thresh_code set_repeat(thresh_run_options *options, const char *flag, const char *value, thresh_status *status) {
  return parse_count(flag, value, &options->repeat, status);
}

//===-------------------------------------------------------------------------===//
// Options of texts
//===-------------------------------------------------------------------------===//

/// A finite number above 0 and at most `most`.
static thresh_code parse_positive(const char *flag, const char *text, double most, double *number,
                                  thresh_status *status) {
  char *end;
  double value = strtod(text, &end);
  if (end == text || *end || !(value > 0 && value <= most))
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "%s expects a number above 0%s, but got '%s'", flag,
                             most == 1 ? " and at most 1" : "", text);
  *number = value;
  return THRESH_OK;
}

static thresh_code parse_natural(const char *flag, const char *text, int64_t *number, thresh_status *status) {
  thresh_code code = parse_number(flag, text, number, status);
  if (code == THRESH_OK && *number < 0)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "%s expects 0 or more, but got '%s'", flag, text);
  return code;
}

static thresh_code set_tokens(thresh_run_options *options, const char *flag, const char *value, thresh_status *status) {
  thresh_text_options *text = &options->text;
  free(text->tokens);
  text->num_tokens = 0;
  text->tokens = calloc(strlen(value) / 2 + 1, sizeof *text->tokens);
  if (!text->tokens)
    return thresh_status_set(status, THRESH_OUT_OF_MEMORY, "out of memory");
  for (const char *at = value;; ++at) {
    char *end;
    errno = 0;
    long long token = strtoll(at, &end, 10);
    if (end == at || errno || (*end && *end != ','))
      return thresh_status_set(status, THRESH_INVALID_ARGUMENT,
                               "%s expects whole numbers with commas between, but got '%s'", flag, value);
    text->tokens[text->num_tokens++] = token;
    if (!*end)
      return THRESH_OK;
    at = end;
  }
}

static thresh_code set_prompt(thresh_run_options *options, const char *flag, const char *value, thresh_status *status) {
  (void)flag, (void)status;
  options->text.prompt = value;
  return THRESH_OK;
}

static thresh_code set_tokenizer(thresh_run_options *options, const char *flag, const char *value,
                                 thresh_status *status) {
  (void)flag, (void)status;
  options->text.tokenizer = value;
  return THRESH_OK;
}

static thresh_code set_logits(thresh_run_options *options, const char *flag, const char *value, thresh_status *status) {
  (void)flag, (void)status;
  options->text.logits = value;
  return THRESH_OK;
}

static thresh_code set_new_tokens(thresh_run_options *options, const char *flag, const char *value,
                                  thresh_status *status) {
  return parse_natural(flag, value, &options->text.new_tokens, status);
}

static thresh_code set_greedy(thresh_run_options *options, const char *flag, const char *value, thresh_status *status) {
  (void)flag, (void)value, (void)status;
  options->text.greedy = 1;
  return THRESH_OK;
}

static thresh_code set_temperature(thresh_run_options *options, const char *flag, const char *value,
                                   thresh_status *status) {
  return parse_positive(flag, value, FLT_MAX, &options->text.temperature, status);
}

static thresh_code set_top_k(thresh_run_options *options, const char *flag, const char *value, thresh_status *status) {
  return parse_natural(flag, value, &options->text.top_k, status);
}

static thresh_code set_top_p(thresh_run_options *options, const char *flag, const char *value, thresh_status *status) {
  return parse_positive(flag, value, 1, &options->text.top_p, status);
}

static thresh_code set_repetition_penalty(thresh_run_options *options, const char *flag, const char *value,
                                          thresh_status *status) {
  return parse_positive(flag, value, FLT_MAX, &options->text.repetition_penalty, status);
}

static thresh_code set_seed(thresh_run_options *options, const char *flag, const char *value, thresh_status *status) {
  return parse_number(flag, value, &options->text.seed, status);
}

static thresh_code set_help(thresh_run_options *options, const char *flag, const char *value, thresh_status *status) {
  (void)flag, (void)value, (void)status;
  options->help = 1;
  return THRESH_OK;
}

/// What an option is about: a command line about both tensors and a text is an error.
typedef enum option_subject { ANY, TENSORS, TEXT } option_subject;

static const struct {
  const char *flag;
  const char *value; ///< NULL when the option takes none
  option_handler handler;
  option_subject subject;
  const char *help;
} option_table[] = {
    {"--input", "NAME=FILE", set_input, TENSORS, "read this input from a .npy file (repeatable)"},
    {"--output", "NAME=FILE", set_output, TENSORS, "write this output to a .npy file (repeatable)"},
    {"--random", "SEED", set_random, TENSORS, "make the inputs that have no file and no default at random"},
    {"--dim", "NAME=N", set_dim, TENSORS, "extent of a dynamic dimension of random inputs; 1 unless a file says it"},
    {"--random-max", "[NAME=]N", set_maximum, TENSORS, "largest random integer, of all inputs or of one (default 1)"},
    {"--entry", "NAME", set_entry, ANY, "entry point to run (default: the first), or to make --logits with"},
    {"--threads", "N", set_threads, ANY, "threads of parallel loops (default: the CPUs allowed)"},
    {"--repeat", "N", set_repeat, TENSORS, "run once, then N times more, and print the times of those"},
    {"--weights", "FILE", set_weights, ANY, "weights file (default: the one beside the library)"},
    {"--target", "NAME", set_target, ANY, "variant to run (default: the best for this CPU)"},
    {"--tokens", "N,N,...", set_tokens, TEXT, "continue these tokens; prints the new ones, with commas between"},
    {"--prompt", "TEXT", set_prompt, TEXT, "continue this text; needs Python with the packages of runtime/python"},
    {"--tokenizer", "FILE", set_tokenizer, TEXT,
     "tokenizer.json or tokenizer.model (default: the one beside the library)"},
    {"-n", "N", set_new_tokens, TEXT, "most tokens to make (default: 64, with --logits none)"},
    {"--logits", "FILE", set_logits, TEXT, "write the logits after each token of --tokens to a .npy file"},
    {"--greedy", NULL, set_greedy, TEXT, "take the likeliest token"},
    {"--temperature", "X", set_temperature, TEXT, "draw tokens at this temperature"},
    {"--top-k", "N", set_top_k, TEXT, "draw from the N likeliest tokens; 0: from all"},
    {"--top-p", "X", set_top_p, TEXT, "draw from the likeliest tokens that have this share"},
    {"--repetition-penalty", "X", set_repetition_penalty, TEXT, "divide the logits of tokens that the text has"},
    {"--seed", "N", set_seed, TEXT, "draw other tokens (default 0)"},
    {"--help", NULL, set_help, ANY, "print this text"},
};

enum { NUM_OPTIONS = sizeof option_table / sizeof option_table[0] };

void thresh_run_options_help(const char *program) {
  printf("usage: %s LIBRARY.so [options]\n\n"
         "Runs a library that the thresh compiler made.\n\n"
         "options:\n",
         program);
  for (int i = 0; i < NUM_OPTIONS; ++i) {
    const char *value = option_table[i].value ? option_table[i].value : "";
    printf("  %-20s %-10s %s\n", option_table[i].flag, value, option_table[i].help);
  }
  printf(
      "\nTensors: every input needs a file or --random. Random floats lie in [-1, 1), integers in 0 to the largest "
      "(the\n"
      "default of 1 suits token ids, masks and token types alike), booleans are 0 or 1; the same seed makes the\n"
      "same numbers. Without --output each output is described on a line: name, dtype, shape, range, first values.\n"
      "Output files appear whole, all or none. Exit code 1 on any error.\n\n"
      "Texts: tokens are chosen as the model's makers say unless an option says otherwise; --temperature, --top-k\n"
      "and --top-p mean drawing. A text ends at a stop token of the model. Standard error gets a line of figures.\n\n"
      "examples:\n"
      "  %s model.so --random 1 --dim batch=1 --dim seq=128 --output last_hidden_state=y.npy\n"
      "  %s model.so --tokens 5,7,9 -n 64\n",
      program, program);
}

//===-------------------------------------------------------------------------===//
// Parsing
//===-------------------------------------------------------------------------===//

/// Handles argv[*index], which starts with "-", and its value.
static thresh_code parse_option(int argc, char **argv, int *index, thresh_run_options *options, thresh_status *status) {
  const char *argument = argv[*index];
  const char *equals = strchr(argument, '=');
  size_t length = equals ? (size_t)(equals - argument) : strlen(argument);
  for (int i = 0; i < NUM_OPTIONS; ++i) {
    const char *flag = option_table[i].flag;
    if (strlen(flag) != length || memcmp(flag, argument, length))
      continue;
    const char *value = equals ? equals + 1 : NULL;
    if (!option_table[i].value && value)
      return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "%s expects no value, but got '%s'", flag, value);
    if (option_table[i].value && !value && *index + 1 < argc)
      value = argv[++*index];
    if (option_table[i].value && (!value || !value[0]))
      return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "%s expects %s, but got nothing", flag,
                               option_table[i].value);
    if (option_table[i].subject == TEXT)
      options->text.last_flag = flag;
    if (option_table[i].subject == TENSORS)
      options->tensor_flag = flag;
    return option_table[i].handler(options, flag, value, status);
  }
  return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "no option '%.*s'; --help lists them", (int)length,
                           argument);
}

/// Checks that the options make one request.
static thresh_code check_together(const thresh_run_options *options, thresh_status *status) {
  const thresh_text_options *text = &options->text;
  const char *first = NULL, *second = NULL;
  if (text->last_flag && options->tensor_flag)
    first = options->tensor_flag, second = text->last_flag;
  else if (text->tokens && text->prompt)
    first = "--tokens", second = "--prompt";
  else if (text->prompt && text->logits)
    first = "--prompt", second = "--logits";
  else if (text->greedy && (text->temperature > 0 || text->top_p > 0 || text->top_k >= 0))
    first = "--greedy", second = text->temperature > 0 ? "--temperature" : text->top_p > 0 ? "--top-p" : "--top-k";
  if (first)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "expects %s or %s, but got both", first, second);
  if (text->last_flag && !text->tokens && !text->prompt)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "%s expects --tokens or --prompt, but got neither",
                             text->last_flag);
  if (text->last_flag && options->entry && !text->logits)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "--entry expects --logits, but got none");
  return thresh_status_ok(status);
}

static thresh_code parse_all(int argc, char **argv, thresh_run_options *options, thresh_status *status) {
  for (int i = 1; i < argc; ++i) {
    thresh_code code = THRESH_OK;
    if (argv[i][0] == '-' && argv[i][1])
      code = parse_option(argc, argv, &i, options, status);
    else if (options->library)
      code = thresh_status_set(status, THRESH_INVALID_ARGUMENT, "expects one library, but got '%s' and '%s'",
                               options->library, argv[i]);
    else
      options->library = argv[i];
    if (code != THRESH_OK)
      return code;
  }
  if (options->help)
    return thresh_status_ok(status);
  if (!options->library)
    return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "expects a library; --help says more");
  return check_together(options, status);
}

thresh_code thresh_run_options_parse(int argc, char **argv, thresh_run_options *options, thresh_status *status) {
  *options = (thresh_run_options){.text = {.new_tokens = -1, .top_k = -1}};
  size_t most = (size_t)argc + 1;
  options->sources.files = options->inputs = calloc(most, sizeof *options->inputs);
  options->outputs = calloc(most, sizeof *options->outputs);
  options->sources.dims = options->dims = calloc(most, sizeof *options->dims);
  options->sources.maxima = options->maxima = calloc(most, sizeof *options->maxima);
  int have_memory = options->inputs && options->outputs && options->dims && options->maxima;
  thresh_code code = have_memory ? parse_all(argc, argv, options, status)
                                 : thresh_status_set(status, THRESH_OUT_OF_MEMORY, "out of memory");
  if (code != THRESH_OK)
    thresh_run_options_free(options);
  return code;
}

static void free_files(thresh_named_file *files, int count) {
  for (int i = 0; i < count; ++i) {
    free(files[i].name);
    free(files[i].path);
  }
  free(files);
}

static void free_numbers(thresh_named_number *numbers, int count) {
  for (int i = 0; i < count; ++i)
    free(numbers[i].name);
  free(numbers);
}

void thresh_run_options_free(thresh_run_options *options) {
  free_files(options->inputs, options->sources.num_files);
  free_files(options->outputs, options->num_outputs);
  free_numbers(options->dims, options->sources.num_dims);
  free_numbers(options->maxima, options->sources.num_maxima);
  free(options->text.tokens);
  *options = (thresh_run_options){0};
}
