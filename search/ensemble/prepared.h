#pragma once
// A question's search over models, ready to be carried out: on the selection part, on a part of the
// pool or on resampled videos.

#include <vector>

#include "search/ensemble/models.h"
#include "search/ensemble/pool.h"
#include "search/ensemble/search.h"

namespace beamgrid {

/// SetMembers is the models of a set, each once, and how often it is in it.
struct SetMembers {
  std::vector<std::size_t> models;  ///< ascending
  std::vector<double> counts;
};
[[nodiscard]] SetMembers MembersOf(const ModelSet& set);

/// PreparedSearch is the pool of a question's models with the problem to solve on it.
class PreparedSearch {
 public:
  /// `models`: over the videos to select on, each alone within the limit; `single_gaps`: of each of
  /// them there. Both are copied.
  PreparedSearch(const EnsembleQuestion& question, const std::vector<AlignedModel>& models,
                 const std::vector<double>& single_gaps, const ForEach& for_each,
                 const gpu::DeviceOffer& device = {}, const Told& told = {});
  PreparedSearch(const PreparedSearch&) = delete;
  PreparedSearch& operator=(const PreparedSearch&) = delete;

  [[nodiscard]] const SearchProblem& problem() const { return problem_; }

  /// Returns the weights that the search gives to the models of a set; they sum to 1.
  [[nodiscard]] std::vector<double> WeightsOf(const SetMembers& members) const;

 private:
  std::vector<double> factors_;  ///< a model's share in a sum
  EnsemblePool pool_;
  SearchProblem problem_;
};

}  // namespace beamgrid
