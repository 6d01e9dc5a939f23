// `beamgrid data verify`: every CRC and the wire format of record files, or all that training will
// meet in the files of a recipe.

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/data_voice.h"
#include "orchestrator/commands/recipe_option.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/record_files.h"
#include "orchestrator/inputs/data_files.h"
#include "orchestrator/inputs/recipe_files.h"
#include "orchestrator/inputs/teachers.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "registry/util/text.h"
#include "trainer/data/inspect.h"

namespace beamgrid {
namespace {

boost::json::object ToJson(const SplitCensus& split, std::size_t files) {
  return {{"files", files},
          {"empty_files", split.empty_files.size()},
          {"examples", split.examples},
          {"read", split.read()},
          {"damaged", split.damaged},
          {"contradicting", split.contradicting},
          {"repeated", split.repeated},
          {"unequal", split.unequal}};
}

class DataVerify : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("FILES", names_,
                   "Record files or folders of them; or one recipe (*.toml), for all that its "
                   "training will meet")
        ->required();
    AddSettings(app, &settings_);
    AddJsonFlag(app, &json_);
  }

  int Run(CommandContext& context) override {
    const bool is_recipe = std::ranges::any_of(
        names_, [](const std::string& name) { return name.ends_with(".toml"); });
    if (!is_recipe && !settings_.empty()) throw UsageError("--set: only a recipe has keys");
    if (!is_recipe) return VerifyFiles(context);
    if (names_.size() > 1) throw UsageError("data verify takes one recipe, or files");
    return VerifyRecipe(context);
  }

 private:
  int VerifyFiles(const CommandContext& context) const {
    std::vector<VerifyReport> reports;
    std::size_t damages = 0;
    for (const std::filesystem::path& file : RecordFilesThere(names_)) {
      reports.push_back(VerifyFile(file));
      damages += reports.back().damages.size();
      if (!json_) Print(context, reports.back());
    }
    if (json_) PrintJson(context.out, ToJson(reports));
    if (damages > 0) {
      context.err << "error: " << CountText(damages, "damaged place")
                  << "; fetch these files again, or set data.on_error = \"skip\" in the recipe\n";
    }
    const std::vector<std::string> missing = MissingBeside(names_);
    for (const std::string& line : missing) context.err << "error: " << line << "\n";
    return damages == 0 && missing.empty() ? kExitDone : kExitUsage;
  }

  int VerifyRecipe(const CommandContext& context) const {
    const std::string& path = names_.front();
    const Recipe recipe = DataOfRecipe(ReadRecipe(path, settings_));
    // What is known of files is not asked: a disk may have changed them without a trace.
    StudyData data = ReadStudyData(FindDataFiles(recipe), recipe.data.group, VoiceOf(context),
                                   CensusOptions::Reading::kEverything);
    std::vector<Diagnostic> mistakes = DataMistakes(recipe, data.verdict);
    if (mistakes.empty()) {
      mistakes = TeacherMistakes(recipe, data.spec, CensusOptions::Reading::kEverything);
    }
    if (mistakes.empty()) mistakes = GroupMistakes(recipe, data);
    if (json_) {
      PrintJson(context.out,
                boost::json::object{
                    {"recipe", path},
                    {"digest", data.spec.digest},
                    {"sound", mistakes.empty()},
                    {"train", ToJson(data.census.train, data.spec.train.size())},
                    {"validate", ToJson(data.census.validate, data.spec.validate.size())},
                    {"shared_videos", data.census.shared},
                    {"teachers", recipe.teachers.size()},
                    {"problems",
                     JsonList(mistakes, [](const Diagnostic& mistake) { return mistake.message; })},
                    {"warnings", JsonList(data.verdict.warnings)}});
    } else {
      Print(context, data, mistakes);
      for (const TeacherReference& teacher : recipe.teachers) {
        if (mistakes.empty()) {
          context.out << teacher.key << ": " << teacher.text << ": a list for every example of "
                      << "data.train\n";
        }
      }
    }
    if (mistakes.empty()) return kExitDone;
    context.err << "error: " << path << ": `beamgrid run` will not begin on these data\n";
    return kExitUsage;
  }

  /// Adds what is to be warned of to the verdict.
  static std::vector<Diagnostic> GroupMistakes(const Recipe& recipe, StudyData& data) {
    const auto warn = [&](const std::string& line) { data.verdict.warnings.push_back(line); };
    try {
      static_cast<void>(GroupsOfVideos(recipe, data.spec, warn));
      return {};
    } catch (const RecipeError& error) {
      return error.diagnostics();
    }
  }

  static void Print(const CommandContext& context, const StudyData& data,
                    const std::vector<Diagnostic>& mistakes) {
    for (const Diagnostic& mistake : mistakes) context.out << mistake.message << "\n";
    for (const std::string& warning : data.verdict.warnings) {
      context.out << "warning: " << warning << "\n";
    }
    const auto say = [&](const char* key, const SplitCensus& split, std::size_t files) {
      context.out << key << ": " << split.examples << " of " << split.read() << " examples in "
                  << CountText(files, "file") << " can be used\n";
    };
    say("data.train", data.census.train, data.spec.train.size());
    say("data.validate", data.census.validate, data.spec.validate.size());
  }

  static void Print(const CommandContext& context, const VerifyReport& report) {
    for (const Damage& damage : report.damages) {
      context.out << report.file << ": byte " << damage.offset << ": " << damage.what << "\n";
    }
    if (!report.damages.empty()) return;
    if (report.bytes == 0) {
      context.out << report.file << ": empty, no record\n";
      return;
    }
    context.out << report.file << ": sound, "
                << CountText(static_cast<std::size_t>(report.records), "record") << ", "
                << report.bytes << " bytes\n";
  }

  std::vector<std::string> names_;
  std::vector<std::string> settings_;
  bool json_ = false;
};

REGISTER_COMMAND("data verify", kData, "Check every CRC of record files, or all data of a recipe",
                 DataVerify);

}  // namespace
}  // namespace beamgrid
