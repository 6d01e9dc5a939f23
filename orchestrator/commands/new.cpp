// `beamgrid new`: a first recipe for a folder of records.

#include <filesystem>
#include <system_error>

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/first_recipe.h"
#include "orchestrator/inputs/data_folder.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/text.h"
#include "registry/util/utf8.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

/// What a recipe takes in [study] name.
constexpr std::size_t kLongestStudyName = 100;
/// From this ratio of the longest video to the mean on, most of what is reckoned for is empty.
constexpr double kLongTail = 4;

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
    WriteFileAtomically(
        recipe, FirstRecipe(StudyName(recipe), data, folder == "." ? "" : folder.string() + "/"));
    if (data.classes_are_guessed) {
      context.Remark("data.classes = " + std::to_string(data.classes) + " is the highest label" +
                     (data.seen.empty() ? "" : " of " + data.seen) +
                     ", and one: the dataset may have more classes");
    }
    if (data.max_common_frames == data.max_frames &&
        static_cast<double>(data.max_frames) > kLongTail * data.mean_frames) {
      context.Remark("data.max_frames = " + std::to_string(data.max_frames) +
                     " is that of the longest video, and the mean is " +
                     FixedText(data.mean_frames, 1) +
                     ": memory is forecast for the longest; a smaller number cuts long videos, and "
                     "more trials fit beside each other");
    }
    if (data.one_label_each) {
      context.Remark(
          "each video has one label, so classes are taken to exclude each other; the recipe says "
          "at labels = \"multi_class\" how to change that");
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
