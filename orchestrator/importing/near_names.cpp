#include "orchestrator/importing/near_names.h"

#include <map>
#include <string_view>
#include <utility>

#include "registry/util/text.h"

namespace beamgrid {
namespace {

/// Returns the name in lower case, without blanks and no-break spaces.
std::string WithoutCaseAndBlanks(const std::string& name) {
  constexpr std::string_view kNoBreakSpace = "\xC2\xA0";
  std::string rest;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (std::string_view(name).substr(i).starts_with(kNoBreakSpace)) {
      ++i;
    } else if (name[i] != ' ' && name[i] != '\t') {
      rest += 'A' <= name[i] && name[i] <= 'Z' ? static_cast<char>(name[i] - 'A' + 'a') : name[i];
    }
  }
  return rest;
}

/// True for the first byte and the next of a mark that is set upon the letter before it (U+0300 to
/// U+036F), or of a part of a Korean syllable (U+1100 to U+11FF): one letter in another writing.
bool IsPartOfLetter(unsigned char byte, unsigned char next) {
  return byte == 0xCC || (byte == 0xCD && next < 0xB0) ||
         (byte == 0xE1 && 0x84 <= next && next <= 0x87);
}

/// CommonWriting is a name without what two writings of it may differ in.
struct CommonWriting {
  std::string text;
  bool has_parts = false;  ///< some of its letters are written in parts
};

/// A letter with an accent is one letter beyond ASCII, or one of ASCII and a mark behind it: both,
/// and all that stand side by side, become one sign that no name has.
CommonWriting WithoutAccents(const std::string& name) {
  constexpr char kBeyondAscii = '\x01';
  CommonWriting common;
  std::string rest;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const auto byte = static_cast<unsigned char>(name[i]);
    if (byte < 0x80) {
      rest += name[i];
      continue;
    }
    const auto next = static_cast<unsigned char>(i + 1 < name.size() ? name[i + 1] : 0);
    if (IsPartOfLetter(byte, next)) {
      common.has_parts = true;
      if (byte != 0xE1 && !rest.empty()) rest.pop_back();
    }
    if (!rest.ends_with(kBeyondAscii)) rest += kBeyondAscii;
    while (i + 1 < name.size() && (static_cast<unsigned char>(name[i + 1]) & 0xC0U) == 0x80U) ++i;
  }
  common.text = WithoutCaseAndBlanks(rest);
  return common;
}

/// Returns what an id has in common with other writings of it.
std::string Skeleton(const std::string& id) {
  constexpr std::size_t kLongestEnding = 5;  // of ".jpeg"
  const std::size_t dot = id.rfind('.');
  const bool ends = dot != std::string::npos && dot > 0 && id.size() - dot <= kLongestEnding;
  return WithoutAccents(ends ? id.substr(0, dot) : id).text;
}

}  // namespace

std::vector<std::string> NearIds(const std::vector<std::string>& ids,
                                 const std::vector<std::string>& others) {
  std::map<std::string, std::string> by_skeleton;
  for (const std::string& other : others) by_skeleton.emplace(Skeleton(other), other);
  std::vector<std::string> found;
  for (const std::string& id : ids) {
    const auto near = by_skeleton.find(Skeleton(id));
    if (near != by_skeleton.end()) found.push_back("'" + id + "' and '" + near->second + "'");
  }
  return found;
}

std::vector<std::string> NearNames(const std::set<std::string>& names) {
  // Other letters beyond ASCII are compared as they are: only where one is written in parts may two
  // writings be one name.
  std::set<std::string> in_parts;
  for (const std::string& name : names) {
    if (CommonWriting common = WithoutAccents(name); common.has_parts) {
      in_parts.insert(std::move(common.text));
    }
  }
  const auto key = [&](const std::string& name) {
    std::string common = WithoutAccents(name).text;
    return in_parts.contains(common) ? common : WithoutCaseAndBlanks(name);
  };
  std::map<std::string, std::vector<std::string>> alike;
  for (const std::string& name : names) alike[key(name)].push_back(name);
  std::vector<std::string> found;
  for (const std::string& name : names) {
    const std::vector<std::string>& set = alike.at(key(name));
    if (set.size() > 1 && set.front() == name) found.push_back("'" + Join(set, "', '") + "'");
  }
  return found;
}

}  // namespace beamgrid
