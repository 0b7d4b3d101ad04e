//===- run_command.c - the command `thresh run` -------------------------------===//
#include "runtime/Tools/run_command.h"

#include "runtime/Tools/npy.h"
#include "runtime/Tools/print.h"
#include "runtime/Tools/prompt_command.h"
#include "runtime/Tools/run_options.h"
#include "runtime/Tools/text_command.h"
#include "runtime/src/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/// What a run holds until it ends. Zero-initialise.
typedef struct run_job {
  thresh_run_options options;
  thresh_model *model;
  thresh_session *session;
  int32_t entry;
  const thresh_entry_info *info;
  thresh_input *inputs;
  int32_t num_inputs;
  thresh_output *outputs;
  int32_t num_outputs;
  thresh_staged_file *files; ///< one per --output
} run_job;

//===-------------------------------------------------------------------------===//
// Preparing
//===-------------------------------------------------------------------------===//

static thresh_code find_entry(run_job *job, thresh_status *status) {
  const char *name = job->options.entry;
  job->entry = name ? thresh_model_find_entry(job->model, name) : 0;
  job->info = thresh_model_entry(job->model, job->entry);
  if (job->info)
    return THRESH_OK;
  thresh_text names = {0};
  for (int32_t i = 0; i < thresh_model_num_entries(job->model); ++i)
    thresh_text_append(&names, "%s'%s'", i ? ", " : "", thresh_model_entry(job->model, i)->name);
  return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "the library has no entry '%s'; it has %s", name,
                           names.chars);
}

/// Asks for the outputs that --output names, or for all.
static thresh_code make_outputs(run_job *job, thresh_status *status) {
  const thresh_run_options *options = &job->options;
  job->num_outputs = options->num_outputs ? options->num_outputs : job->info->num_outputs;
  job->outputs = calloc((size_t)job->num_outputs + 1, sizeof *job->outputs);
  job->files = calloc((size_t)options->num_outputs + 1, sizeof *job->files);
  job->inputs = calloc((size_t)job->info->num_inputs + 1, sizeof *job->inputs);
  if (!job->outputs || !job->files || !job->inputs)
    return thresh_status_set(status, THRESH_OUT_OF_MEMORY, "out of memory");
  for (int i = 0; i < options->num_outputs; ++i) {
    job->outputs[i].name = options->outputs[i].name;
    for (int j = 0; j < i; ++j)
      if (!strcmp(options->outputs[i].path, options->outputs[j].path))
        return thresh_status_set(status, THRESH_INVALID_ARGUMENT, "two outputs go to '%s'", options->outputs[i].path);
  }
  return THRESH_OK;
}

static thresh_code open_model(run_job *job, thresh_status *status) {
  const thresh_run_options *options = &job->options;
  const thresh_open_options open = {.weights_path = options->weights, .target = options->target};
  thresh_code code = THRESH_OK;
  if (options->threads)
    code = thresh_set_num_threads(options->threads > INT32_MAX ? INT32_MAX : (int32_t)options->threads, status);
  if (code == THRESH_OK)
    code = thresh_model_open(options->library, &open, &job->model, status);
  return code;
}

static thresh_code prepare(run_job *job, thresh_status *status) {
  thresh_code code = find_entry(job, status);
  if (code == THRESH_OK)
    code = make_outputs(job, status);
  if (code == THRESH_OK)
    code = thresh_inputs_make(job->info, &job->options.sources, job->inputs, &job->num_inputs, status);
  if (code == THRESH_OK)
    code = thresh_session_create(job->model, &job->session, status);
  return code;
}

//===-------------------------------------------------------------------------===//
// Running
//===-------------------------------------------------------------------------===//

static thresh_code run_once(run_job *job, thresh_status *status) {
  return thresh_session_run(job->session, job->entry, job->inputs, job->num_inputs, job->outputs, job->num_outputs,
                            status);
}

static double now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec * 1e-6;
}

static int compare_times(const void *a, const void *b) {
  double left = *(const double *)a, right = *(const double *)b;
  return (left > right) - (left < right);
}

