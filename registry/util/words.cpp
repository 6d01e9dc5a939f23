#include "registry/util/words.h"

#include "registry/util/error.h"
#include "registry/util/nearest_spelling.h"
#include "registry/util/text.h"

namespace beamgrid {

std::string RefusalOf(const std::string& word, const std::vector<std::string>& known) {
  return "must be one of " + Join(known, ", ") + Suggestion(word, known);
}

void RefuseWord(const std::string& setting, const std::string& word,
                const std::vector<std::string>& known) {
  throw UsageError(setting + " = '" + word + "', " + RefusalOf(word, known));
}

}  // namespace beamgrid
