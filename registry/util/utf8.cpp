#include "registry/util/utf8.h"

#include <algorithm>

namespace beamgrid {
namespace {

using Byte = unsigned char;

/// Lead is characters by their first byte; the second has limits of its own, the others are 80..BF.
/// The limits leave out what has a shorter form, halves of surrogate pairs and what is beyond
/// U+10FFFF.
struct Lead {
  Byte first_least, first_most;
  std::size_t bytes;
  Byte second_least, second_most;
};

constexpr Lead kLeads[] = {
    {0x00, 0x7F, 1, 0, 0},       {0xC2, 0xDF, 2, 0x80, 0xBF}, {0xE0, 0xE0, 3, 0xA0, 0xBF},
    {0xE1, 0xEC, 3, 0x80, 0xBF}, {0xED, 0xED, 3, 0x80, 0x9F}, {0xEE, 0xEF, 3, 0x80, 0xBF},
    {0xF0, 0xF0, 4, 0x90, 0xBF}, {0xF1, 0xF3, 4, 0x80, 0xBF}, {0xF4, 0xF4, 4, 0x80, 0x8F}};

/// Whether the bytes behind the first one, as far as they are there, go on as the lead says.
bool Continues(const Lead& lead, std::string_view text) {
  for (std::size_t i = 1; i < std::min(lead.bytes, text.size()); ++i) {
    const auto byte = static_cast<Byte>(text[i]);
    const Byte least = i == 1 ? lead.second_least : 0x80, most = i == 1 ? lead.second_most : 0xBF;
    if (byte < least || byte > most) return false;
  }
  return true;
}

/// The character that the text begins with, whole or cut off by the text's end; null: none.
const Lead* LeadOf(std::string_view text) {
  const auto first = static_cast<Byte>(text.front());
  for (const Lead& lead : kLeads) {
    if (first < lead.first_least || first > lead.first_most) continue;
    return Continues(lead, text) ? &lead : nullptr;
  }
  return nullptr;
}

}  // namespace

std::size_t CharacterBytes(std::string_view text) {
  const Lead* lead = LeadOf(text);
  return lead != nullptr && lead->bytes <= text.size() ? lead->bytes : 0;
}

std::size_t CutOffBytes(std::string_view text) {
  constexpr std::size_t kMostBytes = 4;
  for (std::size_t bytes = 1; bytes <= std::min(kMostBytes - 1, text.size()); ++bytes) {
    const std::string_view end = text.substr(text.size() - bytes);
    if (ContinuesCharacter(end.front())) continue;
    const Lead* lead = LeadOf(end);
    return lead != nullptr && lead->bytes > bytes ? bytes : 0;
  }
  return 0;
}

bool IsWellFormedUtf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = CharacterBytes(text);
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

std::string ProblemOfPath(std::string_view path) {
  if (IsWellFormedUtf8(path)) return {};
  return std::string(path) +
         ": the name is not UTF-8, which the record and the trainer need; rename the file or the "
         "folder, or make a link with another name to it";
}

std::string WellFormedUtf8(std::string_view text) {
  std::string formed;
  formed.reserve(text.size());
  while (!text.empty()) {
    const std::size_t bytes = CharacterBytes(text);
    if (bytes == 0) {
      // One byte for one: the next may begin a sound character.
      formed += '?';
      text.remove_prefix(1);
    } else {
      formed += text.substr(0, bytes);
      text.remove_prefix(bytes);
    }
  }
  return formed;
}

}  // namespace beamgrid
