#include "registry/util/character_columns.h"

#include <clocale>
#include <cwchar>

namespace beamgrid {
namespace {

/// Below it each character that is shown has one column.
constexpr char32_t kFirstMark = 0x300;

}  // namespace

std::size_t CharacterColumns(char32_t character) {
  if (character < kFirstMark) return 1;
  // The C library has Unicode's tables, in any locale of UTF-8; this one is always there.
  static const locale_t utf8 = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  if (utf8 == nullptr) return 1;
  const locale_t before = ::uselocale(utf8);
  const int columns = ::wcwidth(static_cast<wchar_t>(character));
  ::uselocale(before);
  return columns < 0 ? 1 : static_cast<std::size_t>(columns);
}

}  // namespace beamgrid
