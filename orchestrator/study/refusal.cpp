#include "orchestrator/study/refusal.h"

namespace beamgrid {

std::optional<std::string> WhyRefused(const Recipe& recipe, const CountAnswer& answer) {
  if (const auto* why = std::get_if<std::string>(&answer)) return "the trainer refuses it: " + *why;
  const std::int64_t size = std::get<ModelSize>(answer).size_bytes;
  if (!recipe.ensemble || size <= recipe.ensemble->size_limit) return std::nullopt;
  return std::to_string(size) +
         " bytes are more than ensemble.size_limit allows for all members (" +
         std::to_string(recipe.ensemble->size_limit) + ")";
}

}  // namespace beamgrid
