#pragma once
// The README.md of an export: what the model is, what it measured, on which data, how it is loaded.

#include <boost/json.hpp>
#include <string>
#include <vector>

#include "registry/store/store.h"

namespace beamgrid {

/// CardOfModel is what the card of one model is made of.
struct CardOfModel {
  StudyRecord study;
  TrialRecord trial;  ///< complete
  TrialSpec spec;
  std::int64_t weight_bytes = 0;
  std::vector<std::string> class_names;  ///< by class; empty: not known
};
/// Returns the card of a model, Markdown with the front matter of Hugging Face.
[[nodiscard]] std::string ModelCard(const CardOfModel& card);

/// MemberOfCard is a row of an ensemble's card.
struct MemberOfCard {
  std::string folder;
  CardOfModel model;
  double weight = 0;
};
/// Returns the card of an ensemble; `answer` is the recorded one (EnsembleRecord::json).
[[nodiscard]] std::string EnsembleCard(const StudyRecord& study, const boost::json::object& answer,
                                       const std::vector<MemberOfCard>& members);

}  // namespace beamgrid
