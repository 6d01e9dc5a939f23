#include "search/ensemble/prepared.h"

#include <algorithm>

#include "search/ensemble/weights.h"

namespace beamgrid {
namespace {

/// Learned weights are learned for the winner only: to learn them for each set of the search would
/// take many passes over all videos instead of one.
std::vector<double> FactorsOf(const EnsembleQuestion& question,
                              const std::vector<double>& single_gaps) {
  std::vector<double> factors(single_gaps.size(), 1.0);
  if (question.weights != Weighting::kGap) return factors;
  // By the best GAP, so that models as good as it count whole: scores that are equal on paper then
  // stay equal. Where all are 0, equal weights are what Normalised makes of them.
  const double best = *std::ranges::max_element(single_gaps);
  for (std::size_t m = 0; best > 0 && m < factors.size(); ++m) factors[m] = single_gaps[m] / best;
  return factors;
}

}  // namespace

SetMembers MembersOf(const ModelSet& set) {
  SetMembers members;
  for (const int model : set) {
    const auto index = static_cast<std::size_t>(model);
    if (members.models.empty() || members.models.back() != index) {
      members.models.push_back(index);
      members.counts.push_back(0);
    }
    ++members.counts.back();
  }
  return members;
}

PreparedSearch::PreparedSearch(const EnsembleQuestion& question,
                               const std::vector<AlignedModel>& models,
                               const std::vector<double>& single_gaps, const ForEach& for_each,
                               const gpu::DeviceOffer& device, const Told& told)
    : factors_(FactorsOf(question, single_gaps)),
      pool_(models, factors_, Combination(question.combine), question.missing,
            MaxTerms(question.search, question.members), for_each, device),
      problem_{.pool = &pool_,
               .single_gaps = single_gaps,
               .size_limit = question.size_limit,
               .members = question.members,
               .beam_width = question.beam_width,
               .frontier = question.frontier,
               .told = told} {
  for (const AlignedModel& model : models) {
    problem_.candidates.push_back(static_cast<int>(problem_.sizes.size()));
    problem_.sizes.push_back(model.model->size_bytes);
  }
}

std::vector<double> PreparedSearch::WeightsOf(const SetMembers& members) const {
  std::vector<double> weights = members.counts;
  for (std::size_t m = 0; m < weights.size(); ++m) weights[m] *= factors_[members.models[m]];
  return Normalised(std::move(weights));
}

}  // namespace beamgrid
