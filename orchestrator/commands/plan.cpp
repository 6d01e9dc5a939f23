// `beamgrid plan`: what a run would train. Nothing is trained and nothing is written.

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/data_voice.h"
#include "orchestrator/commands/recipe_option.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/search_cost_text.h"
#include "orchestrator/commands/terminal.h"
#include "orchestrator/commands/trainer.h"
#include "orchestrator/commands/whole_recipe.h"
#include "orchestrator/inputs/data_files.h"
#include "orchestrator/inputs/teachers.h"
#include "orchestrator/machine/device_memory.h"
#include "orchestrator/machine/devices.h"
#include "orchestrator/machine/machine_resources.h"
#include "orchestrator/run_study.h"
#include "orchestrator/search_cost.h"
#include "orchestrator/study/study_plan.h"
#include "orchestrator/study/trial_history.h"
#include "orchestrator/study/warm_start.h"
#include "orchestrator/workers/trainer_client.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

/// Layout is which columns of a plan have room. A plan is printed line by line, because it may have
/// a million: nothing depends on what comes later, as in a TextTable.
class Layout {
 public:
  explicit Layout(std::ostream& out) : width_(TerminalWidth(out)) {
    // The least important first.
    for (const std::size_t column : {kParameters, kSize, kSeed}) {
      if (width_ && NameColumn() + kShortestName > *width_) widths_[column] = 0;
    }
  }

  /// Returns the line, with the name as there is room for it.
  [[nodiscard]] std::string Line(const std::string& state, const std::string& seed,
                                 const std::string& parameters, const std::string& size,
                                 const std::string& name) const {
    std::string line = state + std::string(kStateWidth - std::min(kStateWidth, state.size()), ' ');
    const std::array<const std::string*, 3> cells = {&seed, &parameters, &size};
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (widths_[i] == 0) continue;
      const std::size_t length = cells[i]->size();
      line += std::string(1 + widths_[i] - std::min(widths_[i], length), ' ') + *cells[i];
    }
    const std::size_t room = width_ ? *width_ - std::min(*width_, NameColumn()) : name.size();
    return line + "  " + (width_ ? Shortened(name, std::max(room, kShortestName)) : name) + "\n";
  }

  /// Says what is not shown.
  void PrintLeftOut(std::ostream& out) const {
    std::vector<std::string> names;
    for (const auto& [column, name] :
         {std::pair(kSeed, "seed"), std::pair(kParameters, "parameters"),
          std::pair(kSize, "size")}) {
      if (widths_[column] == 0) names.emplace_back(name);
    }
    if (names.empty()) return;
    PrintProse(out, "",
               "(for want of width without " + Join(names) +
                   "; --json, a pipe or a wider terminal shows all)");
  }

 private:
  static constexpr std::size_t kSeed = 0, kParameters = 1, kSize = 2;
  static constexpr std::size_t kStateWidth = 9, kShortestName = 16;

  /// Returns the column in which names begin.
  [[nodiscard]] std::size_t NameColumn() const {
    std::size_t column = kStateWidth + 2;
    for (const std::size_t width : widths_) column += width == 0 ? 0 : 1 + width;
    return column;
  }

  std::optional<std::size_t> width_;
  std::array<std::size_t, 3> widths_ = {6, 13, 10};
};

/// Returns what the search may ask for once it knows the results of what is planned; empty:
/// nothing.
std::string WhatFollows(const PlanTotals& totals, bool races) {
  if (totals.finished) return "";
  if (!totals.later_candidates) return "more may follow, depending on these results";
  std::vector<std::string> parts;
  if (*totals.later_candidates > 0) {
    parts.push_back("up to " +
                    CountText(static_cast<std::size_t>(*totals.later_candidates), "more model"));
  }
  if (totals.effort.to_the_end) {
    parts.push_back("further epochs of the better ones (" +
                    std::to_string(*totals.effort.to_the_end) + " of them to the end)");
  }
  if (races) parts.emplace_back("further seeds of those that may be the best");
  return parts.empty() ? "" : Join(parts, " and ") + ", chosen by these results";
}

void PrintTotals(std::ostream& out, const PlanTotals& totals, const Recipe& recipe) {
  const std::string& study = recipe.name;
  const bool races = recipe.least_seeds < recipe.seeds.size();
  const auto print = [&out](const std::string& line) { PrintProse(out, "", line, 2); };
  for (const std::string& decision : totals.decisions) print("decided: " + decision);
  for (const std::string& line : LinesOf(totals.change)) print(line);
  if (totals.change.needs_consent()) {
    print(WhatLeaves(totals.change, study) + ": `beamgrid run` asks for --accept-changes");
  }
  const auto count = [](auto number, const char* noun) {
    return CountText(static_cast<std::size_t>(number), noun);
  };
  print(count(totals.trials, "trial") + " of " + count(totals.candidates, "model") + ", " +
        std::to_string(totals.complete) + " complete already, " + count(totals.refused, "model") +
        " refused");
  if (totals.limited) {
    print("more follow that --limit leaves out; below, they count as if none had begun");
  } else if (const std::string follows = WhatFollows(totals, races); !follows.empty()) {
    print(follows);
  }
}

