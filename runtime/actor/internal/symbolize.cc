// Copyright 2026 The tractor authors. SPDX-License-Identifier: Apache-2.0
#include "runtime/actor/internal/symbolize.h"

#include <cxxabi.h>
#include <dwarf.h>
#include <elf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

#include "os/fd.h"

namespace tractor::internal {
namespace {

// A program of this size takes 5 ms. In one that is much larger the lines that
// are not found by then stay unknown; names have been found by then.
constexpr int64_t kMaxCpuMillis = 30;

// The device, number and time of the file tell it from every other one.
uint64_t IdentityOfProgram() {
  struct stat file = {};
  if (stat("/proc/self/exe", &file) != 0) return 0;
  uint64_t hash = file.st_dev;
  for (const uint64_t part :
       {static_cast<uint64_t>(file.st_ino), static_cast<uint64_t>(file.st_size),
        static_cast<uint64_t>(file.st_mtim.tv_sec),
        static_cast<uint64_t>(file.st_mtim.tv_nsec)}) {
    hash = (hash ^ part) * 0x9E3779B97F4A7C15ULL;
  }
  return hash;
}

ProgramImage FindImageNow() {
  ProgramImage image;
  const auto take_first = [](dl_phdr_info* info, size_t, void* data) {
    ProgramImage& found = *static_cast<ProgramImage*>(data);
    found.bias = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; ++i) {
      const ElfW(Phdr)& segment = info->dlpi_phdr[i];
      if (segment.p_type != PT_LOAD) continue;
      const uintptr_t begin = found.bias + segment.p_vaddr;
      found.begin = std::min(found.begin, begin);
      found.end = std::max(found.end, begin + segment.p_memsz);
    }
    return 1;  // the program comes first
  };
  dl_iterate_phdr(take_first, &image);
  image.identity = IdentityOfProgram();
  return image;
}

std::string Demangled(const char* name) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(name, nullptr, nullptr, &status), &std::free);
  return status == 0 ? text.get() : name;
}

// CPU time of this thread, which is what a look-up takes from its tasks.
int64_t CpuMillis() {
  timespec time = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec * 1000 + time.tv_nsec / 1'000'000;
}

// A coroutine's body has the name of the coroutine and more; g++ even gives it
// a parameter of its own.
std::string WithoutClone(std::string name) {
  if (const size_t clone = name.find(" [clone ."); clone != name.npos) {
    name.resize(clone);
  }
  if (name.ends_with(".Frame*)")) name.resize(name.rfind('('));
  return name;
}

// Bazel compiles in /proc/self/cwd; what follows is the path in the workspace.
std::string WithoutFolder(std::string_view file) {
  constexpr std::string_view kHere = "/proc/self/cwd/";
  if (file.starts_with(kHere)) file.remove_prefix(kHere.size());
  if (file.starts_with("./")) file.remove_prefix(2);
  return std::string(file);
}

// The first child of `die` that has code at `address` and whose tag
// matches.
template <class Match>
bool FindChild(Dwarf_Die* die, uintptr_t address, Match match,
               Dwarf_Die* found) {
  if (dwarf_child(die, found) != 0) return false;
  do {
    if (match(dwarf_tag(found)) && dwarf_haspc(found, address) == 1) {
      return true;
    }
  } while (dwarf_siblingof(found, found) == 0);
  return false;
}

int64_t Number(Dwarf_Die* die, unsigned name) {
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  const bool found = dwarf_attr(die, name, &attribute) != nullptr &&
                     dwarf_formudata(&attribute, &value) == 0;
  return found ? static_cast<int64_t>(value) : 0;
}

// Where the function that has code at `address` calls what was inlined there,
// and so on; outermost first.
std::vector<SourcePlace> FindCalls(Dwarf_Die* unit, uintptr_t address) {
  std::vector<SourcePlace> calls;
  Dwarf_Files* files = nullptr;
  if (dwarf_getsrcfiles(unit, &files, nullptr) != 0) return calls;
  const auto is_function = [](int tag) { return tag == DW_TAG_subprogram; };
  const auto is_inner = [](int tag) {
    return tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block;
  };
  Dwarf_Die outer;
  Dwarf_Die inner;
  if (!FindChild(unit, address, is_function, &outer)) return calls;
  for (; FindChild(&outer, address, is_inner, &inner); outer = inner) {
    if (dwarf_tag(&inner) == DW_TAG_lexical_block) continue;
    const char* const file = dwarf_filesrc(
        files, static_cast<size_t>(Number(&inner, DW_AT_call_file)), nullptr,
        nullptr);
    if (file == nullptr) continue;
    calls.push_back({WithoutFolder(file),
                     static_cast<int>(Number(&inner, DW_AT_call_line))});
  }
  return calls;
}

std::vector<SourcePlace> FindPlaces(Dwarf_Die* unit, uintptr_t address) {
  std::vector<SourcePlace> places = FindCalls(unit, address);
  if (Dwarf_Line* const line = dwarf_getsrc_die(unit, address)) {
    SourcePlace place;
    const char* const file = dwarf_linesrc(line, nullptr, nullptr);
    if (file != nullptr) place.file = WithoutFolder(file);
    dwarf_lineno(line, &place.line);
    places.push_back(std::move(place));
  }
  std::reverse(places.begin(), places.end());
  return places;
}

