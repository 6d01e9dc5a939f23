// What each part does, alone and with others.

#include <algorithm>

#include "registry/util/text.h"
#include "reports/effects_words.h"
#include "reports/page/row_chart.h"
#include "reports/page/section.h"

namespace beamgrid {
namespace {

std::string JudgedText(const StudyEffects& made, std::size_t factor, std::size_t level) {
  const FactorEffects& effects = made.effects.factors[factor];
  if (!effects.told) return NotToldText(made, factor);
  if (level == static_cast<std::size_t>(effects.best)) return "best";
  return effects.levels[level].may_be_best ? "may be best" : "";
}

/// Returns "temporal: 72 % of the variance", the name alone where that is not known.
std::string FactorHeading(const StudyEffects& made, std::size_t factor) {
  const bool says_something = made.shares_known || !made.effects.factors[factor].told;
  return FactorName(made, factor) + (says_something ? ": " + FactorShareText(made, factor) : "");
}

std::string FindingOf(const StudyEffects& made) {
  std::vector<std::string> parts;
  for (std::size_t f = 0; f < made.factors.size(); ++f) {
    parts.push_back(FactorHeading(made, f));
    if (!made.effects.factors[f].told) continue;
    parts.back() += (made.shares_known ? ", best " : ": best ") + BestLevelText(made, f);
  }
  return Sentence(Join(parts, "; ")) +
         (made.shares_known ? ""
                            : " Shares of the variance are " + std::string(kSharesNotKnown) + ".") +
         " A filled mark may be the best of its part, a hollow one is not.";
}

PageTable EffectsTable(const StudyEffects& made) {
  PageTable table{.caption = "Effects of parts: difference from the mean over all combinations",
                  .columns = {"part", "candidate", ">effect", ">95 % interval", ">tried", "judged"},
                  .row_names = 1};
  for (std::size_t f = 0; f < made.factors.size(); ++f) {
    for (std::size_t i = 0; i < made.factors[f].levels.size(); ++i) {
      const LevelEffect& level = made.effects.factors[f].levels[i];
      PageCell effect{made.effects.factors[f].told ? "excluded" : ""}, interval{""};
      if (level.effect) {
        effect = {ValueText(*level.effect, Signedness::kSigned), level.effect->value};
        interval = {IntervalText(*level.effect, Signedness::kSigned)};
      }
      table.rows.push_back({{made.factors[f].name},
                            {made.factors[f].levels[i]},
                            effect,
                            interval,
                            CountCell(level.measured),
                            {JudgedText(made, f, i)}});
    }
  }
  return table;
}

std::vector<ChartRow> RowsOfEffects(const StudyEffects& made) {
  constexpr std::size_t kDrawnLevels = 30;  // of one part, the best ones
  std::vector<ChartRow> rows;
  for (std::size_t f = 0; f < made.factors.size(); ++f) {
    rows.push_back({.label = FactorHeading(made, f), .heading = true});
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < made.factors[f].levels.size(); ++i) {
      if (made.effects.factors[f].levels[i].effect) order.push_back(i);
    }
    std::ranges::stable_sort(order, std::ranges::greater(), [&](std::size_t i) {
      return made.effects.factors[f].levels[i].effect->value;
    });
    if (order.size() > kDrawnLevels) order.resize(kDrawnLevels);
    for (const std::size_t i : order) {
      const Estimate& effect = *made.effects.factors[f].levels[i].effect;
      ChartRow row{.label = made.factors[f].levels[i], .value = effect.value};
      if (effect.interval) {
        row.low = effect.interval->low;
        row.high = effect.interval->high;
      }
      row.filled = made.effects.factors[f].levels[i].may_be_best;
      row.title = row.label + " " + EstimateText(effect, Signedness::kSigned);
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

/// Returns an axis that holds every value with its interval.
Axis EffectsAxis(const std::vector<ChartRow>& rows, const std::string& heading) {
  double low = 0, high = 0;
  for (const ChartRow& row : rows) {
    if (!row.value) continue;
    low = std::min({low, *row.value, row.low.value_or(0)});
    high = std::max({high, *row.value, row.high.value_or(0)});
  }
  return LinearAxis("effect on " + heading + ", with its 95 % interval", low, high);
}

Figure EffectsFigure(const StudyEffects& made) {
  Figure figure{.name = "effects", .title = "Effect of each part", .finding = FindingOf(made)};
  const std::vector<ChartRow> rows = RowsOfEffects(made);
  DrawRows(rows, EffectsAxis(rows, made.metric->heading), BarsFrom::kNone, figure);
  figure.data = EffectsTable(made);
  return figure;
}

void AddPairs(PageSection& section, const StudyEffects& made) {
  if (made.effects.pairs.empty()) return;
  std::vector<std::string> pairs;
  for (const PairEffect* pair : PairsThatMatter(made)) pairs.push_back(PairText(made, *pair));
  if (pairs.empty()) {
    if (!made.effects.pairs_are_noise) {
      section.Say("No pair of parts is shown to do more than its parts.");
    }
    return;
  }
  section.Say("Pairs that do more than their parts (their intervals hold all together):");
  section.Add(BulletList(pairs));
}

}  // namespace

PageSection EffectsSection(const StudyFacts& facts) {
  PageSection section{"effects", "Effects of parts and of pairs", {}};
  if (!facts.effects) {
    section.Say(Sentence(facts.no_effects));
    return section;
  }
  const StudyEffects& made = *facts.effects;
  section.Say(Sentence(HeadText(made)));
  section.Add(EffectsFigure(made));
  AddPairs(section, made);
  section.Say(Sentence(VarianceText(made)));
  // Of a part of what was measured nobody knows which is the highest of all.
  if (made.effects.looked_at == made.effects.measured) section.Say(Sentence(HighestText(made)));
  if (const std::string loss = LossText(made); !loss.empty()) section.Say(Sentence(loss));
  if (!made.proposals.empty()) {
    section.Say("Would settle most of what is open:");
    std::vector<std::string> proposals;
    for (const ProposedTrial& trial : made.proposals) {
      proposals.push_back(trial.name + " seed " + std::to_string(trial.seed));
    }
    section.Add(BulletList(proposals));
  }
  section.Add(BulletList(made.notes, "note"));
  return section;
}

}  // namespace beamgrid
