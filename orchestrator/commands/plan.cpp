// `beamgrid plan`: what a run would train. Nothing is trained and nothing is written.

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/data_voice.h"
#include "orchestrator/commands/recipe_option.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/trainer.h"
#include "orchestrator/inputs/data_files.h"
#include "orchestrator/run_study.h"
#include "orchestrator/study/study_plan.h"
#include "orchestrator/study/warm_start.h"
#include "orchestrator/workers/trainer_client.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

constexpr char kColumns[] = "%-9s %6s %13s %10s  %s\n";

std::string Line(const std::string& state, const std::string& seed, const std::string& parameters,
                 const std::string& size, const std::string& name) {
  std::string line(name.size() + 64, '\0');
  const int length = std::snprintf(line.data(), line.size(), kColumns, state.c_str(), seed.c_str(),
                                   parameters.c_str(), size.c_str(), name.c_str());
  line.resize(static_cast<std::size_t>(length));
  return line;
}

void PrintTotals(std::ostream& out, const PlanTotals& totals, const std::string& study) {
  for (const std::string& decision : totals.decisions) out << "decided: " << decision << "\n";
  for (const std::string& line : LinesOf(totals.change)) out << line << "\n";
  if (totals.change.needs_consent()) {
    out << WhatLeaves(totals.change, study) << ": `beamgrid run` asks for --accept-changes\n";
  }
  out << totals.trials << " trials of " << totals.candidates << " models, " << totals.complete
      << " complete already, " << totals.refused << " models refused\n";
  if (totals.limited) {
    out << "more follow that --limit leaves out\n";
  } else if (!totals.later_candidates) {
    out << "more may follow, depending on these results\n";
  } else if (*totals.later_candidates > 0) {
    out << "up to " << *totals.later_candidates << " more models, chosen by these results\n";
  }
}

/// Returns "  from phase1/MC-LSTM (trial 12ab34cd)".
std::string WarmStartRemark(const StudyTrial& trial) {
  const std::string reference = WarmStartText(trial.spec.model);
  if (reference.empty()) return "";
  const std::string digits = trial.spec.warm_start.substr(0, 8);
  return "  from " + reference + (digits.empty() ? "" : " (trial " + digits + ")");
}

void PlanAsText(const PlanParts& parts, std::ostream& out) {
  out << Line("state", "seed", "parameters", "size", "name");
  PlanSink sink;
  sink.on_trial = [&out](const StudyTrial& trial) {
    out << Line(ToString(PlannedState(trial)), std::to_string(trial.spec.seed),
                std::to_string(trial.parameters), SizeText(trial.size_bytes),
                trial.name + WarmStartRemark(trial));
  };
  sink.on_refused = [&out](const std::string& name, const std::string& why) {
    out << Line("refused", "", "", "", name + ": " + why);
  };
  PrintTotals(out, PlanStudy(parts, sink), parts.recipe->name);
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
void PlanAsJson(const PlanParts& parts, std::ostream& out) {
  boost::json::array refused;
  const char* separator = "{\"trials\":[\n";
  PlanSink sink;
  sink.on_trial = [&](const StudyTrial& trial) {
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
      << ",\n\"later_models\":" << CanonicalJson(later) << "}\n";
}

class Plan : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    recipe_.AddTo(app);
    database_.AddTo(app);
    app.add_option("--limit", limit_, "Stop after so many trials")->check(CLI::PositiveNumber);
    app.add_flag("--no-data", no_data_,
                 "Do not look for the data: no fingerprints, and nothing counts as complete");
    AddJsonFlag(app, &json_);
    app.footer(std::string("--json: trials, refused, decisions, limited, later_models,\n") +
               kStudyChangeKeys);
  }

  int Run(CommandContext& context) override {
    const RecipeSource source = recipe_.Read();
    const Trainer trainer = OpenTrainerFor(context, source);
    const Recipe recipe = LoadRecipe(source, trainer.catalogue);
    const DataSpec data = no_data_ ? WithoutFiles(recipe) : DataAtHand(context, recipe);
    std::unique_ptr<Store> store;
    if (std::filesystem::exists(database_.path)) store = database_.OpenForReading();
    TrainerCounter counter(trainer.path);
    const PlanParts parts{.recipe = &recipe,
                          .catalogue = &trainer.catalogue,
                          .data = &data,
                          .store = store.get(),
                          .counter = &counter,
                          .limit = limit_};
    if (json_) {
      PlanAsJson(parts, context.out);
    } else {
      PlanAsText(parts, context.out);
    }
    return kExitDone;
  }

 private:
  /// Returns the data with their digest, or without files where some are missing: a plan needs only
  /// the recipe. What a run would warn of or stop at is said.
  static DataSpec DataAtHand(const CommandContext& context, const Recipe& recipe) {
    FoundData found = LookForDataFiles(recipe);
    if (!found.missing.empty()) {
      for (const Diagnostic& missing : found.missing) context.Remark(ToString(missing));
      context.Remark(
          "the data are not here: which trials are complete already cannot be told; names, "
          "parameters and sizes need only the recipe");
      return WithoutFiles(recipe);
    }
    StudyData data = ReadStudyData(std::move(found.spec), VoiceOf(context));
    context.Detail("data: " + std::to_string(data.spec.train.size()) + " train and " +
                   std::to_string(data.spec.validate.size()) + " validate files, digest " +
                   data.spec.digest);
    for (const std::string& warning : data.verdict.warnings) context.Remark("warning: " + warning);
    const std::vector<Diagnostic> mistakes = DataMistakes(recipe, data.verdict);
    for (const Diagnostic& mistake : mistakes) context.Remark(ToString(mistake));
    if (!mistakes.empty()) context.Remark("`beamgrid run` will not begin on these data");
    return std::move(data.spec);
  }

  static DataSpec WithoutFiles(const Recipe& recipe) {
    return {.format = recipe.data.format,
            .classes = recipe.data.classes,
            .features = recipe.data.features,
            .max_frames = recipe.data.max_frames,
            .on_error = recipe.data.on_error};
  }

  RecipeOption recipe_;
  DatabaseOption database_;
  std::optional<std::int64_t> limit_;
  bool no_data_ = false;
  bool json_ = false;
};

REGISTER_COMMAND("plan", kSearch, "What a run would train, with sizes; trains nothing", Plan);

}  // namespace
}  // namespace beamgrid
