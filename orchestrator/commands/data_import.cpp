// `beamgrid data import`: record files of features that somebody has in NumPy, HDF5 or CSV files.

#include <boost/json.hpp>
#include <set>
#include <string_view>

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/record_files.h"
#include "orchestrator/importing/import_plan.h"
#include "orchestrator/importing/import_writer.h"
#include "orchestrator/importing/near_names.h"
#include "orchestrator/inputs/reading_progress.h"
#include "registry/class_words.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/printable.h"
#include "registry/util/text.h"
#include "registry/util/threads.h"

namespace beamgrid {
namespace {

constexpr std::size_t kNamedVideos = 5, kNamedClasses = 5;
/// From this share of clipped values on, features are plainly not scaled to [-2, 2].
constexpr double kManyClipped = 0.01;
/// From this share of values that became 0 on, features are plainly too small for what they are
/// written as. Of features that fill [-2, 2] a byte makes less than 1 % to 0.
constexpr double kManyVanished = 0.1;

/// Returns the text as a TOML string.
std::string TomlText(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

/// Returns the name as a TOML key.
std::string TomlKey(const std::string& name) {
  const bool bare = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
  return bare ? name : TomlText(name);
}

/// Returns the section of a recipe in the folder from which the command was called.
std::string DataSection(const ImportOptions& options, const ImportPlan& plan) {
  const std::string folder = (options.out / "").string();
  std::string text = "[data]\nformat = \"";
  text += plan.level == ArrayLevel::kVideo ? "video" : "frame";
  text += "\"\ntrain = [" + TomlText(folder + "train-*.tfrecord") + "]\nvalidate = [" +
          TomlText(folder + "validate-*.tfrecord") +
          "]\nclasses = " + std::to_string(plan.labels.classes) + "\nfeatures = { " +
          Join(plan.features, ", ",
               [](const ImportedFeature& feature) {
                 return TomlKey(feature.input.name) + " = " + std::to_string(feature.width);
               }) +
          " }\n";
  if (!options.labels.video_weight_column.empty()) {
    text += "video_weight = " + TomlText(options.labels.video_weight_column) + "\n";
  }
  if (!options.labels.grouped_by().empty()) {
    text += "group = " + TomlText(options.labels.grouped_by()) + "\n";
  }
  if (plan.level == ArrayLevel::kVideo) return text;
  const auto is_bytes = [](const ImportedFeature& feature) {
    return feature.type == Element::kUint8;
  };
  if (!std::ranges::all_of(plan.features, is_bytes)) {
    text += "frame_types = { " +
            Join(plan.features, ", ",
                 [](const ImportedFeature& feature) {
                   return TomlKey(feature.input.name) + " = \"" + NameOf(feature.type) + "\"";
                 }) +
            " }\n";
  }
  text += "max_frames = " + std::to_string(plan.max_frames) + "\n";
  return text + (plan.HasOwnRates() ? "frame_alignment = \"nearest\"\n" : "");
}

class DataImport : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option(
           "--features", features_,
           "NAME=FILES, once for each feature. FILES is a pattern or a folder of .npy or .npz "
           "files, one per video (.npz:ARRAY); an HDF5 file with a dataset per video "
           "(FILE.h5:GROUP); or a .csv or .tsv file with a row per video. Arrays are "
           "[frames, width], or [width] for a whole video; a video's id is the file's or "
           "dataset's name, or the column id")
        ->required()
        ->type_name("NAME=FILES");
    labels_ = app.add_option("--labels", options_.labels.path,
                             "CSV or TSV with the columns id and labels (a list per video) or "
                             "label (one per row); classes are numbers from 0 or names; without "
                             "it the records are for `beamgrid predict` alone")
                  ->type_name("FILE");
    app.add_option("--out", options_.out, "New folder for the records")
        ->required()
        ->type_name("DIR");
    app.add_option("--shards", options_.shards, "Files per split; default: by size");
    app.add_option("--as", as_,
                   "How frames are written; default: as the files have them. uint8 takes a quarter "
                   "of the room; values outside of -2..2 are clipped, and counted")
        ->transform(OneOf(RecordTypeNames()));
    app.add_flag("--allow-unequal-frames", unequal_,
                 "Take videos whose features differ in their number of frames; training uses the "
                 "frames that all have");
    app.add_flag("--strict", strict_, "Refuse where a video lacks labels, a feature or frames");
    app.add_option("--threads", options_.threads, "Of no influence on what is written")
        ->check(AtLeastOne());
    AddJsonFlag(app, &json_);
    AddLabelOptions(app);
    AddSplitOptions(app);
  }

