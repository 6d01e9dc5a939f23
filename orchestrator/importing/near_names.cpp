#include "orchestrator/importing/near_names.h"

#include <map>
#include <string_view>

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

/// Returns an id without what two writings of it may differ in. A letter with an accent is one
/// letter beyond ASCII, or one of ASCII and a combining mark behind it: both are left out.
std::string Skeleton(const std::string& id) {
  constexpr std::size_t kLongestEnding = 5;  // of ".jpeg"
  std::string name = id;
  if (const std::size_t dot = name.rfind('.');
      dot != std::string::npos && dot > 0 && name.size() - dot <= kLongestEnding) {
    name.resize(dot);
  }
  std::string rest;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const auto byte = static_cast<unsigned char>(name[i]);
    if (byte < 0x80) {
      rest += name[i];
      continue;
    }
    // U+0300 to U+036F
    const bool is_mark = (byte == 0xCC || byte == 0xCD) && !rest.empty();
    if (is_mark) rest.pop_back();
    while (i + 1 < name.size() && (static_cast<unsigned char>(name[i + 1]) & 0xC0U) == 0x80U) ++i;
  }
  return WithoutCaseAndBlanks(rest);
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
  std::map<std::string, std::vector<std::string>> alike;
  for (const std::string& name : names) alike[WithoutCaseAndBlanks(name)].push_back(name);
  std::vector<std::string> found;
  for (const std::string& name : names) {
    const std::vector<std::string>& set = alike.at(WithoutCaseAndBlanks(name));
    if (set.size() > 1 && set.front() == name) found.push_back("'" + Join(set, "', '") + "'");
  }
  return found;
}

}  // namespace beamgrid
