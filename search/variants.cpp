#include "search/variants.h"

#include <limits>
#include <set>
#include <stdexcept>
#include <utility>

namespace beamgrid {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

/// Returns the names of all options, in groups: those that an axis of either set ties together are
/// in one. Two sets overlap where each group does by itself, which spares the product of all axes.
std::vector<std::set<std::string>> TiedNames(const VariantSet& left, const VariantSet& right) {
  std::vector<std::set<std::string>> groups;
  const auto add = [&groups](std::set<std::string> names) {
    std::vector<std::set<std::string>> apart;
    for (std::set<std::string>& group : groups) {
      bool shared = false;
      for (const std::string& name : group) shared = shared || names.contains(name);
      if (shared) {
        names.merge(group);
      } else {
        apart.push_back(std::move(group));
      }
    }
    apart.push_back(std::move(names));
    groups = std::move(apart);
  };
  for (const VariantSet* set : {&left, &right}) {
    for (const auto& [name, value] : set->fixed) add({name});
    for (const OptionAxis& axis : set->axes) add({axis.names.begin(), axis.names.end()});
  }
  return groups;
}

/// Returns all settings that `set` gives the options of one group, as text.
std::set<std::string> Settings(const VariantSet& set, const std::set<std::string>& group) {
  VariantSet part{.component = set.component};
  for (const auto& [name, value] : set.fixed) {
    if (group.contains(name)) part.fixed.emplace(name, value);
  }
  for (const OptionAxis& axis : set.axes) {
    if (group.contains(axis.names.front())) part.axes.push_back(axis);
  }
  std::set<std::string> settings;
  for (std::int64_t index = 0; index < part.size(); ++index) {
    boost::json::object options;
    for (const auto& [name, value] : part.At(index).options) options[name] = value;
    settings.insert(CanonicalJson(options));
  }
  return settings;
}

bool Intersect(const std::set<std::string>& left, const std::set<std::string>& right) {
  for (const std::string& text : left) {
    if (right.contains(text)) return true;
  }
  return false;
}

}  // namespace

bool SameValue(const OptionValue& left, const OptionValue& right) {
  if (left.is_number() && right.is_number()) {
    return left.to_number<double>() == right.to_number<double>();
  }
  return left == right;
}

std::int64_t SaturatingAdd(std::int64_t left, std::int64_t right) {
  return left > kMost - right ? kMost : left + right;
}

std::int64_t SaturatingMultiply(std::int64_t left, std::int64_t right) {
  if (left == 0 || right == 0) return 0;
  return left > kMost / right ? kMost : left * right;
}

std::int64_t VariantSet::size() const {
  std::int64_t count = 1;
  for (const OptionAxis& axis : axes) {
    count = SaturatingMultiply(count, static_cast<std::int64_t>(axis.steps.size()));
  }
  return count;
}

Variant VariantSet::At(std::int64_t index) const {
  Variant variant{component, fixed};
  for (auto axis = axes.rbegin(); axis != axes.rend(); ++axis) {
    const auto steps = static_cast<std::int64_t>(axis->steps.size());
    const auto& step = axis->steps[static_cast<std::size_t>(index % steps)];
    index /= steps;
    for (std::size_t i = 0; i < step.size(); ++i) variant.options[axis->names[i]] = step[i];
  }
  return variant;
}

bool Overlap(const VariantSet& left, const VariantSet& right) {
  if (left.component != right.component) return false;
  for (const std::set<std::string>& group : TiedNames(left, right)) {
    if (!Intersect(Settings(left, group), Settings(right, group))) return false;
  }
  return true;
}

std::int64_t CountVariants(const std::vector<VariantSet>& sets) {
  std::int64_t count = 0;
  for (const VariantSet& set : sets) count = SaturatingAdd(count, set.size());
  return count;
}

Variant VariantAt(const std::vector<VariantSet>& sets, std::int64_t index) {
  for (const VariantSet& set : sets) {
    if (index < set.size()) return set.At(index);
    index -= set.size();
  }
  throw std::out_of_range("no variant of that index");
}

}  // namespace beamgrid
