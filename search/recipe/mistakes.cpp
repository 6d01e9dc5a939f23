#include "search/recipe/mistakes.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "registry/util/nearest_spelling.h"

namespace beamgrid {

void Mistakes::Add(const toml::source_region& where, std::string key, std::string message) {
  found_.push_back({PlaceOf(where), std::move(key), std::move(message)});
}

Place Mistakes::PlaceOf(const toml::source_region& where) const {
  return {file_, static_cast<int>(where.begin.line), static_cast<int>(where.begin.column)};
}

std::vector<Diagnostic> Mistakes::Take() {
  const auto by_place = [](const Diagnostic& left, const Diagnostic& right) {
    return std::tie(left.place.line, left.place.column) <
           std::tie(right.place.line, right.place.column);
  };
  std::stable_sort(found_.begin(), found_.end(), by_place);
  return std::exchange(found_, {});
}

std::string Suggestion(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string nearest = NearestSpelling(word, candidates);
  return nearest.empty() ? "" : "; did you mean '" + nearest + "'?";
}

std::string Join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += ", ";
    text += word;
  }
  return text;
}

}  // namespace beamgrid
