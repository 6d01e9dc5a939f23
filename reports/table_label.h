#pragma once
// Rows in words: "moe experts=2", "blstm hidden=512 layers=2", "layer_norm + dropout rate=0.2".

#include <set>
#include <string>
#include <vector>

#include "registry/catalogue.h"
#include "registry/model_spec.h"
#include "search/varied.h"

namespace beamgrid {

/// Labeller names the variants of one criterion among several models, so that different ones read
/// differently: a component with those options that differ within it here, are not at their
/// default, or are always part of a name.
class Labeller {
 public:
  /// Looks for what differs among the models. `criterion`: a single criterion, "extras" or "train".
  Labeller(std::string criterion, const Catalogue& catalogue,
           const std::vector<const ModelSpec*>& models);

  /// Returns the row's words: "none" for no extras; for "train" the settings that differ, or
  /// "defaults".
  [[nodiscard]] std::string Label(const ModelSpec& model) const;

 private:
  using Named = std::pair<std::string, std::string>;  ///< component, option
  [[nodiscard]] std::string Options(const std::string& component,
                                    const beamgrid::Options& options) const;
  [[nodiscard]] bool IsShown(const std::string& component, const std::string& option,
                             const OptionValue& value) const;

  std::string criterion_;
  const Catalogue* catalogue_;
  std::set<Named> differing_;
};

/// Returns "hidden=512 layers=2".
[[nodiscard]] std::string OptionsText(const boost::json::object& options);

/// Returns "multimodal concat; classifier moe experts=2; extras none; train batch=64" for all
/// criteria but those of `without`.
[[nodiscard]] std::string PartsText(const ModelSpec& model, const std::set<std::string>& without,
                                    const Catalogue& catalogue);

}  // namespace beamgrid
