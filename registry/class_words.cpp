#include "registry/class_words.h"

#include "registry/util/text.h"

namespace beamgrid {

std::string NumberedClass(std::size_t label, const std::vector<std::string>& names) {
  const bool named = label < names.size() && !names[label].empty();
  return std::to_string(label) + (named ? " " + names[label] : "");
}

std::string NumberedClasses(const std::vector<std::string>& names, std::size_t most) {
  std::vector<std::string> classes;
  for (std::size_t label = 0; label < names.size(); ++label) {
    if (!names[label].empty()) classes.push_back(NumberedClass(label, names));
  }
  return JoinFirst(classes, most);
}

}  // namespace beamgrid
