// The list of studies.

#include <algorithm>

#include "orchestrator/dashboard/live_cells.h"
#include "orchestrator/dashboard/live_sections.h"
#include "registry/util/text.h"
#include "reports/page/drawing.h"

namespace beamgrid {
namespace {

PageCell LinkCell(const std::string& text, const std::string& address) {
  return {text, {}, Element("a", {{"href", address}}, text)};
}

std::string StudyAddress(const std::string& name) {
  return Target{.kind = ViewKind::kStudy, .study = name}.Text();
}

/// Returns the beginning of a description: the study's page has all of it.
PageCell DescriptionCell(const std::string& description) {
  constexpr std::size_t kShown = 80;
  const std::string shown = Clipped(FirstLine(description), kShown);
  return {shown, {}, Element("span", {{"class", "wide"}}, shown)};
}

PageCell BestCell(const LiveStudy& live) {
  if (!live.leader || !live.leader->objective) return {""};
  return TrialCell(live.study.name, live.leader->trial,
                   std::string(live.objective->heading) + " " +
                       FixedText(*live.leader->objective, kMetricDigits));
}

PageCell RateCell(const StudySnapshot& now) {
  if (!now.running()) return {""};
  const auto rate = TrialsPerHour(now.progress);
  if (!rate) return {""};
  return FixedCell(*rate, *rate < 10 ? 1 : 0);
}

PageCell LeftCell(const StudySnapshot& now) {
  if (!now.running()) return {""};
  const auto left = Eta(now.progress);
  if (!left) return {""};
  return {DurationText(*left)};
}

/// Takes a column out of which every cell is empty, for what stands behind it needs the room.
void LeaveOutIfEmpty(const std::string& heading, PageTable& table) {
  const auto column = std::ranges::find(table.columns, heading) - table.columns.begin();
  const auto cell = [&](auto& row) { return row.begin() + column; };
  if (std::ranges::any_of(table.rows, [&](const auto& row) { return !cell(row)->text.empty(); })) {
    return;
  }
  table.columns.erase(table.columns.begin() + column);
  for (std::vector<PageCell>& row : table.rows) row.erase(cell(row));
}

/// Returns a list of studies as a table.
PageTable StudiesTable(const std::vector<LiveStudy>& studies) {
  PageTable table{.caption = "How far each study is",
                  .columns = {"study", "now", ">complete", ">running", ">waiting", ">failed",
                              ">best", ">an hour", ">left", "description"}};
  for (const LiveStudy& live : studies) {
    table.rows.push_back({LinkCell(live.study.name, StudyAddress(live.study.name)),
                          {ToString(live.now.run)},
                          CountCell(live.Count(TrialState::kComplete)),
                          CountCell(live.Count(TrialState::kRunning)),
                          CountCell(live.to_come()),
                          CountCell(live.Count(TrialState::kFailed)),
                          BestCell(live),
                          RateCell(live.now),
                          LeftCell(live.now),
                          DescriptionCell(live.study.description)});
  }
  for (const char* heading : {">an hour", ">left"}) LeaveOutIfEmpty(heading, table);
  return table;
}

PageSection AllRunningSection(const std::vector<LiveStudy>& studies) {
  PageSection section{"running", "Running", {}};
  PageTable table{.caption = "Trials that are being trained",
                  .columns = {"study", "model", ">seed", "device", ">epoch", ">best objective",
                              "curve", ">at most left"},
                  .row_names = 1};
  for (const LiveStudy& live : studies) {
    for (const RunningFact& running : live.running) {
      const std::string id = "curve-" + std::to_string(table.rows.size());
      table.rows.push_back({LinkCell(live.study.name, StudyAddress(live.study.name)),
                            TrialCell(live.study.name, running.trial, running.name),
                            {std::to_string(running.seed)},
                            {running.device},
                            EpochCell(running),
                            ObjectiveCell(running.best),
                            CurveCell(running, id),
                            LeftCell(running)});
    }
  }
  if (table.rows.empty()) {
    section.Say("Nothing is being trained.");
  } else {
    section.Add(TableMarkup(table));
  }
  return section;
}

}  // namespace

std::vector<PageSection> StudiesSections(const std::vector<LiveStudy>& studies,
                                         const std::vector<StudyNote>& machine) {
  PageSection list{"studies", "Studies", {}};
  if (studies.empty()) {
    list.Say("The record holds no studies.");
  } else {
    list.Add(TableMarkup(StudiesTable(studies)));
  }
  return {std::move(list), AllRunningSection(studies), DevicesSection(machine)};
}

}  // namespace beamgrid
