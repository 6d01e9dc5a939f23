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

}  // namespace

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
