//===- prompt_command.c - prompts, which Python tokenises ----------------------===//
#include "runtime/Tools/prompt_command.h"

#include "runtime/src/status.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/// Sets `path` to `suffix` below the folder `levels` above this program. Returns 0 when there is no such file.
static int find_near(int levels, const char *suffix, char path[PATH_MAX]) {
  char program[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
  if (length < 0)
    return 0;
  program[length] = '\0';
  for (char *slash; levels-- >= 0; *slash = '\0')
    if (!(slash = strrchr(program, '/')))
      return 0;
  int written = snprintf(path, PATH_MAX, "%s/%s", program, suffix);
  return written > 0 && written < PATH_MAX && access(path, R_OK) == 0;
}

/// Lets Python find the package and the runtime of the checkout that this program was built in, if it was.
static void set_environment(void) {
  char path[PATH_MAX], paths[2 * PATH_MAX];
  const char *others = getenv("PYTHONPATH");
  if (find_near(2, "runtime/python", path)) {
    int written = snprintf(paths, sizeof paths, "%s%s%s", path, others ? ":" : "", others ? others : "");
    if (written > 0 && (size_t)written < sizeof paths)
      setenv("PYTHONPATH", paths, 1);
  }
  if (find_near(1, "lib/libthresh_runtime.so", path))
    setenv("THRESH_RUNTIME_LIBRARY", path, 0);
}

thresh_code thresh_prompt_run(int argc, char **argv, thresh_status *status) {
  char beside[PATH_MAX];
  const char *python = getenv("THRESH_PYTHON");
  if (!python || !python[0])
    python = find_near(2, ".venv/bin/python", beside) ? beside : "python3";
  char **arguments = calloc((size_t)argc + 3, sizeof *arguments);
  if (!arguments)
    return thresh_status_set(status, THRESH_OUT_OF_MEMORY, "out of memory");
  char module_flag[] = "-m", module[] = "thresh.generate";
  arguments[0] = strdup(python);
  arguments[1] = module_flag;
  arguments[2] = module;
  memcpy(arguments + 3, argv + 1, (size_t)(argc - 1) * sizeof *argv);
  set_environment();
  if (arguments[0])
    execvp(python, arguments);
  thresh_code code = thresh_status_set(status, THRESH_FILE_ERROR, "--prompt needs Python, but cannot run '%s': %s",
                                       python, strerror(errno));
  free(arguments[0]);
  free(arguments);
  return code;
}
