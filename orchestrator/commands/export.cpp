// `beamgrid export`: a trained model or a recorded ensemble as a folder that Python loads.

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/named_models.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/exports/write_export.h"
#include "orchestrator/workers/trainer_client.h"
#include "registry/util/json.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

class Export : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("MODEL", name_, kNamedModelsHelp)->required()->type_name("");
    app.add_option("--out", out_, "The folder to make; a new one, or an empty one")
        ->required()
        ->type_name("DIR");
    database_.AddTo(app);
    database_.AddRunsTo(app);
    AddJsonFlag(app, &json_);
    app.footer(
        "The folder holds model.safetensors, config.json, a modeling.py of the parts of this model "
        "that\n"
        "needs torch and numpy, a model card (README.md) and a sample with what is predicted for "
        "it. An\n"
        "ensemble has such a folder for each member, and a modeling.py above them that combines "
        "them.");
  }

  int Run(CommandContext& context) override {
    CheckExportFolder(out_);
    const auto store = database_.OpenForReading();
    const NamedModels models = FindModels(*store, database_, name_);
    const ExportReport report = WriteExport(*store, {.study = models.study,
                                                     .trials = models.trials,
                                                     .ensemble = models.ensemble,
                                                     .out = out_,
                                                     .trainer = FindTrainer()});
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

  std::string name_, out_;
  DatabaseOption database_;
  bool json_ = false;
};

REGISTER_COMMAND("export", kResults, "A trained model or an ensemble as a folder for Python",
                 Export);

}  // namespace
}  // namespace beamgrid
