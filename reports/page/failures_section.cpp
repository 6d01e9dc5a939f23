// What failed, with the last lines of its log.

#include <algorithm>
#include <map>

#include "registry/util/text.h"
#include "reports/page/section.h"

namespace beamgrid {
namespace {

/// Returns the last lines of a log.
std::string LastLines(const std::string& log) {
  constexpr std::size_t kLines = 12;
  const std::size_t end = log.find_last_not_of('\n');
  if (end == std::string::npos) return "";
  std::size_t begin = end;
  for (std::size_t lines = 0; begin > 0; --begin) {
    if (log[begin - 1] == '\n' && ++lines == kLines) break;
  }
  return log.substr(begin, end + 1 - begin);
}

PageTable KindsTable(const std::vector<const AttemptFact*>& failed) {
  std::map<std::string, std::int64_t> counts;
  for (const AttemptFact* attempt : failed) ++counts[attempt->outcome];
  PageTable table{.caption = "Attempts that failed", .columns = {"how", ">attempts"}};
  for (const auto& [kind, count] : counts) table.rows.push_back({{kind}, CountCell(count)});
  return table;
}

Markup FailureMarkup(const StudyFacts& facts, const AttemptFact& attempt) {
  std::string how = ", attempt " + std::to_string(attempt.number) + " on " + attempt.device + ": " +
                    attempt.outcome;
  if (!attempt.message.empty()) how += ": " + attempt.message;
  const Markup head =
      TrialMarkup(facts, attempt.trial, attempt.model + " seed " + std::to_string(attempt.seed)) +
      Markup(how);
  const std::string log = LastLines(attempt.log_tail);
  if (log.empty()) return Paragraph(head);
  return Element("details", Element("summary", head) + Element("pre", {{"tabindex", "0"}}, log)) +
         Markup::Verbatim("\n");
}

}  // namespace

PageSection FailuresSection(const StudyFacts& facts) {
  constexpr std::size_t kShownFailures = 50;
  PageSection section{"failures", "Failures", {}};
  std::vector<const AttemptFact*> failed;
  for (const AttemptFact& attempt : facts.attempts) {
    if (attempt.failed()) failed.push_back(&attempt);
  }
  if (failed.empty()) {
    section.Say("No attempt failed.");
    return section;
  }
  const auto given_up = std::ranges::count(facts.trials, TrialState::kFailed, &TrialRecord::state);
  section.Say(CountText(failed.size(), "attempt") + " failed; " +
              CountText(static_cast<std::size_t>(given_up), "trial") +
              (given_up == 1 ? " has" : " have") + " failed for good.");
  section.Add(TableMarkup(KindsTable(failed)));
  // The latest ones are what somebody looks for.
  const std::size_t first = failed.size() - std::min(kShownFailures, failed.size());
  if (first > 0) {
    section.Note("The last " + std::to_string(kShownFailures) +
                 " of them; `beamgrid query failures "
                 "--study " +
                 facts.study.name + "` has the others.");
  }
  for (std::size_t i = failed.size(); i > first; --i)
    section.Add(FailureMarkup(facts, *failed[i - 1]));
  return section;
}

}  // namespace beamgrid
