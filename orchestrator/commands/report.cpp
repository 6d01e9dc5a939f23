// `beamgrid report`: studies as one page that loads nothing.

#include <algorithm>

#include "orchestrator/commands/class_names.h"
#include "orchestrator/commands/command.h"
#include "orchestrator/commands/output_file.h"
#include "orchestrator/commands/paper_tables.h"
#include "orchestrator/commands/record.h"
#include "orchestrator/commands/reported_ensemble.h"
#include "orchestrator/commands/table_resampling.h"
#include "orchestrator/commands/trainer.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/text.h"
#include "reports/page/page.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

class Report : public Subcommand {
 public:
  void AddOptions(CLI::App& app) override {
    app.add_option("STUDY", studies_, "Studies, in the order of the page")->required();
    app.add_option("--out", out_, "The page: one HTML file that loads nothing")
        ->required()
        ->type_name("FILE");
    app.add_option("--figures", figures_, "A folder for its charts, each as an SVG and a PDF file")
        ->type_name("DIR");
    database_.AddTo(app);
    database_.AddRunsTo(app);
    app.footer(
        "The page says what was asked and answered, with leaderboard, tables, effects, curves, "
        "sizes,\n"
        "ensemble, timeline, failures and how to reproduce it: the numbers of the other commands. "
        "It is\n"
        "whole without its script, and the same record gives the same page, byte for byte. A study "
        "that\n"
        "runs can be reported too: the page is of the moment at which its trials were read. Its\n"
        "tables are those of `beamgrid table`, with seeds and videos drawn again; of studies of "
        "more than\n"
        "1000 complete trials or 64 MiB of predictions they are of the seeds alone, which is said "
        "beside\n"
        "them. The page lists the command of each table.");
  }

  int Run(CommandContext& context) override {
    const auto store = database_.OpenForReading();
    const std::vector<StudyRecord> studies = FindStudies(*store);
    const fs::path page =
        OutputFile(out_, {}, database_, store.get(),
                   {{"<!DOCTYPE html", "content=\"" + std::string(kPageGenerator) + "\""}});
    if (!figures_.empty()) RequireFolder(*store);
    const Catalogue catalogue = OpenTrainer(context, PluginsOf(*store, studies)).catalogue;
    std::vector<StudyFacts> facts;
    for (const StudyRecord& study : studies) {
      const TableResampling resampling = ResamplingOf(*store, {study});
      facts.push_back(ReadStudyFacts(*store, catalogue, study, FindPaperTable, {}, &resampling));
      AddEnsembleFact(facts.back(), *store);
      if (!facts.back().data) continue;
      KnownNames known = NamesOf(*store, study.id, *facts.back().data);
      facts.back().class_names = std::move(known.names);
      if (known.note.empty()) continue;
      context.Remark("note: " + study.name + ": " + known.note);
    }
    const std::string html = WritePage(facts);
    if (!figures_.empty()) WriteFigures(context, facts, *store);
    WriteFileAtomically(page, html);
    context.Remark(out_ + ": " + SizeText(std::ssize(html)));
    return kExitDone;
  }

 private:
  [[nodiscard]] std::vector<StudyRecord> FindStudies(const Store& store) const {
    std::vector<StudyRecord> studies;
    for (const std::string& name : studies_) {
      if (std::ranges::count(studies_, name) > 1) {
        throw UsageError("STUDY: '" + name + "' is named twice");
      }
      studies.push_back(FindStudy(store, database_, name));
    }
    return studies;
  }

  /// Makes the folder where it is not there. What may not be written there is refused as a file is.
  void RequireFolder(const Store& store) const {
    std::error_code failed;
    if (fs::exists(figures_, failed) && !fs::is_directory(figures_, failed)) {
      throw UsageError("--figures: " + figures_ + " is no folder");
    }
    if (!fs::is_directory(figures_, failed)) {
      static_cast<void>(OutputFile(figures_, {}, database_, &store, {}));
    }
    fs::create_directory(figures_, failed);
    if (failed) throw Error("--figures: " + figures_ + ": " + failed.message());
  }

  void WriteFigures(const CommandContext& context, const std::vector<StudyFacts>& facts,
                    const Store& store) const {
    const std::vector<FigureFile> files = FigureFiles(facts);
    for (const FigureFile& file : files) {
      const std::string path = (fs::path(figures_) / file.name).string();
      WriteFileAtomically(
          OutputFile(path + ".svg", {out_}, database_, &store, {{"<svg"}, {"<?xml"}}), file.svg);
      WriteFileAtomically(OutputFile(path + ".pdf", {out_}, database_, &store, {{"%PDF-"}}),
                          file.pdf);
    }
    context.Remark(figures_ + ": " + CountText(files.size(), "chart") +
                   ", each as an SVG and a PDF file");
  }

  std::vector<std::string> studies_;
  std::string out_, figures_;
  DatabaseOption database_;
};

REGISTER_COMMAND("report", kResults, "Studies as one HTML page", Report);

}  // namespace
}  // namespace beamgrid
