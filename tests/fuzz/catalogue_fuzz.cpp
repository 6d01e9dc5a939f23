// The catalogue that a trainer describes, or that a cache holds.
#include <stdexcept>

#include "registry/catalogue.h"
#include "tests/fuzz/fuzz.h"

namespace beamgrid {
namespace {

/// What a recipe's reader and `components` make of it.
void Use(const Catalogue& catalogue) {
  for (const ComponentInfo& component : catalogue.components) {
    for (const OptionInfo& option : component.options) {
      fuzz::Require(!AllowedText(option).empty(), "what is allowed can be said");
      for (const OptionValue& value :
           {option.default_value, OptionValue(1e300), OptionValue("a")}) {
        const CheckedOption checked = CheckOption(option, value);
        if (checked.error.empty()) continue;
        fuzz::Require(checked.value.is_null(), "a refused value is not taken");
      }
    }
    fuzz::Require(catalogue.Find(component.criterion, component.name) != nullptr,
                  "a component is found by its name");
  }
}

}  // namespace
}  // namespace beamgrid

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace beamgrid;
  fuzz::Accepts<std::invalid_argument>([&] {
    const Catalogue catalogue = CatalogueFromJson(ParseJson(fuzz::TextOf(data, size)));
    const boost::json::value written = ToJson(catalogue);
    fuzz::Require(ToJson(CatalogueFromJson(written)) == written, "what is written is read");
    Use(catalogue);
  });
  return 0;
}
