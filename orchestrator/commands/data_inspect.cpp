// `beamgrid data inspect`: what record files hold.

#include <algorithm>

#include "orchestrator/commands/class_names.h"
#include "orchestrator/commands/command.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/record_files.h"
#include "orchestrator/commands/terminal.h"
#include "orchestrator/commands/text_table.h"
#include "registry/class_words.h"
#include "registry/util/printable.h"
#include "registry/util/text.h"
#include "trainer/data/inspect.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

std::string FeaturesText(const FileReport& report) {
  return Join(report.features, " ", [&](const auto& feature) {
    const auto type = report.frame_types.find(feature.first);
    return feature.first + "=" + std::to_string(feature.second) +
           (type == report.frame_types.end()
                ? ""
                : std::string(":") + WordFor(kFrameTypes, type->second));
  });
}

/// Returns the folder that all files lie in, with a '/' at its end; empty where there is none.
std::string CommonFolder(const std::vector<FileReport>& reports) {
  std::string common = reports.empty() ? "" : reports.front().file;
  for (const FileReport& report : reports) {
    const auto differs = std::ranges::mismatch(common, report.file).in1;
    common.erase(differs, common.end());
  }
  return common.substr(0, common.find_last_of('/') + 1);  // npos + 1 is 0
}

/// Returns the highest class with the name that it has in the vocabulary beside the file.
std::string HighestClass(const FileReport& report) {
  if (report.max_class < 0) return "";
  const fs::path folder = fs::path(report.file).parent_path();
  return PrintableLine(
      NumberedClass(static_cast<std::size_t>(report.max_class), ClassNamesInFolder(folder)));
}

void Print(std::ostream& out, const std::vector<FileReport>& reports) {
  // Where there is little room, what all names begin with stands once, above them.
  const std::string folder = TerminalWidth(out) && reports.size() > 1 ? CommonFolder(reports) : "";
  if (!folder.empty()) out << "in " << folder << "\n";
  TextTable table({"file", "format", ">records", ">classes", ">highest", ">labels/video", ">frames",
                   "features"});
  table.LeaveOutFirst({"highest", "classes", "labels/video", "frames", "format"});
  table.KeepWhole({"file"});
  table.BreakLines({"features"});
  for (const FileReport& report : reports) {
    table.Add({report.file.substr(folder.size()), report.format, std::to_string(report.records),
               std::to_string(report.classes_seen), HighestClass(report),
               FixedText(report.labels_per_video, 2),
               std::to_string(report.frames.min) + "-" + std::to_string(report.frames.max),
               FeaturesText(report)});
  }
  table.Print(out);
}

class DataInspect : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("FILES", names_, "Record files, or folders of them")->required();
    AddJsonFlag(app, &json_);
  }

  int Run(CommandContext& context) override {
    std::vector<FileReport> reports;
    for (const fs::path& file : RecordFilesThere(names_)) {
      reports.push_back(InspectFile(file));
    }
    if (json_) {
      PrintJson(context.out, ToJson(reports));
    } else {
      Print(context.out, reports);
    }
    for (const std::string& line : MissingBeside(names_))
      context.err << "warning: " << line << "\n";
    return kExitDone;
  }

 private:
  std::vector<std::string> names_;
  bool json_ = false;
};

REGISTER_COMMAND("data inspect", kData, "Describe record files", DataInspect);

}  // namespace
}  // namespace beamgrid
