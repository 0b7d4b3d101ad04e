//===- WeightsObject.cpp - The packed data as an ELF object --------------------===//
#include "compiler/Weights/WeightsPlan.h"

#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/MathExtras.h"

#include <type_traits>

using namespace mlir;
namespace ELF = llvm::ELF;

namespace thresh {

namespace {

/// What differs between targets.
struct ElfTarget {
  llvm::Triple::ArchType arch;
  uint16_t machine;
  uint32_t flags;              ///< e_flags
  llvm::StringLiteral section; ///< where read-only data of any size may lie
  uint64_t sectionFlags;
};

constexpr ElfTarget kTargets[] = {
    {llvm::Triple::x86_64, ELF::EM_X86_64, 0, ".lrodata", ELF::SHF_X86_64_LARGE},
    {llvm::Triple::aarch64, ELF::EM_AARCH64, 0, ".rodata", 0},
    {llvm::Triple::riscv64, ELF::EM_RISCV, ELF::EF_RISCV_RVC | ELF::EF_RISCV_FLOAT_ABI_DOUBLE, ".rodata", 0},
};

enum SectionIndex { kNull, kData, kStack, kSymbols, kSymbolNames, kSectionNames, kNumSections };

constexpr uint64_t kDataOffset = 4096;

/// A table of NUL-terminated strings; index 0 is the empty one.
struct StringTable {
  std::string bytes = std::string(1, '\0');
  uint32_t add(StringRef text) {
    uint32_t index = bytes.size();
    bytes += text;
    bytes += '\0';
    return index;
  }
};

} // namespace

template <typename T> static StringRef asBytes(const T &value) {
  static_assert(std::is_trivially_copyable_v<T>);
  return StringRef(reinterpret_cast<const char *>(&value), sizeof(value));
}

static ELF::Elf64_Ehdr makeFileHeader(const ElfTarget &target, uint64_t sectionsOffset) {
  ELF::Elf64_Ehdr header = {};
  std::copy_n(ELF::ElfMagic, 4, header.e_ident);
  header.e_ident[ELF::EI_CLASS] = ELF::ELFCLASS64;
  header.e_ident[ELF::EI_DATA] = ELF::ELFDATA2LSB;
  header.e_ident[ELF::EI_VERSION] = ELF::EV_CURRENT;
  header.e_type = ELF::ET_REL;
  header.e_machine = target.machine;
  header.e_version = ELF::EV_CURRENT;
  header.e_flags = target.flags;
  header.e_shoff = sectionsOffset;
  header.e_ehsize = sizeof(ELF::Elf64_Ehdr);
  header.e_shentsize = sizeof(ELF::Elf64_Shdr);
  header.e_shnum = kNumSections;
  header.e_shstrndx = kSectionNames;
  return header;
}

/// Everything after the data: symbols, names, section headers; the caller has written `dataBytes` of data
/// from kDataOffset on. Returns the offset of the section headers.
static uint64_t writeTables(llvm::raw_ostream &out, const ElfTarget &target, StringRef symbol, uint64_t dataBytes) {
  StringTable symbolNames, sectionNames;
  ELF::Elf64_Sym symbols[2] = {};
  symbols[1].st_name = symbolNames.add(symbol);
  symbols[1].setBindingAndType(ELF::STB_GLOBAL, ELF::STT_OBJECT);
  symbols[1].st_other = ELF::STV_HIDDEN;
  symbols[1].st_shndx = kData;
  symbols[1].st_size = dataBytes;

  ELF::Elf64_Shdr sections[kNumSections] = {};
  auto describe = [&](SectionIndex index, StringRef name, uint32_t type, uint64_t offset, uint64_t size,
                      uint64_t align) {
    sections[index].sh_name = sectionNames.add(name);
    sections[index].sh_type = type;
    sections[index].sh_offset = offset;
    sections[index].sh_size = size;
    sections[index].sh_addralign = align;
  };
  uint64_t end = kDataOffset + dataBytes;
  uint64_t symbolsOffset = llvm::alignTo(end, 8);
  uint64_t namesOffset = symbolsOffset + sizeof(symbols);
  describe(kData, target.section, ELF::SHT_PROGBITS, kDataOffset, dataBytes, 4096);
  sections[kData].sh_flags = ELF::SHF_ALLOC | target.sectionFlags;
  describe(kStack, ".note.GNU-stack", ELF::SHT_PROGBITS, end, 0, 1);
  describe(kSymbols, ".symtab", ELF::SHT_SYMTAB, symbolsOffset, sizeof(symbols), 8);
  sections[kSymbols].sh_link = kSymbolNames;
  sections[kSymbols].sh_info = 1;
  sections[kSymbols].sh_entsize = sizeof(ELF::Elf64_Sym);
  describe(kSymbolNames, ".strtab", ELF::SHT_STRTAB, namesOffset, symbolNames.bytes.size(), 1);
  uint64_t sectionNamesOffset = namesOffset + symbolNames.bytes.size();
  describe(kSectionNames, ".shstrtab", ELF::SHT_STRTAB, sectionNamesOffset, 0, 1);
  sections[kSectionNames].sh_size = sectionNames.bytes.size();
  uint64_t tableOffset = llvm::alignTo(sectionNamesOffset + sectionNames.bytes.size(), 8);

  out.write_zeros(symbolsOffset - end);
  out << asBytes(symbols) << symbolNames.bytes << sectionNames.bytes;
  out.write_zeros(tableOffset - sectionNamesOffset - sectionNames.bytes.size());
  out << asBytes(sections);
  return tableOffset;
}

LogicalResult writeWeightsObject(ModuleOp module, StringRef outFile, StringRef symbol, const llvm::Triple &triple,
                                 PackedWeights &result) {
  const auto *target = llvm::find_if(kTargets, [&](const ElfTarget &known) { return known.arch == triple.getArch(); });
  if (target == std::end(kTargets) || !triple.isOSBinFormatELF())
    return emitError(module.getLoc())
           << "embedded weights: expects an ELF target for x86-64, aarch64 or riscv64, but got " << triple.str();
  FailureOr<WeightsPlan> plan = planWeights(module);
  if (failed(plan))
    return failure();
  auto write = [&](llvm::raw_pwrite_stream &out) -> LogicalResult {
    out.write_zeros(kDataOffset);
    if (failed(streamWeights(*plan, out)))
      return failure();
    uint64_t sectionsOffset = writeTables(out, *target, symbol, plan->weights.dataBytes);
    ELF::Elf64_Ehdr header = makeFileHeader(*target, sectionsOffset);
    out.pwrite(asBytes(header).data(), sizeof(header), 0);
    return success();
  };
  if (failed(writeFileAtomically(module.getLoc(), outFile, write)))
    return failure();
  result = std::move(plan->weights);
  return success();
}

} // namespace thresh
