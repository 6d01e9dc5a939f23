#pragma once
// Which of many sets must be computed so that the best of them are known.

#include <cstddef>
#include <span>
#include <vector>

#include "search/ensemble/brackets.h"

namespace beamgrid {

/// Contest asks for the GAP of those of many sets that may be among the `keep` (at least 1) best of
/// them and not below `at_least`, the most promising first: what they turn out to be spares others.
class Contest {
 public:
  Contest(std::span<const GapBounds> bounds, std::size_t keep, double at_least);

  /// Returns the sets that are to be computed next, by index, ascending; none: all is known. Tell
  /// their GAPs before the next call.
  [[nodiscard]] std::vector<std::size_t> Next();
  void Tell(std::size_t set, double gap) { known_[set] = gap; }

 private:
  [[nodiscard]] double Enough() const;

  std::vector<GapBounds> bounds_;
  std::size_t keep_;
  double at_least_;
  std::vector<std::size_t> order_;  ///< by falling upper bound
  std::vector<double> known_;       ///< what is known of each GAP from below
  std::size_t at_once_ = 0;
  std::size_t begin_ = 0;  ///< of order_: the first that was not looked at
};

}  // namespace beamgrid