  int Run(CommandContext& context) override {
    for (const std::string& text : features_) {
      options_.features.push_back(ParseFeatureInput(text));
    }
    if (!options_.labels.path.empty()) RequireFile(options_.labels.path);
    const std::string& classes = options_.labels.classes;
    if (!classes.empty() && !ParseNumber<std::int64_t>(classes)) RequireFile(classes);
    if (!as_.empty()) options_.as = RecordTypeOf(as_);
    if (strict_) options_.incomplete = ImportOptions::Incomplete::kRefuse;
    if (unequal_) options_.unequal_frames = ImportOptions::UnequalFrames::kAllow;
    const ImportPlan plan = PlanImport(options_);
    ReadingProgress progress(context.verbosity != Verbosity::kQuiet);
    const ImportReport report =
        WriteImport(options_, plan,
                    [&](std::uint64_t done, std::uint64_t total) { progress.Show(done, total); });
    progress.End();
    Tell(context, plan, report);
    if (json_) {
      context.out << report.manifest;
    } else if (plan.labelled) {
      context.out << DataSection(options_, plan);
    } else {
      context.Remark(
          "no labels: no model can be trained or measured on these records; `beamgrid "
          "predict MODEL " +
          (options_.out / "test-*.tfrecord").string() + "` predicts them");
    }
    return kExitDone;
  }

 private:
  void AddLabelOptions(CLI::App& app) {
    LabelOptions& labels = options_.labels;
    const std::string group = "Labels";
    app.add_option("--id-column", labels.id_column, "Default: id, video or video_id")
        ->group(group)
        ->type_name("COLUMN");
    const auto add = [&](const char* name, std::string* value, const char* help) {
      app.add_option(name, *value, help)->group(group)->type_name("COLUMN")->needs(labels_);
    };
    add("--labels-column", &labels.labels_column, "Lists of classes, a row per video");
    add("--label-column", &labels.label_column, "One class per row, any number of rows per video");
    add("--weight-column", &labels.weight_column,
        "A weight or grade for each label: kept in the records (label_weights), and used by "
        "--min-weight alone; for training and scores each label that stays is as true as any "
        "other");
    add("--video-weight-column", &labels.video_weight_column,
        "What each video weighs in the loss, 0 or more; kept in the records under the column's "
        "name, for data.video_weight");
    add("--group", &labels.group_column,
        "By what videos belong together, such as the subject: they are in one split, and tables "
        "and ensembles resample whole groups (data.group); default: as --holdout-by");
    app.add_option("--min-weight", labels.min_weight, "Leave out labels of less weight")
        ->group(group)
        ->needs(labels_);
    app.add_option(
           "--separator", labels.separator,
           "Between the classes of a list; default: ';', or ' ', '|' or ',' between numbers")
        ->group(group)
        ->needs(labels_);
    app.add_option("--classes", labels.classes,
                   "How many classes there are, or a file of their names: a column Name, and Index "
                   "where they are not in order; default: those that there are, names in order")
        ->group(group)
        ->type_name("NUMBER|FILE")
        ->needs(labels_);
  }

  void AddSplitOptions(CLI::App& app) {
    const std::string group = "Train and validate";
    app.add_option("--holdout", options_.holdout,
                   "Share for validate; each video's id decides, so more videos change no other's "
                   "place")
        ->check(Between(0, 1))
        ->capture_default_str()
        ->group(group);
    app.add_option("--holdout-by", options_.labels.holdout_column,
                   "Column of --labels, such as the subject or the day: all videos of one value "
                   "are in one split; default: as --group")
        ->group(group)
        ->type_name("COLUMN")
        ->needs(labels_);
    app.add_option("--split-column", options_.labels.split_column,
                   "Column of --labels that says train, validate or test")
        ->group(group)
        ->type_name("COLUMN")
        ->needs(labels_);
  }

