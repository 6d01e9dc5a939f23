// `beamgrid effects`: what a study learnt of its parts.

#include <algorithm>

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/effects_text.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/trainer.h"
#include "orchestrator/inputs/recipe_files.h"
#include "registry/criteria.h"
#include "registry/util/error.h"
#include "registry/util/text.h"
#include "reports/study_effects.h"

namespace beamgrid {
namespace {

class EffectsCommand : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("STUDY", study_, "Study")->required();
    app.add_option("--vary", vary_,
                   "Only the parts of this criterion, or one part, as in "
                   "extras.dropout; none: all")
        ->type_name("PART");
    database_.AddTo(app);
    AddJsonFlag(app, &json_);
  }

  int Run(CommandContext& context) override {
    const auto store = database_.OpenForReading();
    const StudyRecord study = FindStudy(*store, database_, study_);
    std::vector<std::string> models;
    for (const TrialRecord& trial : store->Trials(study.id)) models.push_back(trial.model_json);
    const Trainer trainer = OpenTrainer(context, PluginsAtHand(models));
    const StudyEffects made = MakeEffects(*store, trainer.catalogue, study);
    RequireVaried(made);
    if (json_) {
      PrintJson(context.out, ToJson(made));
    } else {
      PrintEffects(context.out, made, vary_);
    }
    return kExitDone;
  }

 private:
  void RequireVaried(const StudyEffects& made) const {
    const auto concerns = [this](const StudyFactor& factor) { return Concerns(factor, vary_); };
    if (std::ranges::any_of(made.factors, concerns)) return;
    const std::string varies = "; it varies " + Join(made.factors, ", ", &StudyFactor::name);
    if (FindCriterion(vary_) != nullptr) {
      throw UsageError("--vary " + vary_ + ": the study has no two complete candidates of it" +
                       varies);
    }
    throw UsageError("--vary '" + vary_ + "' is no criterion and no part of the study" + varies);
  }

  std::string study_, vary_;
  DatabaseOption database_;
  bool json_ = false;
};

REGISTER_COMMAND("effects", kResults, "What a study learnt: which parts matter, and what is open",
                 EffectsCommand);

}  // namespace
}  // namespace beamgrid
