//===- thresh_run.c - the program thresh-run: the runtime alone ---------------===//
#include "runtime/Tools/run_command.h"

int main(int argc, char **argv) {
  char name[] = "thresh-run";
  if (argc > 0)
    argv[0] = name;
  return thresh_run_command(argc, argv);
}
