// `beamgrid data synth`: a synthetic dataset in the real format, with planted structure.

#include "orchestrator/commands/command.h"
#include "registry/util/error.h"
#include "registry/util/text.h"
#include "trainer/data/synth.h"

namespace beamgrid {
namespace {

/// Reads "rgb=64" as {"rgb", 64}; UsageError for anything else.
Feature ParseFeature(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals != std::string::npos && equals > 0) {
    const auto width = ParseNumber<std::int64_t>(text.substr(equals + 1));
    if (width && *width > 0) return {text.substr(0, equals), *width};
  }
  throw UsageError("--features: '" + text + "' must be NAME=WIDTH, as in rgb=64,audio=16");
}

/// Reads "rgb=float32" into `types`; UsageError for anything else.
void AddFrameType(const std::string& text, std::map<std::string, FrameType>& types) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw UsageError("--frame-types: '" + text + "' must be NAME=TYPE, as in rgb=float32; " +
                     "types are " + Join(WordsOf(kFrameTypes)));
  }
  const FrameType type =
      ValueOf(kFrameTypes, "--frame-types: " + text.substr(0, equals), text.substr(equals + 1));
  if (type != FrameType::kUint8) types[text.substr(0, equals)] = type;
}

class DataSynth : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("--out", options_.out, "Folder to write to")->required()->type_name("DIR");
    app.add_option("--videos", options_.videos, "Videos in all; a fifth goes to validate")
        ->required();
    app.add_option("--classes", options_.classes, "Number of classes")->required();
    app.add_option(
           "--seed", options_.seed,
           "Equal seeds give equal bytes; another seed makes other classes too, so no further "
           "videos of the same ones")
        ->capture_default_str();
    app.add_option("--format", options_.format)
        ->check(CLI::IsMember({"video", "frame", "segment"}))
        ->capture_default_str();
    app.add_option("--features", features_, "Names and widths, as in rgb=64,audio=16")
        ->delimiter(',');
    app.add_option("--frame-types", frame_types_,
                   "What frames are, as in rgb=float32,audio=float16; uint8 by default")
        ->delimiter(',');
    app.add_option("--max-frames", options_.max_frames, "Longest video")->capture_default_str();
    app.add_option("--min-frames", options_.min_frames, "Shortest video")->capture_default_str();
    app.add_option("--shards", options_.shards, "Files per split")->capture_default_str();
    AddPlants(app);
    AddDifficulties(app);
  }

  int Run(CommandContext& context) override {
    for (const std::string& feature : features_) {
      options_.features.push_back(ParseFeature(feature));
    }
    for (const std::string& type : frame_types_) AddFrameType(type, options_.frame_types);
    const SynthReport report = WriteSynthetic(options_);
    context.Remark(options_.out.string() + ": " +
                   CountText(static_cast<std::size_t>(report.train_videos), "video") + " in " +
                   CountText(report.train.size(), "train file") + ", " +
                   std::to_string(report.validate_videos) + " in " +
                   CountText(report.validate.size(), "validate file") + ", " +
                   SizeText(static_cast<std::int64_t>(report.bytes)));
    return kExitDone;
  }

 private:
  template <typename Number>
  void Add(CLI::App& app, const std::string& name, Number* value, const std::string& help) {
    app.add_option(name, *value, help)->capture_default_str()->group(group_);
  }

  void AddPlants(CLI::App& app) {
    group_ = "Planted structure (shares of the class pairs)";
    SynthPlants& plants = options_.plants;
    Add(app, "--lag", &plants.lag, "Audio that lags the image: for attention");
    Add(app, "--audio-lag", &options_.audio_lag, "By how many frames");
    Add(app, "--order", &plants.order, "Order that matters: for recurrent networks");
    Add(app, "--salience", &plants.salience, "Frames that matter among others: for netvlad");
    Add(app, "--modes", &plants.modes, "Classes that are not linear: for moe");
    Add(app, "--change", &plants.change, "Changes between frames: for differential features");
    Add(app, "--dependency", &plants.dependency,
        "Labels that two other labels decide: for conditional inference and class chaining");
  }

  void AddDifficulties(CLI::App& app) {
    group_ = "Difficulty";
    Add(app, "--shot-frames", &options_.shot_frames, "Longest shot");
    Add(app, "--signal", &options_.signal, "Size of the classes' prototypes");
    Add(app, "--noise", &options_.noise, "Standard deviation of the noise");
    Add(app, "--background", &options_.background, "Share of shots that belong to no label");
    Add(app, "--labels-per-video", &options_.labels_per_video, "Mean number of labels");
    Add(app, "--long-tail", &options_.long_tail, "Exponent of the classes' frequencies");
    Add(app, "--co-occurrence", &options_.co_occurrence, "Chance of a label's partner beside it");
    Add(app, "--rare", &options_.rare, "Share of the class pairs that are 20 times rarer");
    Add(app, "--label-noise", &options_.label_noise, "Chance that a training label is wrong");
  }

  SynthOptions options_;
  std::vector<std::string> features_, frame_types_;
  std::string group_;
};

REGISTER_COMMAND("data synth", kData, "Make a synthetic dataset in the real format", DataSynth);

}  // namespace
}  // namespace beamgrid
