/* embed.c - how close two sentences are in meaning, from C.
 *
 *   embed MODEL.so IDS IDS
 *
 * MODEL.so: all-MiniLM-L6-v2 as `thresh compile` made it. IDS: the token ids of a sentence, as in 101,4937,102.
 * Prints the cosine of the two sentences' embeddings, each the mean of the last hidden states. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "thresh/thresh.h"

enum { MAX_TOKENS = 512, MAX_WIDTH = 4096 };

static void die(const char *message) {
  fprintf(stderr, "embed: %s\n", message);
  exit(1);
}

static int64_t parse_ids(const char *text, int64_t *ids) {
  for (int64_t count = 0; count < MAX_TOKENS;) {
    char *end;
    ids[count++] = strtoll(text, &end, 10);
    if (end == text || (*end != ',' && *end != '\0'))
      die("expects token ids such as 101,4937,102");
    if (*end == '\0')
      return count;
    text = end + 1;
  }
  die("expects at most 512 token ids");
  return 0;
}

/* Writes the unit vector of one sentence; returns its width. */
static int64_t embed(thresh_session *session, const char *text, float *vector) {
  static int64_t ids[MAX_TOKENS];
  int64_t count = parse_ids(text, ids);
  thresh_input input = {"input_ids", THRESH_I64, 2, {1, count}, ids, (size_t)count * sizeof(int64_t)};
  thresh_output output = {.name = "last_hidden_state"};
  thresh_status status;
  if (thresh_session_run(session, 0, &input, 1, &output, 1, &status) != THRESH_OK)
    die(status.message);

  const float *states = output.data; /* [1, count, width], memory of the session */
  int64_t width = output.shape[2];
  double squares = 0;
  if (width > MAX_WIDTH)
    die("expects a model of width 4096 at most");
  for (int64_t i = 0; i < width; ++i) {
    vector[i] = 0;
    for (int64_t token = 0; token < count; ++token)
      vector[i] += states[token * width + i];
    squares += (double)vector[i] * vector[i];
  }
  for (int64_t i = 0; i < width; ++i)
    vector[i] /= (float)sqrt(squares);
  return width;
}

int main(int argc, char **argv) {
  static float first[MAX_WIDTH], second[MAX_WIDTH];
  thresh_model *model;
  thresh_session *session;
  thresh_status status;
  if (argc != 4)
    die("usage: embed MODEL.so IDS IDS");
  if (thresh_model_open(argv[1], NULL, &model, &status) != THRESH_OK)
    die(status.message);
  if (thresh_session_create(model, &session, &status) != THRESH_OK)
    die(status.message);

  double cosine = 0;
  int64_t width = embed(session, argv[2], first);
  embed(session, argv[3], second);
  for (int64_t i = 0; i < width; ++i)
    cosine += (double)first[i] * second[i];
  printf("%.4f\n", cosine);

  thresh_session_free(session);
  thresh_model_close(model);
  return 0;
}
