//===- sanitizer_options.cpp - how the sanitizers treat these tests -----------===//

/// Tests ask for more memory than there is and expect an error, not an abort.
extern "C" const char *__asan_default_options() { return "allocator_may_return_null=1"; }
extern "C" const char *__tsan_default_options() { return "allocator_may_return_null=1"; }
