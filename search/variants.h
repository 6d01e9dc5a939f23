#pragma once
// Options given as lists, kept as axes: what a grid entry expands into is counted and indexed, and
// never written out.

#include <cstdint>
#include <string>
#include <vector>

#include "registry/model_spec.h"

namespace beamgrid {

/// OptionAxis is options that vary together: one option, or all options of a `zip`.
struct OptionAxis {
  std::vector<std::string> names;
  std::vector<std::vector<OptionValue>> steps;  ///< each step: one value per name, in their order
  bool operator==(const OptionAxis&) const = default;
};

/// VariantSet is a component, the options that one value was given for, and the axes of the others.
/// Its variants are the product of the axes, the last axis fastest. Everything is in the
/// catalogue's types and complete.
struct VariantSet {
  std::string component;
  Options fixed;  ///< defaults included; holds no option of an axis
  std::vector<OptionAxis> axes;

  /// Returns the number of variants; saturates at 2^63-1.
  [[nodiscard]] std::int64_t size() const;
  /// Returns variant `index`, 0 <= index < size().
  [[nodiscard]] Variant At(std::int64_t index) const;
  bool operator==(const VariantSet&) const = default;
};

/// True if some variant is in both sets. Cost: the steps of the axes, not their product (options
/// that are tied by a zip count as one axis).
[[nodiscard]] bool Overlap(const VariantSet& left, const VariantSet& right);

/// True if both are equal, where numbers count by value: 1 is 1.0.
[[nodiscard]] bool SameValue(const OptionValue& left, const OptionValue& right);

/// SaturatingAdd and SaturatingMultiply stop at 2^63-1 instead of overflowing. Arguments are not
/// negative.
[[nodiscard]] std::int64_t SaturatingAdd(std::int64_t left, std::int64_t right);
[[nodiscard]] std::int64_t SaturatingMultiply(std::int64_t left, std::int64_t right);

/// Returns the number of variants of several sets; saturates.
[[nodiscard]] std::int64_t CountVariants(const std::vector<VariantSet>& sets);
/// Returns variant `index` of the sets one after the other.
[[nodiscard]] Variant VariantAt(const std::vector<VariantSet>& sets, std::int64_t index);

}  // namespace beamgrid