  void Tell(const CommandContext& context, const ImportPlan& plan,
            const ImportReport& report) const {
    for (const LeftOutVideos& group : plan.left_out) {
      context.Remark("left out: " + CountText(group.ids.size(), "video") + " (" + group.why +
                     "): " + PrintableLine(JoinFirst(group.ids, kNamedVideos)));
    }
    TellOfNearIds(context, plan);
    TellOfColumns(context, plan);
    if (plan.unequal > 0) TellOfUnequalFrames(context, plan);
    if (plan.labelled) {
      TellOfClasses(context, plan);
      TellOfNearNames(context, plan);
    }
    if (plan.groups_in_both > 0) {
      context.Remark(CountText(plan.groups_in_both, "group") + " (" + options_.labels.grouped_by() +
                     ") in train and in validate: what is measured on validate is of subjects that "
                     "the models have seen");
    }
    if (report.was_there) {
      context.Remark(options_.out.string() +
                     ": holds these videos already, from the same files; nothing was written");
      return;
    }
    TellOfLostValues(context, plan, report);
    context.Remark(options_.out.string() + ": " + VideosText(plan) + ", " + ClassesText(plan) +
                   CountText(plan.shards.size(), "file") + ", " +
                   SizeText(static_cast<std::int64_t>(report.bytes)) +
                   (report.kept_shards == 0 ? ""
                                            : "; " + CountText(report.kept_shards, "file") +
                                                  " kept from the import before"));
  }

  static std::string ClassesText(const ImportPlan& plan) {
    if (!plan.labelled) return "";
    return CountText(static_cast<std::size_t>(plan.labels.classes), "class") + " (column '" +
           plan.labels.column + "', " + (plan.labels.lists ? "a list per video" : "one per row") +
           "), ";
  }

  static std::string VideosText(const ImportPlan& plan) {
    std::string text;
    for (const Split split : kAllSplits) {
      const std::size_t videos = plan.VideosOf(split).size();
      if (videos == 0) continue;
      text += (text.empty() ? "" : ", ") + CountText(videos, "video") + " in " + NameOf(split);
    }
    return text;
  }

  static std::vector<std::string> WithoutVideos(const ImportPlan& plan) {
    std::vector<std::string> classes;
    for (std::size_t label = 0; label < plan.train_videos.size(); ++label) {
      if (plan.train_videos[label] > 0) continue;
      classes.push_back(NumberedClass(label, plan.labels.class_names));
    }
    return classes;
  }

  void TellOfClasses(const CommandContext& context, const ImportPlan& plan) const {
    if (plan.HasOneClassEach()) {
      context.Remark(
          "each video has one class: where classes exclude each other, write labels = "
          "\"multi_class\" in [data], as `beamgrid new` does");
    }
    if (plan.labels.classes == 1) {
      context.Remark(
          "there is one class, which every video has: nothing is to be told apart, and any model's "
          "GAP is 1. Videos without a class are left out: give them one of their own, as 'none'");
    }
    const auto without = std::ranges::count(plan.train_videos, 0);
    if (without > 0) {
      const bool from_one = plan.labels.class_names.empty() && plan.train_videos.front() == 0;
      context.Remark(CountText(static_cast<std::size_t>(without), "class") + " of " +
                     std::to_string(plan.labels.classes) + " without a training video (" +
                     PrintableLine(JoinFirst(WithoutVideos(plan), kNamedClasses)) + ")" +
                     (from_one ? ", class 0 among them: are they counted from 1?" : ""));
    }
    for (const std::string& name : plan.labels.class_names) {
      constexpr std::string_view kMissing[] = {"nan",  "NaN",  "None", "none",
                                               "null", "NULL", "N/A",  "<NA>"};
      if (!options_.labels.classes.empty() || std::ranges::count(kMissing, name) == 0) continue;
      context.Remark("a class is called '" + name +
                     "': is it a value that is missing? A video without a class has an empty cell");
    }
    if (!options_.labels.weight_column.empty()) {
      context.Remark(
          "the labels' weights are kept in the records (label_weights); training and scores take "
          "each label as true, whatever its weight: --min-weight leaves out those of less");
    }
    if (plan.labels.light_labels > 0) {
      context.Remark(CountText(plan.labels.light_labels, "label") +
                     " of less weight than --min-weight left out");
    }
  }

