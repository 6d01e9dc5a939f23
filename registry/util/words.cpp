#include "registry/util/words.h"

#include "registry/catalogue.h"
#include "registry/util/error.h"

namespace beamgrid {

std::string RefusalOf(const std::string& word, const std::vector<std::string>& known) {
  const OptionInfo setting{.type = OptionType::kString,
                           .choices = std::vector<OptionValue>(known.begin(), known.end())};
  return CheckOption(setting, OptionValue(word)).error;
}

void RefuseWord(const std::string& setting, const std::string& word,
                const std::vector<std::string>& known) {
  throw UsageError(setting + " = '" + word + "', " + RefusalOf(word, known));
}

}  // namespace beamgrid