struct Wanted {
  uintptr_t address = 0;  // in the file; 0: in another one
  const char* mangled = nullptr;
  Symbol symbol;
};

class ProgramFile {
 public:
  ProgramFile();
  ~ProgramFile();
  ProgramFile(const ProgramFile&) = delete;
  ProgramFile& operator=(const ProgramFile&) = delete;

  void FindNames(std::vector<Wanted>& wanted);
  void FindLines(std::vector<Wanted>& wanted);

 private:
  void FindNamesIn(Elf_Scn* section, const GElf_Shdr& header,
                   std::vector<Wanted>& wanted);

  os::Fd fd_;
  Elf* elf_ = nullptr;
  Dwarf* dwarf_ = nullptr;
};

// What libdw does by itself is to end the process. The attribute in C's words:
// it is a part of the type that libdw wants.
__attribute__((noreturn)) void OnNoMemory() { throw std::bad_alloc(); }

// libdw looks only sometimes whether it has got memory, and crashes otherwise.
// It takes some MiB; who cannot have these does without lines.
bool HasRoomForLines() {
  constexpr size_t kRoom = 32 << 20;
  void* const room = mmap(nullptr, kRoom, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (room == MAP_FAILED) return false;
  munmap(room, kRoom);
  return true;
}

ProgramFile::ProgramFile() : fd_(open("/proc/self/exe", O_RDONLY | O_CLOEXEC)) {
  elf_version(EV_CURRENT);
  elf_ = elf_begin(fd_.get(), ELF_C_READ_MMAP, nullptr);
  if (elf_ == nullptr || !HasRoomForLines()) return;
  dwarf_ = dwarf_begin_elf(elf_, DWARF_C_READ, nullptr);
  if (dwarf_ != nullptr) dwarf_new_oom_handler(dwarf_, OnNoMemory);
}

ProgramFile::~ProgramFile() {
  if (dwarf_ != nullptr) dwarf_end(dwarf_);
  if (elf_ != nullptr) elf_end(elf_);
}

void ProgramFile::FindNamesIn(Elf_Scn* section, const GElf_Shdr& header,
                              std::vector<Wanted>& wanted) {
  Elf_Data* const data = elf_getdata(section, nullptr);
  if (data == nullptr || header.sh_entsize == 0) return;
  const auto count = static_cast<int>(header.sh_size / header.sh_entsize);
  for (int i = 0; i < count; ++i) {
    GElf_Sym symbol;
    if (gelf_getsym(data, i, &symbol) == nullptr) return;
    if (GELF_ST_TYPE(symbol.st_info) != STT_FUNC) continue;
    for (Wanted& one : wanted) {
      if (one.address - symbol.st_value >= symbol.st_size) continue;
      one.mangled = elf_strptr(elf_, header.sh_link, symbol.st_name);
    }
  }
}

void ProgramFile::FindNames(std::vector<Wanted>& wanted) {
  Elf_Scn* section = nullptr;
  while ((section = elf_nextscn(elf_, section)) != nullptr) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr) continue;
    if (header.sh_type == SHT_SYMTAB) FindNamesIn(section, header, wanted);
  }
  for (Wanted& one : wanted) {
    if (one.mangled == nullptr) continue;
    one.symbol.function = WithoutClone(Demangled(one.mangled));
  }
}

// clang writes no table from addresses to units, so all units are asked.
void ProgramFile::FindLines(std::vector<Wanted>& wanted) {
  const int64_t give_up = CpuMillis() + kMaxCpuMillis;
  Dwarf_CU* unit = nullptr;
  Dwarf_Die die;
  while (dwarf_ != nullptr && dwarf_get_units(dwarf_, unit, &unit, nullptr,
                                              nullptr, &die, nullptr) == 0) {
    if (CpuMillis() >= give_up) return;
    for (Wanted& one : wanted) {
      if (one.address == 0 || !one.symbol.places.empty()) continue;
      if (dwarf_haspc(&die, one.address) != 1) continue;
      one.symbol.places = FindPlaces(&die, one.address);
    }
  }
}

}  // namespace

std::vector<Symbol> Symbolize(const std::vector<uintptr_t>& addresses) {
  const ProgramImage program = FindProgramImage();
  std::vector<Wanted> wanted;
  for (const uintptr_t address : addresses) {
    const bool ours = address >= program.begin && address < program.end;
    wanted.push_back({ours ? address - program.bias : 0, nullptr, {}});
  }
  {
    ProgramFile file;
    file.FindNames(wanted);
    try {
      file.FindLines(wanted);
    } catch (const std::bad_alloc&) {
      // The lines that were found, and the names, have to do.
    }
  }
  std::vector<Symbol> symbols;
  for (Wanted& one : wanted) symbols.push_back(std::move(one.symbol));
  return symbols;
}

ProgramImage FindProgramImage() {
  static const ProgramImage image = FindImageNow();
  return image;
}

}  // namespace tractor::internal
