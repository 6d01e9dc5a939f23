#include "orchestrator/commands/first_recipe.h"

#include <algorithm>
#include <cstdint>

#include "registry/util/text.h"

namespace beamgrid {
namespace {

/// What a recipe takes in data.max_frames.
constexpr std::int64_t kMostRecipeFrames = 65'536;

std::string TomlQuoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

/// Returns a batch of which an epoch has some dozens, and at most 128: a power of two.
std::int64_t BatchOf(std::int64_t videos) {
  std::int64_t batch = 8;
  while (batch < 128 && batch * 32 <= videos) batch *= 2;
  return batch;
}

std::string StudyLines(const std::string& study, const DataFolder& data) {
  return "[study]\nname = " + TomlQuoted(study) +
         "\nobjective = " + (data.one_label_each ? "\"accuracy\"  # or \"gap\"\n" : "\"gap\"\n") +
         "seeds = [1, 2]  # each model once per seed: how much is chance\n\n";
}

std::string ClassLines(const DataFolder& data) {
  std::string text = "classes = " + std::to_string(data.classes);
  if (!data.vocabulary.empty()) text += "  # their names: " + data.vocabulary;
  if (data.classes_are_guessed) {
    text += "  # at least: the highest label" +
            (data.seen.empty() ? std::string(" of all records") : " of " + data.seen) +
            ", and one; set what the dataset says";
  }
  if (!data.one_label_each) return text + "\n";
  return text +
         "\n# Each video has one label, so classes are taken to exclude each other. If a video may "
         "have\n# several (and some of its labels are only missing): take this line away and the "
         "loss below,\n# write objective = \"gap\", and use = \"logistic\" or \"moe\" instead of "
         "\"softmax\".\nlabels = \"multi_class\"\n";
}

std::string FeatureLines(const DataFolder& data) {
  const auto list = [&data](const auto& value) {
    return Join(data.features, ", ", [&value](const FolderFeature& feature) {
      return TomlQuoted(feature.name) + " = " + value(feature);
    });
  };
  std::string text =
      "features = { " +
      list([](const FolderFeature& feature) { return std::to_string(feature.width); }) + " }\n";
  const bool bytes = std::ranges::all_of(
      data.features, [](const FolderFeature& feature) { return feature.type == "uint8"; });
  if (data.format != "video" && !bytes) {
    text += "frame_types = { " +
            list([](const FolderFeature& feature) { return TomlQuoted(feature.type); }) + " }\n";
  }
  return text;
}

std::string FramesLine(const DataFolder& data) {
  std::string text = "max_frames = " + std::to_string(std::clamp<std::int64_t>(data.max_frames, 1,
                                                                               kMostRecipeFrames));
  if (data.own_rates) {
    return text + "  # the longest feature; the mean is " + FixedText(data.mean_longest_frames, 1) +
           "; fewer are faster\n# Features differ in their number of frames: all of a video have " +
           FixedText(data.mean_frames, 1) +
           " on average. So they\n# are taken to last equally long, at frame rates of their own: "
           "of "
           "those with fewer frames the\n# nearest one is taken. Where some only end early, write "
           "\"cut\".\n"
           "frame_alignment = \"nearest\"\n";
  }
  if (data.max_common_frames != data.max_frames) {
    return text + "  # the longest feature; the frames that all features of a video have are " +
           std::to_string(data.max_common_frames) + " at most, " + FixedText(data.mean_frames, 1) +
           " on average (data.frame_alignment)\n";
  }
  return text + "  # the longest video; the mean is " + FixedText(data.mean_frames, 1) +
         "; fewer are faster\n";
}

std::string DataLines(const DataFolder& data, const std::string& folder) {
  const std::string videos = data.seen.empty() ? " videos\n" : " videos, or more\n";
  std::string text =
      "[data]\nformat = \"" + data.format + "\"\ntrain = [" +
      TomlQuoted(folder + data.train_files) + "]  # " + std::to_string(data.train_videos) + videos +
      "validate = [" + TomlQuoted(folder + data.validate_files) + "]  # " +
      std::to_string(data.validate_videos) + videos + ClassLines(data) + FeatureLines(data);
  if (!data.group.empty()) {
    text += "group = " + TomlQuoted(data.group) +
            "  # videos of one are alike: intervals are of other ones of these\n";
  }
  if (!data.video_weight.empty()) {
    text += "video_weight = " + TomlQuoted(data.video_weight) + "  # of each video in the loss\n";
  }
  return text + (data.format == "video" ? "" : FramesLine(data));
}

constexpr char kTrainText[] = R"(
[train]
learning_rate = 0.001
epochs = 20
patience = 3  # end where three epochs bring no gain
)";

constexpr char kPooling[] = R"([[grid.temporal]]
use = "mean"
[[grid.temporal]]
use = "max"
[[grid.temporal]]
use = "lstm"
hidden = 256
)";
constexpr char kPoolingTable[] = R"(
[[table]]
title = "Pooling of frames"
vary = "temporal"
)";
constexpr char kMorePooling[] = R"([[grid.temporal]]
use = "netvlad"
clusters = [32, 64]
hidden = 512
[[grid.temporal]]
use = "gru"
hidden = [256, 512]
[[grid.temporal]]
use = "transformer"
)";

