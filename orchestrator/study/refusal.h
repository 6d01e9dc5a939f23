#pragma once
// Which models are not trained at all.

#include <optional>
#include <string>

#include "orchestrator/workers/trainer_client.h"
#include "search/recipe.h"

namespace beamgrid {

/// Why a model is not worth starting: the trainer refuses it, or it alone exceeds the size limit of
/// the recipe's ensemble. Nothing: go on.
[[nodiscard]] std::optional<std::string> WhyRefused(const Recipe& recipe,
                                                    const CountAnswer& answer);

}  // namespace beamgrid
