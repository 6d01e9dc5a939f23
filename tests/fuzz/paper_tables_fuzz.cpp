// The papers' tables and the conditions in their rows (as --fix takes them).
#include "registry/util/error.h"
#include "reports/table.h"
#include "search/condition.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/specs.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace beamgrid;
  static const ModelSpec model = ExampleModel();
  const std::string_view text = fuzz::TextOf(data, size);
  const auto match = [](std::string_view spec) {
    for (const Condition& condition : ParseConditions(spec)) {
      static_cast<void>(Holds(condition, model));
    }
  };
  fuzz::Accepts<UsageError>([&] {
    for (const PaperRow& row : ReadPaperTable(std::string(text), "kim18/2").rows) match(row.spec);
  });
  fuzz::Accepts<UsageError>([&] { match(text); });
  return 0;
}
