// `beamgrid effects`: what a study learnt of its parts.

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
    app.add_option("--vary", vary_, "Only the parts of this criterion; none: all")
        ->type_name("CRITERION");
    database_.AddTo(app);
    AddJsonFlag(app, &json_);
  }

  int Run(CommandContext& context) override {
    if (!vary_.empty()) RequireCriterion(vary_, "--vary '" + vary_ + "'");
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
    if (vary_.empty()) return;
    for (const StudyFactor& factor : made.factors) {
      if (factor.criterion == vary_) return;
    }
    throw UsageError("--vary " + vary_ +
                     ": the study has no two complete candidates of it; it varies " +
                     Join(made.factors, ", ", &StudyFactor::name));
  }

  std::string study_, vary_;
  DatabaseOption database_;
  bool json_ = false;
};

REGISTER_COMMAND("effects", kResults, "What a study learnt: which parts matter, and what is open",
                 EffectsCommand);

}  // namespace
}  // namespace beamgrid
