#include "tests/fault/upkeep_sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <sstream>
#include <stdexcept>

#include "registry/util/files.h"
#include "tests/fault/faulty_study.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

using testing::HasSubstr;
using testing::Not;

class Record {
 public:
  Record() : faults_(outside_ / "plan", folder_.path()) {
    MakeStudy("small", "[0.01, 0.02]", "beamgrid.db");
    MakeStudy("other", "[0.02, 0.03]", "beamgrid.db");
    MakeStudy("far", "[0.04]", "far/beamgrid.db");
    MakeStudy("small", "[0.01, 0.02]", "far/beamgrid.db");
    WriteFileAtomically(folder_.path() / "runs/nobodys/trial/1/trial.json", "{}");
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("beamgrid.db") || name == "runs") changed_.push_back(name);
    }
    for (const std::string& name : changed_) {
      fs::copy(folder_.path() / name, outside_ / name, fs::copy_options::recursive);
    }
  }

  /// As it was made.
  void Restore() {
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
      if (entry.path().filename().string().starts_with("beamgrid.db")) fs::remove(entry.path());
    }
    fs::remove_all(folder_.path() / "runs");
    for (const std::string& name : changed_) {
      fs::copy(outside_ / name, folder_.path() / name, fs::copy_options::recursive);
    }
  }

  [[nodiscard]] Ended Carry(const std::vector<std::string>& command) {
    std::vector<std::string> whole = {"/usr/bin/env"};
    for (const std::string& setting : faults_.Environment()) whole.push_back(setting);
    for (const std::string& word : BeamgridCommand(command)) whole.push_back(word);
    return Process(whole, folder_.path()).Wait();
  }
  [[nodiscard]] Ended Run(const std::vector<std::string>& command) const {
    return folder_.Run(command);
  }

  /// Everything that the command may have changed: files with their content, and the record.
  [[nodiscard]] std::string State() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path() / "runs")) {
      const std::string path = entry.path().lexically_relative(folder_.path()).string();
      files[path] = entry.is_regular_file() ? HashFile(entry.path()) : "folder";
    }
    std::string state;
    for (const auto& [path, hash] : files) state += path + " " + hash + "\n";
    for (const std::string& study : Studies()) state += Run({"dump", study, "--canonical"}).out;
    return state + Run({"query", "SELECT path FROM trash", "--csv"}).out +
           Run({"query", "SELECT name, path, pruned_at IS NULL FROM artifact ORDER BY trial, name",
                "--csv"})
               .out +
           Run({"query", "SELECT count(*) FROM trial", "--csv"}).out;
  }

  void ExpectNoFileMissed() const {
    for (const std::string& study : Studies()) {
      EXPECT_THAT(Run({"verify", study, "--files"}).out, Not(HasSubstr("damaged"))) << study;
    }
  }

  [[nodiscard]] Faults& faults() { return faults_; }

 private:
  void MakeStudy(const std::string& name, const std::string& rates, const std::string& database) {
    RecipeText recipe = TwoTrials();
    recipe.study = "name = \"" + name + "\"";
    recipe.grid += "[grid.train]\nlearning_rate = " + rates + "\n";
    folder_.WriteRecipe(recipe, "recipe.toml");
    fs::create_directories((folder_.path() / database).parent_path());
    const Ended ended = folder_.Run({"run", "recipe.toml", "--db", database});
    if (ended.exit_code != 0) throw std::runtime_error(name + ": " + ended.err);
  }
  [[nodiscard]] std::vector<std::string> Studies() const {
    std::istringstream lines(Run({"query", "SELECT name FROM study ORDER BY name", "--csv"}).out);
    std::vector<std::string> names;
    std::string line;
    std::getline(lines, line);  // the heading
    while (std::getline(lines, line)) names.push_back(line);
    return names;
  }

  StudyFolder folder_;
  TemporaryFolder outside_;  ///< what must not be hit by the faults
  Faults faults_;
  std::vector<std::string> changed_;
};

void MeetTheFaultAt(Record& record, const UpkeepCase& sweep, std::int64_t call,
                    const std::string& undisturbed) {
  record.Restore();
  const std::int64_t count = sweep.fault == Fault::kKill ? 1 : kEver;
  record.faults().Set(kOrchestratorProgram, sweep.fault, call, count);
  const Ended ended = record.Carry(sweep.command);
  record.faults().Mend();
  SCOPED_TRACE(sweep.name + " at call " + std::to_string(call) + ": " +
               record.faults().first_hit() + "\nexit " + std::to_string(ended.exit_code) + "\n" +
               ended.err);
  const bool killed = sweep.fault == Fault::kKill && ended.exit_code == -SIGKILL;
  EXPECT_TRUE(killed || ended.exit_code == 0 || ended.exit_code == 1) << ended.exit_code;
  record.ExpectNoFileMissed();
  // Where it was done already there is nothing more of that name: then it only deletes what is
  // left.
  (void)record.Run(sweep.command);
  EXPECT_EQ(record.State(), undisturbed);
}

}  // namespace

void UpkeepSweep(const UpkeepCase& sweep) {
  Record record;
  const std::string before = record.State();
  record.faults().Set(kOrchestratorProgram, sweep.fault, kEver);
  const Ended ended = record.Carry(sweep.command);
  ASSERT_EQ(ended.exit_code, 0) << ended.err;
  const std::int64_t calls = record.faults().seen();
  record.faults().Mend();
  const std::string undisturbed = record.State();
  ASSERT_NE(undisturbed, before) << "it does nothing";
  ASSERT_GT(calls, 0);
  const std::int64_t points = std::min(sweep.points, calls);
  for (std::int64_t point = 0; point < points && !testing::Test::HasFailure(); ++point) {
    MeetTheFaultAt(record, sweep, (2 * point + 1) * calls / (2 * points) + 1, undisturbed);
  }
  std::cout << sweep.name << ": " << points << " of " << calls << " calls" << std::endl;
}

}  // namespace beamgrid
