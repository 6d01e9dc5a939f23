#pragma once
// The words of [ensemble] and of `beamgrid ensemble`. A recipe and the command line are read into
// these values; nothing behind them sees a word.

#include "registry/util/words.h"

namespace beamgrid {

/// ScoreDomain is the domain in which the members' scores are averaged. kVotes counts a probability
/// of 1/2 or more as 1 and any other as 0: with equal weights that is majority voting.
enum class ScoreDomain { kLogits, kProbabilities, kVotes };
inline constexpr Word<ScoreDomain> kScoreDomains[] = {
    {ScoreDomain::kLogits, "logits"},
    {ScoreDomain::kProbabilities, "probabilities"},
    {ScoreDomain::kVotes, "votes"}};

/// Weighting is where the members' weights come from. kLearned searches with uniform ones and
/// learns afterwards; kAuto searches with uniform ones and takes the best of the three afterwards.
enum class Weighting { kUniform, kGap, kLearned, kAuto };
inline constexpr Word<Weighting> kWeightings[] = {{Weighting::kUniform, "uniform"},
                                                  {Weighting::kGap, "gap"},
                                                  {Weighting::kLearned, "learned"},
                                                  {Weighting::kAuto, "auto"}};

/// EnsembleSearch is which sets of models are scored: SearchEnsembles says how each goes about it.
enum class EnsembleSearch { kBeam, kExhaustive, kGreedy };
inline constexpr Word<EnsembleSearch> kEnsembleSearches[] = {
    {EnsembleSearch::kBeam, "beam"},
    {EnsembleSearch::kExhaustive, "exhaustive"},
    {EnsembleSearch::kGreedy, "greedy"}};

}  // namespace beamgrid