  static void TellOfUnequalFrames(const CommandContext& context, const ImportPlan& plan) {
    const std::string videos =
        CountText(plan.unequal, "video") + " with features of different numbers of frames: ";
    if (!plan.HasOwnRates()) {
      context.Remark(videos +
                     "training uses the frames that all have, from the first on; where features "
                     "have frame rates of their own, data.frame_alignment = \"nearest\" takes the "
                     "nearest ones");
      return;
    }
    context.Remark(videos + "the frames that all of a video have are only " +
                   std::to_string(plan.frames) + " of " + std::to_string(plan.longest_frames) +
                   ", so the features are taken to have frame rates of their own; write "
                   "data.frame_alignment = \"nearest\", as `beamgrid new` does, and \"cut\" where "
                   "some only end early");
  }

  static void TellOfNearIds(const CommandContext& context, const ImportPlan& plan) {
    std::vector<std::string> unlabelled, without_array;
    for (const LeftOutVideos& group : plan.left_out) {
      if (group.why == kNotLabelled) unlabelled = group.ids;
      if (group.why == kNoArray) without_array = group.ids;
    }
    const std::vector<std::string> near = NearIds(unlabelled, without_array);
    if (near.empty()) return;
    context.Remark(
        "of those left out, these ids of arrays and of labels look alike, and are not: " +
        PrintableLine(JoinFirst(near, kNamedVideos)));
  }

  /// A vector that was saved as a column is frames of one number each.
  static void TellOfColumns(const CommandContext& context, const ImportPlan& plan) {
    for (const ImportedFeature& feature : plan.features) {
      const std::vector<SourceArray>& arrays = feature.source->arrays();
      const std::uint64_t frames = arrays.front().form.frames;
      if (feature.width > 1 || frames == 1) continue;
      if (!std::ranges::all_of(
              arrays, [&](const SourceArray& array) { return array.form.frames == frames; })) {
        continue;
      }
      const std::string length = std::to_string(frames);
      context.Remark(feature.input.name + ": every array is [" + length +
                     ", 1], frames of one number each; if it is a vector of the whole video, save "
                     "it as [" +
                     length + "]: a[:, 0]");
    }
  }

  static void TellOfNearNames(const CommandContext& context, const ImportPlan& plan) {
    const auto tell = [&](const std::set<std::string>& names, const std::string& what) {
      const std::vector<std::string> near = NearNames(names);
      if (near.empty()) return;
      context.Remark(what +
                     " of their own that differ only in case, blanks or how accents are written: " +
                     PrintableLine(JoinFirst(near, kNamedClasses)));
    };
    tell({plan.labels.class_names.begin(), plan.labels.class_names.end()}, "classes");
    std::set<std::string> groups;
    for (const auto& [id, video] : plan.labels.videos) groups.insert(video.group);
    tell(groups, "groups");
  }

  static void TellOfLostValues(const CommandContext& context, const ImportPlan& plan,
                               const ImportReport& report) {
    for (std::size_t i = 0; i < plan.features.size(); ++i) {
      const ImportedFeature& feature = plan.features[i];
      std::uint64_t values = 0;
      for (const SourceArray& array : feature.source->arrays()) {
        values += array.form.frames * array.form.width;
      }
      const auto share = [values](std::uint64_t count) {
        return static_cast<double>(count) / static_cast<double>(values);
      };
      const auto text = [&](std::uint64_t count) {
        return feature.input.name + ": " + CountText(count, "value") + " (" +
               FixedText(share(count) * 100, 2) + " %) ";
      };
      if (const std::uint64_t clipped = report.clipped[i]; clipped > 0) {
        const bool many = share(clipped) > kManyClipped;
        context.Remark(text(clipped) + "outside of -2..2 were clipped" +
                       (many ? ": scale the features first, or --as float16" : ""));
      }
      if (const std::uint64_t vanished = report.vanished[i]; share(vanished) > kManyVanished) {
        context.Remark(text(vanished) + "became 0 as " + NameOf(feature.type) +
                       ", and many others lost most of their digits: scale the features first" +
                       (feature.type == Element::kUint8 ? " (to -2..2), or --as float16"
                                                        : ", or --as float32"));
      }
    }
  }

  ImportOptions options_{
      .features = {}, .labels = {}, .out = {}, .shards = {}, .as = {}, .threads = UsableThreads()};
  std::vector<std::string> features_;
  CLI::Option* labels_ = nullptr;
  std::string as_;
  bool strict_ = false, unequal_ = false, json_ = false;
};

REGISTER_COMMAND("data import", kData, "Make records of features in NumPy, HDF5 or CSV files",
                 DataImport);

}  // namespace
}  // namespace beamgrid