static thresh_code run_repeatedly(run_job *job, thresh_status *status) {
  size_t count = (size_t)job->options.repeat;
  double *times = calloc(count, sizeof *times), sum = 0;
  if (!times)
    return thresh_status_set(status, THRESH_OUT_OF_MEMORY, "out of memory for %zu times", count);
  thresh_code code = THRESH_OK;
  for (size_t i = 0; code == THRESH_OK && i < count; ++i) {
    double start = now_ms();
    code = run_once(job, status);
    times[i] = now_ms() - start;
    sum += times[i];
  }
  if (code == THRESH_OK) {
    qsort(times, count, sizeof *times, compare_times);
    printf("%zu runs on %d threads, target %s: median %.4f ms, min %.4f ms, mean %.4f ms, max %.4f ms\n", count,
           thresh_num_threads(), thresh_model_target(job->model), times[count / 2], times[0], sum / (double)count,
           times[count - 1]);
  }
  free(times);
  return code;
}

/// Writes every file under its temporary name, then renames them all.
static thresh_code write_files(run_job *job, thresh_status *status) {
  thresh_code code = THRESH_OK;
  for (int i = 0; code == THRESH_OK && i < job->options.num_outputs; ++i) {
    const thresh_output *output = &job->outputs[i];
    thresh_npy_array array = {
        .dtype = output->dtype, .rank = output->rank, .data = output->data, .bytes = output->bytes};
    memcpy(array.shape, output->shape, sizeof array.shape);
    code = thresh_npy_stage(job->options.outputs[i].path, &array, &job->files[i], status);
  }
  for (int i = 0; code == THRESH_OK && i < job->options.num_outputs; ++i)
    code = thresh_staged_file_commit(&job->files[i], status);
  return code;
}

static thresh_code run_text(run_job *job, thresh_status *status) {
  thresh_code code = open_model(job, status);
  if (code == THRESH_OK)
    code = thresh_session_create(job->model, &job->session, status);
  return code == THRESH_OK ? thresh_text_run(&job->options, job->model, job->session, status) : code;
}

static thresh_code run_tensors(run_job *job, thresh_status *status) {
  thresh_code code = open_model(job, status);
  if (code == THRESH_OK)
    code = prepare(job, status);
  if (code == THRESH_OK)
    code = run_once(job, status);
  if (code == THRESH_OK && job->options.repeat)
    code = run_repeatedly(job, status);
  if (code != THRESH_OK || job->options.num_outputs)
    return code == THRESH_OK ? write_files(job, status) : code;
  for (int32_t i = 0; i < job->num_outputs; ++i)
    thresh_print_output(job->info->outputs[i].name, &job->outputs[i]);
  return THRESH_OK;
}

static void end(run_job *job) {
  thresh_inputs_free(job->inputs, job->num_inputs);
  for (int i = 0; job->files && i < job->options.num_outputs; ++i)
    thresh_staged_file_discard(&job->files[i]);
  free(job->inputs);
  free(job->outputs);
  free(job->files);
  thresh_session_free(job->session);
  thresh_model_close(job->model);
  thresh_run_options_free(&job->options);
}

int thresh_run_command(int argc, char **argv) {
  const char *program = argc > 0 ? argv[0] : "thresh-run";
  run_job job = {0};
  thresh_status status;
  thresh_code code = thresh_run_options_parse(argc, argv, &job.options, &status);
  if (code == THRESH_OK && job.options.help)
    thresh_run_options_help(program);
  else if (code == THRESH_OK && job.options.text.prompt)
    code = thresh_prompt_run(argc, argv, &status);
  else if (code == THRESH_OK)
    code = job.options.text.tokens ? run_text(&job, &status) : run_tensors(&job, &status);
  if (code == THRESH_OK && (fflush(stdout) || ferror(stdout)))
    code = thresh_status_set(&status, THRESH_FILE_ERROR, "cannot write to standard output");
  if (code != THRESH_OK)
    fprintf(stderr, "%s: error: %s\n", program, status.message);
  end(&job);
  return code == THRESH_OK ? 0 : 1;
}
