//===- random.h - the runtime's random numbers --------------------------------===//
#ifndef THRESH_RUNTIME_SRC_RANDOM_H
#define THRESH_RUNTIME_SRC_RANDOM_H

#include <stdint.h>

/// The next number of the splitmix64 generator, whose whole state is `*state`, at first the seed. Equal seeds make
/// equal numbers on every machine.
static inline uint64_t thresh_random_next(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

#endif // THRESH_RUNTIME_SRC_RANDOM_H
