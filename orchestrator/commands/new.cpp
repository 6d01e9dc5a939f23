// `beamgrid new`: a first recipe for a folder of records.

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "orchestrator/commands/command.h"
#include "orchestrator/inputs/data_folder.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/text.h"
#include "registry/util/utf8.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

/// What a recipe takes in [study] name and in data.max_frames.
constexpr std::size_t kLongestStudyName = 100;
constexpr std::int64_t kMostRecipeFrames = 65'536;

std::string TomlQuoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

/// Returns the name of a study that is called like the recipe's file.
std::string StudyName(const fs::path& recipe) {
  std::string name = recipe.stem().string().substr(0, kLongestStudyName);
  for (char& c : name) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_';
    if (!good) c = '-';
  }
  return name;
}

/// Returns a batch of which an epoch has some dozens, and at most 128: a power of two.
std::int64_t BatchFor(std::int64_t videos) {
  std::int64_t batch = 8;
  while (batch < 128 && batch * 32 <= videos) batch *= 2;
  return batch;
}

std::string DataText(const DataFolder& data, const std::string& folder) {
  const std::string videos = data.seen.empty() ? " videos\n" : " videos, or more\n";
  std::string text =
      "[data]\nformat = \"" + data.format + "\"\ntrain = [" +
      TomlQuoted(folder + data.train_files) + "]  # " + std::to_string(data.train_videos) + videos +
      "validate = [" + TomlQuoted(folder + data.validate_files) + "]  # " +
      std::to_string(data.validate_videos) + videos + "classes = " + std::to_string(data.classes);
  if (!data.vocabulary.empty()) text += "  # their names: " + data.vocabulary;
  if (data.classes_are_guessed) {
    text += "  # at least: the highest label" +
            (data.seen.empty() ? std::string(" of all records") : " of " + data.seen) +
            ", and one; set what the dataset says";
  }
  const auto list = [&data](const auto& value) {
    return Join(data.features, ", ", [&value](const FolderFeature& feature) {
      return TomlQuoted(feature.name) + " = " + value(feature);
    });
  };
  text += "\nfeatures = { " +
          list([](const FolderFeature& feature) { return std::to_string(feature.width); }) + " }\n";
  const bool bytes = std::ranges::all_of(
      data.features, [](const FolderFeature& feature) { return feature.type == "uint8"; });
  if (data.format != "video" && !bytes) {
    text += "frame_types = { " +
            list([](const FolderFeature& feature) { return TomlQuoted(feature.type); }) + " }\n";
  }
  if (!data.group.empty()) {
    text += "group = " + TomlQuoted(data.group) +
            "  # videos of one are alike: intervals are of other ones of these\n";
  }
  if (!data.video_weight.empty()) {
    text += "video_weight = " + TomlQuoted(data.video_weight) + "  # of each video in the loss\n";
  }
  if (data.format != "video") {
    text += "max_frames = " +
            std::to_string(std::clamp<std::int64_t>(data.max_frames, 1, kMostRecipeFrames)) +
            "  # the longest video; fewer are faster\n";
  }
  return text;
}

constexpr char kTrainText[] = R"(
[train]
learning_rate = 0.001
epochs = 20
patience = 3  # end where three epochs bring no gain
)";

constexpr char kFrameGrid[] = R"(
# The small search: three ways to pool the frames of a video, and two classifiers: 6 models.
# `beamgrid components` lists what else there is.
[[grid.temporal]]
use = "mean"
[[grid.temporal]]
use = "max"
[[grid.temporal]]
use = "lstm"
hidden = 256
[[grid.classifier]]
use = "logistic"
[[grid.classifier]]
use = "moe"
experts = 2

[[table]]
title = "Pooling of frames"
vary = "temporal"

[[table]]
title = "Classifier"
vary = "classifier"

# The larger search, when the small one works: take the # away.
# [search]
# strategy = "greedy"  # one criterion after the other; `beamgrid strategies` lists others
#
# [[grid.temporal]]
# use = "netvlad"
# clusters = [32, 64]
# hidden = 512
# [[grid.temporal]]
# use = "gru"
# hidden = [256, 512]
# [[grid.temporal]]
# use = "transformer"
# [[grid.classifier]]
# use = "moe"
# experts = [4, 8]
#
# [grid.extras]
# context_gating = [false, true]
# dropout = [0.0, 0.2]
#
# [grid.train]
# learning_rate = [0.001, 0.0003]
#
# [ensemble]
# size_limit = "100MiB"
)";

