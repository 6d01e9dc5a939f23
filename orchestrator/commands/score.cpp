// `beamgrid score`: the four metrics of a predictions file in the competition's format.

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/output.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/record_files.h"
#include "registry/predictions.h"

namespace beamgrid {
namespace {

class ScoreCommand : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("--predictions", predictions_, "CSV with VideoId,LabelConfidencePairs")
        ->required()
        ->type_name("FILE");
    app.add_option("--truth", truth_, "CSV with VideoId,Labels, or record files or their folder")
        ->required()
        ->type_name("FILE");
    AddJsonFlag(app, &json_);
  }

  int Run(CommandContext& context) override {
    RequireFile(predictions_);
    const Metrics metrics = Score(ReadPredictionsCsv(predictions_), ReadTruth(truth_));
    if (json_) {
      PrintJson(context.out, ToJson(metrics));
    } else {
      context.out << "GAP@20  " << FixedText(metrics.gap, 5) << "\nHit@1   "
                  << FixedText(metrics.hit_at_1, 5) << "\nPERR    " << FixedText(metrics.perr, 5)
                  << "\nmAP     " << FixedText(metrics.map, 5) << "\nvideos  " << metrics.videos
                  << "\n";
    }
    return kExitDone;
  }

 private:
  static boost::json::object ToJson(const Metrics& metrics) {
    return {{"gap", metrics.gap},
            {"hit_at_1", metrics.hit_at_1},
            {"perr", metrics.perr},
            {"map", metrics.map},
            {"videos", metrics.videos}};
  }

  std::string predictions_;
  std::vector<std::string> truth_;
  bool json_ = false;
};

REGISTER_COMMAND("score", kResults, "GAP, Hit@1, PERR and mAP of a predictions file", ScoreCommand);

}  // namespace
}  // namespace beamgrid
