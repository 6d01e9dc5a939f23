#include "search/criteria.h"

#include <algorithm>
#include <iterator>

#include "registry/model_spec.h"

namespace beamgrid {

const std::vector<std::string>& AllCriteria() {
  static const std::vector<std::string> kCriteria = {
      "multimodal", "temporal", "extras", "classifier", "label_processing", "loss", "train"};
  return kCriteria;
}

bool IsCriterion(std::string_view word) {
  return std::ranges::find(AllCriteria(), word) != AllCriteria().end();
}

bool IsSingle(std::string_view criterion) {
  return std::ranges::find(kSingleCriteria, criterion) != std::end(kSingleCriteria);
}

std::string DefaultComponent(std::string_view criterion) {
  if (criterion == "multimodal") return "concat";
  if (criterion == "temporal") return "mean";
  if (criterion == "classifier") return "logistic";
  if (criterion == "label_processing") return "none";
  return "cross_entropy";
}

}  // namespace beamgrid
