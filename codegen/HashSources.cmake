# Writes OUTPUT, a header with a hash of SOURCES and of the Halide version: the code generator's
# identity in the kernel cache.
cmake_policy(VERSION 3.28)
set(hashes "${HALIDE_VERSION}")
foreach(source IN LISTS SOURCES)
  file(SHA256 "${source}" hash)
  string(APPEND hashes "${hash}")
endforeach()
string(SHA256 identity "${hashes}")
file(WRITE "${OUTPUT}" "#define THRESH_CODEGEN_SOURCE_HASH \"${identity}\"\n")
