#pragma once
// Pieces that several sections of live pages have.

#include <optional>
#include <string>
#include <vector>

#include "orchestrator/dashboard/live_facts.h"
#include "orchestrator/machine/machine_share.h"
#include "reports/page/page_table.h"
#include "reports/page/plot.h"
#include "reports/page/section.h"

namespace beamgrid {

/// Returns the epochs whose objective is known.
[[nodiscard]] std::vector<PlotPoint> PointsOf(const std::vector<EpochFact>& curve);

/// Cells of a trial at work.
[[nodiscard]] PageCell ObjectiveCell(const std::optional<double>& value);
[[nodiscard]] PageCell EpochCell(const RunningFact& running);
[[nodiscard]] PageCell LeftCell(const RunningFact& running);
/// Its curve, small and without axes; `id` is there once on the page.
[[nodiscard]] PageCell CurveCell(const RunningFact& running, const std::string& id);

/// Returns the section on what studies hold of the machine.
[[nodiscard]] PageSection DevicesSection(const std::vector<StudyNote>& machine);

}  // namespace beamgrid
