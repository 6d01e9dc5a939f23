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

/// Returns a time as the record has it without what nobody reads of it: "2026-01-31 23:59:59".
[[nodiscard]] std::string ShortTime(const std::string& utc);

/// Returns a cell that leads to a trial's page.
[[nodiscard]] PageCell TrialCell(const std::string& study, std::int64_t trial,
                                 const std::string& text);

/// Cells of a trial at work.
[[nodiscard]] PageCell ObjectiveCell(const std::optional<double>& value);
[[nodiscard]] PageCell EpochCell(const RunningFact& running);
[[nodiscard]] PageCell LeftCell(const RunningFact& running);
/// Its curve, small and without axes; `id` is there once on the page.
[[nodiscard]] PageCell CurveCell(const RunningFact& running, const std::string& id);

/// Returns the section on what studies hold of the machine.
[[nodiscard]] PageSection DevicesSection(const std::vector<StudyNote>& machine);

}  // namespace beamgrid
