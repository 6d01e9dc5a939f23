// `beamgrid export`: a trained model or a recorded ensemble as a folder that Python loads, or the
// learning curves of trials as one that TensorBoard reads.

#include <utility>

#include "orchestrator/commands/class_names.h"
#include "orchestrator/commands/command.h"
#include "orchestrator/commands/named_models.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/data_places.h"
#include "orchestrator/exports/unfinished_folder.h"
#include "orchestrator/exports/write_export.h"
#include "orchestrator/exports/write_tensorboard.h"
#include "orchestrator/workers/trainer_client.h"
#include "registry/util/json.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

class Export : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("MODEL", name_,
                   std::string(kNamedModelsHelp) + "; with --tensorboard a study, or trials of it")
        ->required()
        ->type_name("");
    auto* out = app.add_option("--out", out_, "The folder to make; a new one, or an empty one")
                    ->type_name("DIR");
    auto* curves =
        app.add_option("--tensorboard", tensorboard_,
                       "Make a folder of learning curves and settings instead, for TensorBoard")
            ->type_name("DIR")
            ->excludes(out);
    app.add_option("--names", names_,
                   "A file of what classes are called (columns Index and Name), for the card and "
                   "config.json; none: the names that were recorded with the study")
        ->type_name("FILE");
    database_.AddTo(app);
    database_.AddRunsTo(app);
    AddJsonFlag(app, &json_);
    app.footer(
        "The folder holds model.safetensors, config.json, a modeling.py of the parts of this model "
        "that\n"
        "needs torch and numpy, a model card (README.md) and a sample with what is predicted for "
        "it. An\n"
        "ensemble has such a folder for each member, and a modeling.py above them that combines "
        "them.\n"
        "--tensorboard makes a folder with one run for each trial, its epochs as steps; an epoch "
        "whose end\n"
        "was not recorded has the time of the next one, or of the trial's end. record/gap is that "
        "of the\n"
        "best epoch, as tables have it; validate/gap is a curve.");
    app.callback([out, curves] {
      if (out->count() + curves->count() == 0) {
        throw CLI::RequiredError("--out, or --tensorboard for its learning curves");
      }
    });
  }

  int Run(CommandContext& context) override {
    if (!tensorboard_.empty()) return ExportCurves(context);
    CheckExportFolder(out_);
    const auto store = database_.OpenForReading();
    const NamedModels models = FindModels(*store, database_, name_);
    const DataSpec data = DataPlaces(*store, models.study).AsNamed(models.trials.front());
    const KnownNames known = NamesOf(*store, models.study.id, data);
    const KnownNames names = names_.empty() ? known : ClassNamesOf(names_, data, known);
    if (!names.note.empty()) context.Remark("note: " + names.note);
    const ExportReport report = WriteExport(*store, {.study = models.study,
                                                     .trials = models.trials,
                                                     .ensemble = models.ensemble,
                                                     .out = out_,
                                                     .trainer = FindTrainer(),
                                                     .class_names = names.names});
    if (json_) {
      PrintJson(context.out, ToJson(report));
      return kExitDone;
    }
    context.out << out_ << ": "
                << (models.ensemble ? CountText(report.models.size(), "model")
                                    : report.models.front().name)
                << ", " << SizeText(report.weight_bytes()) << " of weights\n"
                << "python3 " << out_ << "/modeling.py --self-test compares it with beamgrid\n";
    return kExitDone;
  }

 private:
  int ExportCurves(const CommandContext& context) const {
    CheckExportFolder(tensorboard_, "--tensorboard");
    const auto store = database_.OpenForReading();
    const TensorBoardReport report = WriteTensorBoard(*store, TrialsOf(*store), tensorboard_);
    if (json_) {
      PrintJson(context.out, ToJson(report));
      return kExitDone;
    }
    context.out << tensorboard_ << ": " << CountText(report.runs.size(), "trial") << ", "
                << CountText(report.epochs(), "epoch") << "\n";
    if (report.without_epochs > 0) {
      context.Remark(CountText(report.without_epochs, "trial") +
                     " left out: no epoch of theirs has ended");
    }
    context.out << "tensorboard --logdir " << tensorboard_ << " shows them\n";
    return kExitDone;
  }

  /// Returns the trials of the study that is named, or those that are named themselves.
  [[nodiscard]] std::vector<TrialRecord> TrialsOf(const Store& store) const {
    if (const auto study = store.FindStudy(name_)) return store.Trials(study->id);
    std::vector<TrialRecord> trials;
    for (TrialInStudy& found : FindTrials(store, database_, name_, ModelNames::kWithStudy)) {
      trials.push_back(std::move(found.trial));
    }
    return trials;
  }

  [[nodiscard]] boost::json::object ToJson(const TensorBoardReport& report) const {
    return {{"out", tensorboard_},
            {"without_epochs", report.without_epochs},
            {"runs", JsonList(report.runs, [](const TensorBoardReport::Run& run) {
               return boost::json::object{{"folder", run.folder},
                                          {"name", run.name},
                                          {"seed", run.seed},
                                          {"epochs", run.epochs}};
             })}};
  }

  [[nodiscard]] boost::json::object ToJson(const ExportReport& report) const {
    return {{"out", out_},
            {"weight_bytes", report.weight_bytes()},
            {"models", JsonList(report.models, [](const ExportReport::Model& model) {
               return boost::json::object{{"folder", model.folder},
                                          {"name", model.name},
                                          {"fingerprint", model.fingerprint},
                                          {"weight_bytes", model.weight_bytes}};
             })}};
  }

  std::string name_, out_, tensorboard_, names_;
  DatabaseOption database_;
  bool json_ = false;
};

REGISTER_COMMAND("export", kResults,
                 "A trained model or an ensemble for Python, or curves for TensorBoard", Export);

}  // namespace
}  // namespace beamgrid
