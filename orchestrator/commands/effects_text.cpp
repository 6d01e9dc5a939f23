#include "orchestrator/commands/effects_text.h"

#include <algorithm>
#include <vector>

#include "orchestrator/commands/terminal.h"
#include "orchestrator/commands/text_table.h"
#include "registry/util/printable.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

constexpr int kDigits = 4;
/// In the place of shares of the variance.
constexpr char kNotKnown[] = "not known: too few combinations";

std::string SignedText(double value) {
  const std::string text = FixedText(value, kDigits);
  return text.front() == '-' ? text : "+" + text;
}

std::string ShareText(double share) { return FixedText(100 * share, 0) + " %"; }

std::string IntervalText(const Estimate& estimate, bool is_signed) {
  if (!estimate.interval) return "";
  const auto text = [is_signed](double value) {
    return is_signed ? SignedText(value) : FixedText(value, kDigits);
  };
  return text(estimate.interval->low) + " .. " + text(estimate.interval->high);
}

/// Returns "0.0041 (0.0012 .. 0.0090)".
std::string EstimateText(const Estimate& estimate, bool is_signed) {
  const std::string interval = IntervalText(estimate, is_signed);
  return (is_signed ? SignedText(estimate.value) : FixedText(estimate.value, kDigits)) +
         (interval.empty() ? "" : " (" + interval + ")");
}

/// Prints a text in lines as wide as the terminal, elsewhere as the usual one; those after the
/// first begin with `indent` spaces.
void PrintWrapped(std::ostream& out, const std::string& text, std::size_t indent) {
  const std::string printable = PrintableLine(text);
  const std::size_t begin = std::min(printable.find_first_not_of(' '), printable.size());
  PrintWords(out, printable.substr(0, begin), printable.substr(begin), indent,
             TerminalWidth(out).value_or(kUsualWidth));
}

std::string LevelOf(const StudyEffects& made, std::size_t factor, std::int32_t level) {
  return made.factors[factor].levels[static_cast<std::size_t>(level)];
}

/// Returns "netvlad clusters=16 (or 2 others)" where as many may be better.
std::string BestText(const StudyEffects& made, std::size_t factor) {
  const FactorEffects& effects = made.effects.factors[factor];
  const auto others = std::ranges::count_if(effects.levels, &LevelEffect::may_be_best) - 1;
  return LevelOf(made, factor, effects.best) +
         (others < 1 ? "" : " (or " + CountText(static_cast<std::size_t>(others), "other") + ")");
}

void PrintHead(std::ostream& out, const StudyEffects& made) {
  const Effects& effects = made.effects;
  std::string text = std::string(made.metric->heading) +
                     " by part: " + EstimateText(effects.mean, false) + " on average over " +
                     std::to_string(effects.grid_points) + " combinations, ";
  text += effects.method == EffectsMethod::kExact
              ? "all measured"
              : std::to_string(effects.measured) +
                    " measured, the others as a Gaussian process expects them";
  text += "; intervals are of 95 %";
  PrintWrapped(out, text, 0);
}

void PrintFactor(std::ostream& out, const StudyEffects& made, std::size_t factor) {
  const FactorEffects& effects = made.effects.factors[factor];
  PrintWrapped(out,
               made.factors[factor].name + ": " +
                   (made.shares_known ? ShareText(effects.share) + " of the variance"
                                      : "share of the variance " + std::string(kNotKnown)),
               2);
  TextTable table({">effect", ">95 % interval", ">tried", "candidate"});
  table.LeaveOutFirst({"tried", "95 % interval"});
  table.BreakLines({"candidate"});
  for (std::size_t i = 0; i < effects.levels.size(); ++i) {
    const LevelEffect& level = effects.levels[i];
    const bool is_best = i == static_cast<std::size_t>(effects.best);
    const std::string judged = is_best ? ", best" : level.may_be_best ? ", may be best" : "";
    table.Add({level.effect ? SignedText(level.effect->value) : "excluded",
               level.effect ? IntervalText(*level.effect, true) : "",
               std::to_string(level.measured), made.factors[factor].levels[i] + judged});
  }
  table.Print(out);
}

bool Concerns(const StudyEffects& made, const PairEffect& pair, const std::string& vary) {
  return Concerns(made.factors[pair.first], vary) || Concerns(made.factors[pair.second], vary);
}

