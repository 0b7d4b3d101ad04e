//===- library_file.c - is this file a whole shared library of this machine? --===//
#include "library_file.h"

#include "status.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__)
enum { HOST_MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { HOST_MACHINE = EM_AARCH64 };
#elif defined(__riscv)
enum { HOST_MACHINE = EM_RISCV };
#else
#error "unknown host machine"
#endif

static int read_at(int file, void *to, size_t bytes, uint64_t offset) {
  return pread(file, to, bytes, (off_t)offset) == (ssize_t)bytes ? 0 : -1;
}

/// Checks that every loaded segment lies inside the file.
static thresh_code check_segments(int file, uint64_t file_bytes, const Elf64_Ehdr *header, const char *path,
                                  thresh_status *status) {
  if (header->e_phentsize != sizeof(Elf64_Phdr))
    return thresh_status_set(status, THRESH_INVALID_LIBRARY, "'%s' has a damaged ELF header", path);
  for (unsigned i = 0; i < header->e_phnum; ++i) {
    Elf64_Phdr segment;
    uint64_t end;
    if (read_at(file, &segment, sizeof segment, header->e_phoff + i * sizeof segment))
      return thresh_status_set(status, THRESH_INVALID_LIBRARY, "'%s' is cut short: no program header %u", path, i);
    if (__builtin_add_overflow(segment.p_offset, segment.p_filesz, &end) || end > file_bytes)
      return thresh_status_set(status, THRESH_INVALID_LIBRARY,
                               "'%s' is cut short: segment %u expects at least %llu bytes, but got %llu", path, i,
                               (unsigned long long)end, (unsigned long long)file_bytes);
  }
  return THRESH_OK;
}

thresh_code thresh_library_file_check(const char *path, thresh_status *status) {
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0)
    return thresh_status_set(status, THRESH_INVALID_LIBRARY, "cannot open library '%s': %s", path, strerror(errno));
  struct stat info;
  Elf64_Ehdr header;
  thresh_code code = THRESH_OK;
  if (fstat(file, &info) || !S_ISREG(info.st_mode))
    code = thresh_status_set(status, THRESH_INVALID_LIBRARY, "'%s' is not a regular file", path);
  else if (read_at(file, &header, sizeof header, 0) || memcmp(header.e_ident, ELFMAG, SELFMAG) ||
           header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_type != ET_DYN)
    code = thresh_status_set(status, THRESH_INVALID_LIBRARY, "'%s' is not a 64-bit shared library", path);
  else if (header.e_machine != HOST_MACHINE)
    code = thresh_status_set(status, THRESH_INVALID_LIBRARY,
                             "'%s' is for another machine: expects ELF machine %d, but got %d", path, HOST_MACHINE,
                             header.e_machine);
  else
    code = check_segments(file, (uint64_t)info.st_size, &header, path, status);
  close(file);
  return code;
}
