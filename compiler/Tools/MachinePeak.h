//===- MachinePeak.h - what this machine can do at most ---------------------===//
//
// The yardsticks of `thresh bench`, measured in the same process as the model.
//
//===-----------------------------------------------------------------------===//
#ifndef THRESH_COMPILER_TOOLS_MACHINEPEAK_H
#define THRESH_COMPILER_TOOLS_MACHINEPEAK_H

namespace thresh {

/// f32 operations a second of independent fused multiply-adds (two operations each) in the widest
/// vectors of this CPU on `threads` threads at once: the best window of `seconds` in all.
double measurePeakFlops(int threads, double seconds);

/// Bytes a second that `threads` threads read from a buffer far larger than the last-level cache,
/// the best pass within about `seconds`. 0 when the buffer cannot be had.
double measureReadBandwidth(int threads, double seconds);

} // namespace thresh

#endif // THRESH_COMPILER_TOOLS_MACHINEPEAK_H