constexpr char kVideoGrid[] = R"(
# The small search: three classifiers on a video's vector. `beamgrid components` lists what else there is.
[[grid.classifier]]
use = "logistic"
[[grid.classifier]]
use = "moe"
experts = 2
[[grid.classifier]]
use = "mlp"

[[table]]
title = "Classifier"
vary = "classifier"

# The larger search, when the small one works: take the # away.
# [search]
# strategy = "greedy"  # one criterion after the other; `beamgrid strategies` lists others
#
# [[grid.classifier]]
# use = "moe"
# experts = [4, 8]
#
# [grid.extras]
# context_gating = [false, true]
# dropout = [0.0, 0.2]
#
# [grid.train]
# learning_rate = [0.001, 0.0003]
#
# [ensemble]
# size_limit = "100MiB"
)";

std::string RecipeText(const fs::path& recipe, const DataFolder& data, const std::string& folder) {
  std::string text =
      "# Made by `beamgrid new`. `beamgrid check` finds mistakes, `beamgrid plan` says what it "
      "will cost,\n"
      "# `beamgrid run` trains; `beamgrid help recipe` explains every key.\n"
      "beamgrid = 1\n\n[study]\nname = " +
      TomlQuoted(StudyName(recipe)) +
      "\nobjective = \"gap\"\nseeds = [1, 2]  # each model once per seed: how much is "
      "chance\n\n";
  text += DataText(data, folder) + kTrainText;
  text += "batch = " + std::to_string(BatchFor(data.train_videos)) + "\n";
  return text + (data.format == "video" ? kVideoGrid : kFrameGrid);
}

class New : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("RECIPE", recipe_, "The file to write, such as first.toml")->required();
    app.add_option("--data", data_,
                   "Folder of records: what `beamgrid data import` made, or train*.tfrecord and "
                   "validate*.tfrecord, or folders of these names")
        ->required()
        ->type_name("DIR");
  }

  int Run(CommandContext& context) override {
    const fs::path recipe(recipe_);
    std::error_code ignored;
    if (recipe.extension() != ".toml") throw UsageError(recipe_ + ": a recipe is called *.toml");
    if (fs::exists(fs::symlink_status(recipe, ignored))) {
      throw UsageError(recipe_ + ": is there already; name another file");
    }
    if (const std::string problem = ProblemOfPath(data_); !problem.empty()) {
      throw UsageError("--data: " + problem);
    }
    const DataFolder data = LookAtDataFolder(data_);
    const fs::path from = fs::absolute(recipe).parent_path();
    if (!fs::is_directory(from, ignored)) throw UsageError(from.string() + ": no such folder");
    // Beside each other they may move together; elsewhere the data stay where they are.
    const fs::path whole = fs::weakly_canonical(data_);
    const fs::path beside = whole.lexically_relative(fs::weakly_canonical(from));
    const fs::path folder = beside.empty() || *beside.begin() == ".." ? whole : beside;
    WriteFileAtomically(recipe,
                        RecipeText(recipe, data, folder == "." ? "" : folder.string() + "/"));
    if (data.classes_are_guessed) {
      context.Remark("data.classes = " + std::to_string(data.classes) + " is the highest label" +
                     (data.seen.empty() ? "" : " of " + data.seen) +
                     ", and one: the dataset may have more classes");
    }
    context.Remark(recipe_ + ": a recipe for " + std::to_string(data.train_videos) + " + " +
                   CountText(static_cast<std::size_t>(data.validate_videos), "video") + ", " +
                   CountText(static_cast<std::size_t>(data.classes), "class") +
                   "; next: beamgrid plan " + recipe_);
    return kExitDone;
  }

 private:
  std::string recipe_, data_;
};

REGISTER_COMMAND("new", kSearch, "Write a first recipe for a folder of records", New);

}  // namespace
}  // namespace beamgrid
