#pragma once
// Sections of the live page: views of what was read of studies that run. Pure.

#include <string>
#include <vector>

#include "orchestrator/dashboard/live_facts.h"
#include "orchestrator/machine/machine_share.h"
#include "reports/page/section.h"

namespace beamgrid {

/// Returns the sections of the list of studies; their order and names are always the same.
[[nodiscard]] std::vector<PageSection> StudiesSections(const std::vector<LiveStudy>& studies,
                                                       const std::vector<StudyNote>& machine);

/// Returns those of one study; likewise. `target`: the question that they answer, to which further
/// ones are links.
[[nodiscard]] std::vector<PageSection> StudySections(const LiveStudy& live, const Target& target,
                                                     const std::vector<StudyNote>& machine);

/// Returns the same facts for programs.
[[nodiscard]] boost::json::object StudyLineJson(const LiveStudy& live);
[[nodiscard]] boost::json::object StudyJson(const LiveStudy& live);

}  // namespace beamgrid
