#pragma once
// The variants of a component that the contract is checked on.

#include <string>
#include <vector>

#include "registry/catalogue.h"
#include "trainer/contract/subject.h"

namespace beamgrid::trainer::contract {

/// The variants of a component: the small defaults, and each option at each of its other values and
/// at its minimum, one at a time. `given` (files, which have no default) holds in all of them.
[[nodiscard]] std::vector<Case> CasesOf(const ComponentInfo& info, const Options& given = {});

/// All registered components but "train", which is settings and has no tensors to look at.
[[nodiscard]] std::vector<ComponentInfo> Components();

/// True where an option names a file, so that nothing can be built without being given one.
[[nodiscard]] bool NeedsFile(const ComponentInfo& info);

}  // namespace beamgrid::trainer::contract
