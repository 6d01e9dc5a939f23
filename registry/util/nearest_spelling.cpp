#include "registry/util/nearest_spelling.h"

#include <algorithm>
#include <cctype>

namespace beamgrid {
namespace {

/// Returns the word without what never makes two names different: case and the kind of dash.
std::string Normalised(std::string_view word) {
  std::string text(word);
  for (char& c : text) {
    c = c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return text;
}

/// Returns how many insertions, deletions, substitutions and swaps of neighbours turn `a` into `b`
/// (Damerau-Levenshtein, optimal string alignment).
std::size_t EditDistance(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitution = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, substitution});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

std::string NearestSpelling(std::string_view word, const std::vector<std::string>& candidates) {
  // Longer ones are no names; comparing two costs time and memory by the product of their lengths.
  constexpr std::size_t kLongestName = 100;
  if (word.size() > kLongestName) return {};
  const std::string wanted = Normalised(word);
  std::string nearest;
  std::size_t smallest = 0;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kLongestName) continue;
    const std::string name = Normalised(candidate);
    // About one letter in three may be wrong; a single letter is never a misspelling of another.
    const std::size_t tolerance = (std::max(wanted.size(), name.size()) + 1) / 3;
    const std::size_t distance = EditDistance(wanted, name);
    if (distance > tolerance || (!nearest.empty() && distance >= smallest)) continue;
    nearest = candidate;
    smallest = distance;
  }
  return nearest;
}

std::string Suggestion(std::string_view word, const std::vector<std::string>& candidates,
                       std::string_view quote) {
  const std::string nearest = NearestSpelling(word, candidates);
  if (nearest.empty()) return {};
  return "; did you mean " + std::string(quote) + nearest + std::string(quote) + "?";
}

}  // namespace beamgrid