void PrintPairs(std::ostream& out, const StudyEffects& made, const std::string& vary) {
  std::vector<const PairEffect*> matter;
  for (const PairEffect& pair : made.effects.pairs) {
    if (pair.matters && Concerns(made, pair, vary)) matter.push_back(&pair);
  }
  std::ranges::stable_sort(matter,
                           [](const auto* a, const auto* b) { return a->share > b->share; });
  if (made.effects.pairs.empty()) return;
  if (matter.empty()) {
    if (!made.effects.pairs_are_noise)
      PrintWrapped(out, "no pair of parts is shown to do more than its parts", 2);
    return;
  }
  PrintWrapped(out, "pairs that do more than their parts (their intervals hold all together)", 2);
  for (const PairEffect* pair : matter) {
    PrintWrapped(out,
                 "  " + (made.shares_known ? ShareText(pair->share) + "  " : "") +
                     made.factors[pair->first].name + " x " + made.factors[pair->second].name +
                     ": " + LevelOf(made, pair->first, pair->first_level) + " with " +
                     LevelOf(made, pair->second, pair->second_level) + " " +
                     EstimateText(pair->strongest, true),
                 6);
  }
}

std::string LossText(const StudyEffects& made) {
  const Effects& effects = made.effects;
  if (!effects.one_at_a_time) return "";
  const OneAtATime& one = *effects.one_at_a_time;
  const std::string start =
      "one at a time from " + made.baseline + " would have chosen " + made.chosen;
  if (!one.allowed) return start + ", which is excluded";
  if (one.chosen == effects.best) {
    const std::string most = one.loss->interval ? FixedText(one.loss->interval->high, kDigits) : "";
    return start + ", the highest" +
           (most.empty() ? "" : "; no other is better by more than " + most);
  }
  return start + " and lost " + EstimateText(*one.loss, false) + " against " + made.best;
}

void PrintVariance(std::ostream& out, const Effects& effects, bool shares_known) {
  const std::string seeds = effects.noise ? FixedText(*effects.noise, kDigits) : "";
  if (!shares_known) {
    PrintWrapped(
        out,
        "how much combinations differ, and the shares of that variance: " + std::string(kNotKnown) +
            (seeds.empty() ? "" : "; seeds differ by " + seeds + " (standard deviation)"),
        2);
    return;
  }
  double pairs = 0;
  for (const PairEffect& pair : effects.pairs) pairs += pair.share;
  PrintWrapped(out,
               "of the variance: pairs " + ShareText(pairs) + ", three and more together " +
                   ShareText(effects.higher_share) + "; combinations differ by " +
                   FixedText(effects.deviation, kDigits) + " (standard deviation)" +
                   (seeds.empty() ? "" : ", seeds by " + seeds),
               2);
}

void PrintNotes(std::ostream& out, const StudyEffects& made) {
  for (const std::string& note : made.notes) PrintWrapped(out, "note: " + note, 6);
}

}  // namespace

bool Concerns(const StudyFactor& factor, const std::string& vary) {
  return vary.empty() || factor.criterion == vary || factor.name == vary;
}

void PrintEffects(std::ostream& out, const StudyEffects& made, const std::string& vary) {
  const Effects& effects = made.effects;
  PrintHead(out, made);
  for (std::size_t f = 0; f < made.factors.size(); ++f) {
    if (!Concerns(made.factors[f], vary)) continue;
    out << "\n";
    PrintFactor(out, made, f);
  }
  out << "\n";
  PrintPairs(out, made, vary);
  PrintVariance(out, effects, made.shares_known);
  PrintWrapped(
      out,
      "highest: " + made.best + " " + EstimateText(effects.best_score, false) +
          (effects.method == EffectsMethod::kExact ? ", a little too high for being the highest"
                                                   : ""),
      2);
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
    std::vector<std::string> cells = {made.factors[f].name, BestText(made, f)};
    if (made.shares_known) {
      cells.insert(cells.begin(), ShareText(made.effects.factors[f].share));
    }
    table.Add(std::move(cells));
  }
  table.Print(out, "  ");
  if (!made.shares_known) {
    PrintWrapped(out, "shares of the variance: " + std::string(kNotKnown), 2);
  }
  if (const std::string loss = LossText(made); !loss.empty()) PrintWrapped(out, loss, 2);
  PrintWrapped(out, "(`beamgrid effects " + made.study + "` has intervals, pairs and what is open)",
               1);
}

}  // namespace beamgrid