/// Returns "  from phase1/MC-LSTM (trial 12ab34cd)".
std::string WarmStartRemark(const StudyTrial& trial) {
  const std::string reference = WarmStartText(trial.spec.model);
  if (reference.empty()) return "";
  const std::string digits = trial.spec.warm_start.substr(0, 8);
  return "  from " + reference + (digits.empty() ? "" : " (trial " + digits + ")");
}

/// Returns what the plan costs, once `meter` has taken in its trials.
CostReport ReportOf(CostMeter& meter, const CostParts& costs, const PlanTotals& totals) {
  CostReport report{.strategy = costs.recipe->search.strategy,
                    .slots = costs.slots,
                    .cost = meter.Total(totals),
                    .others = meter.Others()};
  report.basis = meter.Basis();
  return report;
}

double Done(const PlanParts& parts, const StudyTrial& trial) {
  return parts.store == nullptr ? 0 : DoneShare(*parts.store, trial);
}

void PlanAsText(const PlanParts& parts, const CostParts& costs, std::ostream& out) {
  CostMeter meter(costs);
  const Layout layout(out);
  out << layout.Line("state", "seed", "parameters", "size", "name");
  PlanSink sink;
  sink.on_trained_on = [&](const StudyTrial& trial) { meter.Add(trial, Done(parts, trial)); };
  sink.on_trial = [&](const StudyTrial& trial) {
    meter.Add(trial, Done(parts, trial));
    out << layout.Line(ToString(PlannedState(trial)), std::to_string(trial.spec.seed),
                       std::to_string(trial.parameters), SizeText(trial.size_bytes),
                       trial.name + WarmStartRemark(trial));
  };
  sink.on_refused = [&](const std::string& name, const std::string& why) {
    const std::string text = name + ": " + why;
    const std::optional<std::size_t> width = TerminalWidth(out);
    if (!width) {
      out << layout.Line("refused", "", "", "", text);
      return;
    }
    constexpr std::size_t kIndent = 4;
    std::string indent;
    for (const std::string& line : BrokenText("refused  " + text, *width - kIndent)) {
      out << indent << line << "\n";
      indent.assign(kIndent, ' ');
    }
  };
  const PlanTotals totals = PlanStudy(parts, sink);
  layout.PrintLeftOut(out);
  PrintTotals(out, totals, *parts.recipe);
  PrintCost(out, ReportOf(meter, costs, totals));
}

boost::json::object ToJson(const StudyTrial& trial) {
  boost::json::value start = nullptr;
  if (!trial.spec.warm_start.empty()) start = trial.spec.warm_start;
  return {{"name", trial.name},
          {"fingerprint", trial.fingerprint},
          {"seed", trial.spec.seed},
          {"spec", ToJson(trial.spec.model)},
          {"parameters", trial.parameters},
          {"size_bytes", trial.size_bytes},
          {"state", ToString(PlannedState(trial))},
          {"start", std::move(start)}};
}

/// Prints the plan piece by piece, because it may have a million trials; refused ones are few.
void PlanAsJson(const PlanParts& parts, const CostParts& costs, std::ostream& out) {
  const Verbatim as_it_is(out);
  CostMeter meter(costs);
  boost::json::array refused;
  const char* separator = "{\"trials\":[\n";
  PlanSink sink;
  sink.on_trained_on = [&](const StudyTrial& trial) { meter.Add(trial, Done(parts, trial)); };
  sink.on_trial = [&](const StudyTrial& trial) {
    meter.Add(trial, Done(parts, trial));
    out << separator << CanonicalJson(ToJson(trial));
    separator = ",\n";
  };
  sink.on_refused = [&refused](const std::string& name, const std::string& why) {
    refused.push_back({{"name", name}, {"why", why}});
  };
  const PlanTotals totals = PlanStudy(parts, sink);
  if (totals.trials == 0) out << separator;
  boost::json::value later = nullptr;
  if (totals.later_candidates && !totals.limited) later = *totals.later_candidates;
  out << "],\n\"refused\":" << CanonicalJson(refused)
      << ",\n\"decisions\":" << CanonicalJson(boost::json::value_from(totals.decisions))
      << ",\n\"study_changes\":" << CanonicalJson(ToJson(totals.change))
      << ",\n\"limited\":" << (totals.limited ? "true" : "false")
      << ",\n\"later_models\":" << CanonicalJson(later);
  for (const auto& [key, value] : CostJson(ReportOf(meter, costs, totals))) {
    out << ",\n\"" << key << "\":" << CanonicalJson(value);
  }
  out << "}\n";
}

