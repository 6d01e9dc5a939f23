// The models by the mean of the objective.

#include <algorithm>

#include "registry/util/text.h"
#include "reports/page/section.h"

namespace beamgrid {
namespace {

constexpr std::size_t kRanked = 50;

PageTable RankedModels(const StudyFacts& facts) {
  const std::vector<Standing>& standings = facts.leaderboard.standings;
  const std::size_t shown = std::min(kRanked, standings.size());
  PageTable table{.caption = "Leaderboard",
                  .columns = {">rank", "model", std::string(">") + facts.objective->heading,
                              ">seeds", ">size", ">parameters"},
                  .row_names = 1};
  for (std::size_t i = 0; i < shown; ++i) {
    const Standing& standing = standings[i];
    table.rows.push_back(
        {CountCell(static_cast<std::int64_t>(i + 1)),
         TrialCell(facts, facts.trials[standing.places.front()].id, standing.name),
         FixedCell(standing.mean(), kMetricDigits),
         {std::to_string(standing.values.size()) + "/" + std::to_string(standing.trials),
          static_cast<double>(standing.values.size())},
         SizeCell(standing.size_bytes),
         CountCell(standing.parameters)});
  }
  if (shown < standings.size()) {
    table.caption += ": the best " + std::to_string(shown) + " of " +
                     std::to_string(standings.size()) + " models";
    table.more = CountText(standings.size() - shown, "more model") +
                 ": `beamgrid query leaderboard --study " + facts.study.name + "`.";
  }
  return table;
}

}  // namespace

PageSection LeaderboardSection(const StudyFacts& facts) {
  PageSection section{"leaderboard", "Leaderboard", {}};
  if (facts.leaderboard.standings.empty()) {
    section.Say("No trial is complete.");
    return section;
  }
  section.Add(TableMarkup(RankedModels(facts)));
  const std::string seeds = SeedsNote(facts.leaderboard);
  section.Note(seeds.empty() ? "seeds: complete of those begun." : seeds + ".");
  return section;
}

}  // namespace beamgrid