constexpr char kLarger[] = "# The larger search, when the small one works: take the # away.\n";
constexpr char kMoreExtras[] = R"(context_gating = [false, true]
dropout = [0.0, 0.2]
)";
constexpr char kGreedy[] = R"([search]
strategy = "greedy"  # one criterion after the other; `beamgrid strategies` lists others

)";
constexpr char kMoreTraining[] = R"(
[grid.train]
learning_rate = [0.001, 0.0003]

[ensemble]
size_limit = "100MiB"
)";

std::string Commented(const std::string& text) {
  std::string commented;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    commented += (end == begin ? "#" : "# ") + text.substr(begin, end - begin) + "\n";
    begin = end + 1;
  }
  return commented;
}

/// Returns the searches for videos of any number of classes.
std::string MultiLabelSearch(bool of_frames) {
  std::string small =
      of_frames ? "\n# The small search: three ways to pool the frames of a video, and two "
                  "classifiers: 6 models.\n# `beamgrid components` lists what else there is.\n"
                : "\n# The small search: three classifiers on a video's vector. `beamgrid "
                  "components` lists what else there is.\n";
  if (of_frames) small += kPooling;
  small +=
      "[[grid.classifier]]\nuse = \"logistic\"\n[[grid.classifier]]\nuse = \"moe\"\nexperts = 2\n";
  if (!of_frames) small += "[[grid.classifier]]\nuse = \"mlp\"\n";
  if (of_frames) small += kPoolingTable;
  small += "\n[[table]]\ntitle = \"Classifier\"\nvary = \"classifier\"\n\n";
  return small + kLarger +
         Commented(kGreedy + std::string(of_frames ? kMorePooling : "") +
                   "[[grid.classifier]]\nuse = \"moe\"\nexperts = [4, 8]\n\n[grid.extras]\n" +
                   kMoreExtras + kMoreTraining);
}

/// Returns the searches for videos of exactly one class. A table is opened once in TOML, so the
/// larger one goes on with the small one's extras.
std::string MultiClassSearch(bool of_frames) {
  std::string small =
      of_frames
          ? "\n# The small search: three ways to pool the frames of a video, without and with "
            "a trained layer\n# before the classifier: 6 models. `beamgrid components` lists "
            "what else there is.\n"
          : "\n# The small search: none, one and two trained layers before the classifier. "
            "`beamgrid components`\n# lists what else there is.\n";
  if (of_frames) small += kPooling;
  small +=
      "[[grid.classifier]]\nuse = \"softmax\"\n[[grid.loss]]\nuse = "
      "\"categorical_cross_entropy\"\n";
  if (of_frames) small += kPoolingTable;
  small +=
      "\n[[table]]\ntitle = \"Layers before the classifier\"\nvary = "
      "\"extras.embedding_mlp\"\n\n[grid.extras]\nembedding_mlp = [false, { width = 256, hidden = "
      "0 }" +
      std::string(of_frames ? "" : ", { width = 256, hidden = 512 }") + "]\n\n";
  return small + kLarger +
         Commented(kMoreExtras + std::string("\n") + kGreedy + (of_frames ? kMorePooling : "") +
                   kMoreTraining);
}

}  // namespace

std::string FirstRecipe(const std::string& study, const DataFolder& data,
                        const std::string& folder) {
  const bool of_frames = data.format != "video";
  return "# Made by `beamgrid new`. `beamgrid check` finds mistakes, `beamgrid plan` says what it "
         "will cost,\n# `beamgrid run` trains; `beamgrid help recipe` explains every key.\n"
         "beamgrid = 1\n\n" +
         StudyLines(study, data) + DataLines(data, folder) + kTrainText +
         "batch = " + std::to_string(BatchOf(data.train_videos)) + "\n" +
         (data.one_label_each ? MultiClassSearch(of_frames) : MultiLabelSearch(of_frames));
}

}  // namespace beamgrid
