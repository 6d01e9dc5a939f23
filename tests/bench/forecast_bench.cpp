// How well needs are forecast: what Forecast says of each trial of finished databases, beside what
// was measured, once it has learned all other trials of the database ("its own seeds"), all trials
// of other models ("other models"), or nothing.
//
//   forecast_bench DATABASE...

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "orchestrator/machine/forecast.h"
#include "registry/store/store.h"

namespace beamgrid {
namespace {

struct Trial {
  std::string model;  ///< equal for trials that differ in training settings and seed
  std::string name;
  TrialSpec spec;
  TrialResult result;
};

std::vector<Trial> ReadTrials(const char* database) {
  const Store store(database, OpenMode::kReadOnly);
  std::vector<Trial> trials;
  for (const StudyRecord& study : store.Studies()) {
    for (const TrialRecord& record : store.Trials(study.id)) {
      // A last attempt that hardly trained (0 examples/s) shows neither memory nor time.
      if (!record.result || record.result->examples_per_second <= 0) continue;
      Trial trial = {.name = record.name, .spec = store.Spec(record.id), .result = *record.result};
      ModelSpec model = trial.spec.model;
      model.train.clear();
      trial.model = CanonicalJson(ToJson(model)) + trial.spec.data.digest;
      trials.push_back(std::move(trial));
    }
  }
  return trials;
}

enum class Learned { kOthers, kOtherModels, kNothing };

Forecast::Need ForecastOf(const std::vector<Trial>& trials, std::size_t index, Learned learned) {
  Forecast forecast;
  const Trial& wanted = trials[index];
  for (std::size_t i = 0; i < trials.size(); ++i) {
    if (i == index || learned == Learned::kNothing) continue;
    if (learned == Learned::kOtherModels && trials[i].model == wanted.model) continue;
    forecast.Learn(trials[i].spec.model, trials[i].spec.data, trials[i].result);
  }
  return forecast.Of(wanted.spec.model, wanted.spec.data, wanted.result.parameters,
                     wanted.result.device);
}

std::vector<double> Ranks(const std::vector<double>& values) {
  std::vector<double> ranks;
  for (const double value : values) {
    const auto below = std::ranges::count_if(values, [&](double other) { return other < value; });
    const auto same = std::ranges::count(values, value);
    ranks.push_back(static_cast<double>(below) + static_cast<double>(same - 1) / 2);
  }
  return ranks;
}

/// Spearman's: Pearson's of the ranks.
double RankCorrelation(const std::vector<double>& left, const std::vector<double>& right) {
  const std::vector<double> x = Ranks(left), y = Ranks(right);
  const double mean = static_cast<double>(x.size() - 1) / 2;
  double xy = 0, xx = 0, yy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - mean) * (y[i] - mean);
    xx += (x[i] - mean) * (x[i] - mean);
    yy += (y[i] - mean) * (y[i] - mean);
  }
  return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : 0;
}

void Report(const char* database, const std::vector<Trial>& trials, const char* name,
            Learned learned) {
  std::vector<double> memory, expected, took;
  std::size_t worst = 0;
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < trials.size(); ++i) {
    const Forecast::Need need = ForecastOf(trials, i, learned);
    texts.push_back(need.memory_text + "; " + need.seconds_text);
    memory.push_back(static_cast<double>(need.memory_bytes) /
                     static_cast<double>(trials[i].result.peak_memory_bytes));
    expected.push_back(need.seconds);
    took.push_back(static_cast<double>(trials[i].result.examples) /
                   trials[i].result.examples_per_second);
    if (memory[i] < memory[worst]) worst = i;
  }
  if (trials.empty()) return;
  std::vector<double> sorted = memory;
  std::ranges::sort(sorted);
  std::printf(
      "%s, from %s: %zu trials; forecast/peak: lowest %.2f, median %.2f, highest %.2f, "
      "%td below 1; time: rank correlation %.2f\n  lowest: %s, %s\n",
      database, name, trials.size(), sorted.front(), sorted[sorted.size() / 2], sorted.back(),
      std::ranges::count_if(memory, [](double ratio) { return ratio < 1; }),
      RankCorrelation(expected, took), trials[worst].name.c_str(), texts[worst].c_str());
}

}  // namespace
}  // namespace beamgrid

int main(int count, char** arguments) {
  for (int i = 1; i < count; ++i) {
    const std::vector<beamgrid::Trial> trials = beamgrid::ReadTrials(arguments[i]);
    beamgrid::Report(arguments[i], trials, "its own seeds", beamgrid::Learned::kOthers);
    beamgrid::Report(arguments[i], trials, "other models", beamgrid::Learned::kOtherModels);
    beamgrid::Report(arguments[i], trials, "nothing", beamgrid::Learned::kNothing);
  }
}