class Plan : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    recipe_.AddTo(app);
    database_.AddTo(app);
    app.add_option("--limit", limit_, "Stop after so many trials")->check(AtLeastOne());
    app.add_flag("--no-data", no_data_,
                 "Do not look for the data: no fingerprints, and nothing counts as complete");
    AddJsonFlag(app, &json_);
    app.footer(std::string("--json: trials, refused, decisions, limited, later_models,\n"
                           "cost (docs/search.md), other_strategies,\n") +
               kStudyChangeKeys);
  }

  int Run(CommandContext& context) override {
    const RecipeSource source = recipe_.Read();
    const Trainer trainer = OpenTrainerFor(context, source);
    const Recipe recipe = LoadRecipe(source, trainer.catalogue);
    TellRemarks(context, recipe);
    const DataSpec data = no_data_ ? WithoutFiles(recipe) : DataAtHand(context, recipe);
    std::unique_ptr<Store> store;
    if (database_.IsThere()) store = database_.OpenForReading();
    TrainerCounter counter(trainer.path);
    const PlanParts parts{.recipe = &recipe,
                          .catalogue = &trainer.catalogue,
                          .data = &data,
                          .store = store.get(),
                          .counter = &counter,
                          .limit = limit_};
    Forecast forecast = store ? ForecastFrom(*store) : Forecast();
    forecast.KnowExamples(data.digest, train_examples_);
    CostParts costs{.recipe = &recipe,
                    .catalogue = &trainer.catalogue,
                    .data = &data,
                    .forecast = &forecast,
                    .counter = &counter,
                    .slots = {},
                    .memory = {},
                    .predictions_bytes = predictions_bytes_};
    TakeSlots(context, recipe, trainer, &costs);
    if (json_) {
      PlanAsJson(parts, costs, context.out);
    } else {
      PlanAsText(parts, costs, context.out);
    }
    return kExitDone;
  }

 private:
  /// Returns the data with their digest, or without files where some are missing: a plan needs only
  /// the recipe. What a run would warn of or stop at is said.
  DataSpec DataAtHand(const CommandContext& context, const Recipe& recipe) {
    FoundData found = LookForDataFiles(recipe);
    if (!found.missing.empty()) {
      for (const Diagnostic& missing : found.missing) context.Remark(ToString(missing));
      context.Remark(
          "the data are not here: which trials are complete already cannot be told; names, "
          "parameters and sizes need only the recipe");
      return WithoutFiles(recipe);
    }
    StudyData data = ReadStudyData(std::move(found.spec), recipe.data.group, VoiceOf(context));
    train_examples_ = data.census.train.examples;
    predictions_bytes_ = PredictionsBytes(data.census.validate, data.spec.classes);
    context.Detail("data: " + CountText(data.spec.train.size(), "train file") + " and " +
                   CountText(data.spec.validate.size(), "validate file") + ", digest " +
                   data.spec.digest);
    for (const std::string& warning : data.verdict.warnings) context.Remark("warning: " + warning);
    std::vector<Diagnostic> mistakes = DataMistakes(recipe, data.verdict);
    if (mistakes.empty()) mistakes = TeacherMistakes(recipe, data.spec);
    for (const Diagnostic& mistake : mistakes) context.Remark(ToString(mistake));
    if (!mistakes.empty()) context.Remark("`beamgrid run` will not begin on these data");
    return std::move(data.spec);
  }

  /// Returns about how large predictions.bin will be: the best labels of each video with their
  /// scores, the truth, and an id of some letters.
  static std::int64_t PredictionsBytes(const SplitCensus& validate, std::int64_t classes) {
    constexpr std::int64_t kTop = 100, kHeader = 12, kId = 8, kScore = 8, kLabel = 4;
    return validate.examples * (kHeader + kId + kScore * std::min(kTop, classes)) +
           kLabel * validate.labels;
  }

  /// Looks for the slots that a run would have now; none where it would find a device missing.
  static void TakeSlots(const CommandContext& context, const Recipe& recipe, const Trainer& trainer,
                        CostParts* costs) {
    try {
      const MachineDevices machine = LookAtMachine(recipe.resources, trainer.path);
      costs->slots = MakeSlots(recipe.resources, machine);
      DeviceMemory memory;
      costs->memory = MachineResources(
                          *costs->data, costs->slots, machine.cores, [] { return Forecast(); },
                          memory, /*share=*/nullptr, [](const std::string&) {})
                          .Budgets();
    } catch (const UsageError& error) {
      context.Remark(std::string(error.what()) + "; so how long it would take cannot be told");
    }
  }

  static DataSpec WithoutFiles(const Recipe& recipe) {
    return {.format = recipe.data.format,
            .classes = recipe.data.classes,
            .features = recipe.data.features,
            .frame_types = recipe.data.frame_types,
            .normalise = recipe.data.normalise,
            .max_frames = recipe.data.max_frames,
            .frame_alignment = recipe.data.frame_alignment,
            .on_error = recipe.data.on_error,
            .multi_class = recipe.data.multi_class,
            .video_weight = recipe.data.video_weight};
  }

  RecipeOption recipe_;
  DatabaseOption database_;
  std::optional<std::int64_t> limit_;
  bool no_data_ = false;
  std::int64_t train_examples_ = 0;                ///< 0: not known
  std::optional<std::int64_t> predictions_bytes_;  ///< of one trial
  bool json_ = false;
};

REGISTER_COMMAND("plan", kSearch, "What a run would train, with sizes; trains nothing", Plan);

}  // namespace
}  // namespace beamgrid
