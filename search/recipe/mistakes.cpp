#include "search/recipe/mistakes.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace beamgrid {

void Mistakes::Add(const toml::source_region& where, std::string key, std::string message) {
  found_.push_back({PlaceOf(where), std::move(key), std::move(message)});
}

bool Mistakes::Has(std::string_view key) const {
  return std::ranges::find(found_, key, &Diagnostic::key) != found_.end();
}

void Mistakes::Withdraw(std::string_view key) {
  std::erase_if(found_, [&](const Diagnostic& mistake) { return mistake.key == key; });
}

Place Mistakes::PlaceOf(const toml::source_region& where) const {
  return source_->PlaceOf(static_cast<int>(where.begin.line), static_cast<int>(where.begin.column));
}

std::vector<Diagnostic> Mistakes::Take() {
  const auto by_place = [](const Diagnostic& left, const Diagnostic& right) {
    return std::tie(left.place.line, left.place.column) <
           std::tie(right.place.line, right.place.column);
  };
  // The readers go by section, people by line.
  std::stable_sort(found_.begin(), found_.end(), by_place);
  return std::exchange(found_, {});
}

}  // namespace beamgrid
