#include "orchestrator/commands/effects_text.h"

#include <algorithm>
#include <vector>

#include "orchestrator/commands/terminal.h"
#include "orchestrator/commands/text_table.h"
#include "registry/util/printable.h"
#include "registry/util/text.h"
#include "reports/effects_words.h"

namespace beamgrid {
namespace {

/// Prints a text in lines as wide as the terminal, elsewhere as the usual one; those after the
/// first begin with `indent` spaces.
void PrintWrapped(std::ostream& out, const std::string& text, std::size_t indent) {
  const std::string printable = PrintableLine(text);
  const std::size_t begin = std::min(printable.find_first_not_of(' '), printable.size());
  PrintWords(out, printable.substr(0, begin), printable.substr(begin), indent,
             TerminalWidth(out).value_or(kUsualWidth));
}

void PrintFactor(std::ostream& out, const StudyEffects& made, std::size_t factor) {
  const FactorEffects& effects = made.effects.factors[factor];
  PrintWrapped(out, FactorName(made, factor) + ": " + FactorShareText(made, factor), 2);
  if (!effects.told) return;
  TextTable table({">effect", ">95 % interval", ">tried", "candidate"});
  table.LeaveOutFirst({"tried", "95 % interval"});
  table.BreakLines({"candidate"});
  for (std::size_t i = 0; i < effects.levels.size(); ++i) {
    const LevelEffect& level = effects.levels[i];
    const bool is_best = i == static_cast<std::size_t>(effects.best);
    const std::string judged = is_best ? ", best" : level.may_be_best ? ", may be best" : "";
    table.Add({level.effect ? ValueText(*level.effect, Signedness::kSigned) : "excluded",
               level.effect ? IntervalText(*level.effect, Signedness::kSigned) : "",
               std::to_string(level.measured), made.factors[factor].levels[i] + judged});
  }
  table.Print(out);
}

bool Concerns(const StudyEffects& made, const PairEffect& pair, const std::string& vary) {
  return Concerns(made.factors[pair.first], vary) || Concerns(made.factors[pair.second], vary);
}

void PrintPairs(std::ostream& out, const StudyEffects& made, const std::string& vary) {
  std::vector<const PairEffect*> matter = PairsThatMatter(made);
  std::erase_if(matter, [&](const PairEffect* pair) { return !Concerns(made, *pair, vary); });
  if (made.effects.pairs.empty()) return;
  if (matter.empty()) {
    if (!made.effects.pairs_are_noise)
      PrintWrapped(out, "no pair of parts is shown to do more than its parts", 2);
    return;
  }
  PrintWrapped(out, "pairs that do more than their parts (their intervals hold all together)", 2);
  for (const PairEffect* pair : matter) {
    PrintWrapped(out, "  " + PairText(made, *pair), 6);
  }
}

void PrintNotes(std::ostream& out, const StudyEffects& made) {
  for (const std::string& note : made.notes) PrintWrapped(out, "note: " + note, 6);
}

}  // namespace

bool Concerns(const StudyFactor& factor, const std::string& vary) {
  return vary.empty() || factor.criterion == vary || factor.name == vary;
}

void PrintEffects(std::ostream& out, const StudyEffects& made, const std::string& vary) {
  PrintWrapped(out, HeadText(made), 0);
  for (std::size_t f = 0; f < made.factors.size(); ++f) {
    if (!Concerns(made.factors[f], vary)) continue;
    out << "\n";
    PrintFactor(out, made, f);
  }
  out << "\n";
  PrintPairs(out, made, vary);
  PrintWrapped(out, VarianceText(made), 2);
  PrintWrapped(out, HighestText(made), 2);
  if (const std::string loss = LossText(made); !loss.empty()) PrintWrapped(out, loss, 2);
  if (!made.proposals.empty()) {
    out << "would settle most of what is open:\n";
    for (const ProposedTrial& trial : made.proposals) {
      PrintWrapped(out, "  " + trial.name + " seed " + std::to_string(trial.seed), 4);
    }
  }
  PrintNotes(out, made);
}

void PrintEffectsBriefly(std::ostream& out, const StudyEffects& made) {
  std::vector<std::string> headings = {"part", "best on average"};
  if (made.shares_known) headings.insert(headings.begin(), ">share");
  TextTable table(headings);
  table.BreakLines({"best on average"});
  for (std::size_t f = 0; f < made.factors.size(); ++f) {
    const FactorEffects& effects = made.effects.factors[f];
    std::vector<std::string> cells = {FactorName(made, f), BestLevelText(made, f)};
    if (made.shares_known) {
      cells.insert(cells.begin(), effects.told ? ShareText(effects.share) : "");
    }
    table.Add(std::move(cells));
  }
  table.Print(out, "  ");
  if (!made.shares_known) {
    PrintWrapped(out, "shares of the variance: " + std::string(kSharesNotKnown), 2);
  }
  if (const std::string loss = LossText(made); !loss.empty()) PrintWrapped(out, loss, 2);
  PrintWrapped(out, "(`beamgrid effects " + made.study + "` has intervals, pairs and what is open)",
               1);
}

}  // namespace beamgrid
