#pragma once
// How a recipe names the trial that another one starts from.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace beamgrid {

/// WarmStartName is a fingerprint's first digits, or a trial of a study.
struct WarmStartName {
  std::string fingerprint;  ///< 8 to 32 hex digits; empty: study and name are set
  std::string study, name;
  std::optional<std::int64_t> seed;  ///< nothing: the seed of the trial that starts
};

/// Reads "STUDY/NAME", "STUDY/NAME/SEED", "STUDY/*" (name "*": each model's counterpart there) or a
/// fingerprint's digits; nothing for any other text.
[[nodiscard]] std::optional<WarmStartName> ParseWarmStartName(std::string_view text);

}  // namespace beamgrid
