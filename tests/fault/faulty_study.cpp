#include "tests/fault/faulty_study.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace beamgrid {
namespace {

constexpr char kDatabase[] = "beamgrid.db";
constexpr char kBefore[] = "before.toml";

std::vector<std::string> Joined(std::vector<std::string> first,
                                const std::vector<std::string>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

}  // namespace

RecipeText TwoTrials() {
  RecipeText recipe;
  recipe.study = "name = \"small\"";
  recipe.train = "epochs = 2\nbatch = 32\nlearning_rate = 0.01";
  recipe.grid =
      "[[grid.classifier]]\nuse = \"logistic\"\n[[grid.classifier]]\nuse = \"moe\"\nexperts = 2\n";
  recipe.rest =
      "[ensemble]\nmembers = 2\nweights = \"uniform\"\n"
      "[[table]]\ntitle = \"Classifier\"\nvary = \"classifier\"\n";
  return recipe;
}

RecipeText TwoTrialsHalved() {
  RecipeText recipe = TwoTrials();
  recipe.search = "strategy = \"halving\"";
  recipe.rest = "[[table]]\ntitle = \"Classifier\"\nvary = \"classifier\"\n";
  return recipe;
}

FaultyStudy::FaultyStudy(const RecipeText& recipe, const std::optional<RecipeText>& before)
    : faults_(outside_ / "plan", folder_.path()) {
  folder_.WriteRecipe(recipe);
  if (before) folder_.WriteRecipe(*before, kBefore);
  const std::vector<std::string> where = {"--db", "undisturbed.db", "--runs", "undisturbed"};
  RunBefore(where);
  const Ended ended = folder_.Run(Joined({"run", "recipe.toml", "--accept-changes"}, where));
  if (ended.exit_code != 0) throw std::runtime_error("the undisturbed run failed: " + ended.err);
  undisturbed_ = {.out = ended.out, .record = Record("undisturbed.db")};
}

std::vector<std::string> FaultyStudy::RunCommand(With with,
                                                 const std::vector<std::string>& more) const {
  std::vector<std::string> command = {"/usr/bin/env",
                                      "BEAMGRID_EXECUTION_LOG=" + ExecutionLogPath().string()};
  if (with == With::kFaults) command = Joined(std::move(command), faults_.Environment());
  return Joined(Joined(std::move(command), more),
                BeamgridCommand({"run", "--accept-changes", "recipe.toml"}));
}

void FaultyStudy::RunBefore(const std::vector<std::string>& where) const {
  if (!std::filesystem::exists(path() / kBefore)) return;
  const Ended ended = folder_.Run(Joined({"run", kBefore}, where));
  if (ended.exit_code != 0) throw std::runtime_error("the run before failed: " + ended.err);
}

Ended FaultyStudy::Run(With with) const { return Process(RunCommand(with), path()).Wait(); }

Ended FaultyStudy::RunWithFaults(const std::vector<std::string>& arguments) const {
  const std::vector<std::string> with_faults = Joined({"/usr/bin/env"}, faults_.Environment());
  return Process(Joined(with_faults, BeamgridCommand(arguments)), path()).Wait();
}

void FaultyStudy::Forget() {
  for (const auto& entry : std::filesystem::directory_iterator(path())) {
    if (entry.path().filename().string().starts_with(kDatabase)) {
      std::filesystem::remove(entry.path());
    }
  }
  std::filesystem::remove_all(path() / "runs");
  std::filesystem::remove(ExecutionLogPath());
  RunBefore({});
}

void FaultyStudy::ExpectUndisturbedEnd() const {
  const Ended ended = Run(With::kNoFaults);
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.out, undisturbed_.out) << ended.err;
  EXPECT_EQ(Record(kDatabase), undisturbed_.record);
}

void FaultyStudy::ExpectNothingRepeated(std::int64_t lost) const {
  const Audit audit = AuditOf(Executions());
  EXPECT_THAT(audit.executed_twice, testing::IsEmpty());
  EXPECT_LE(audit.begun, audit.ended + lost);
}

void FaultyStudy::ExpectRecordReadable() const {
  if (!std::filesystem::exists(path() / kDatabase)) return;
  const Ended ended = folder_.Run({"query", "SELECT count(*) FROM trials"});
  if (ended.exit_code == 0) return;
  EXPECT_THAT(ended.err, testing::AnyOf(testing::HasSubstr("holds no record yet"),
                                        testing::HasSubstr("`beamgrid run` makes it again")));
}

std::string FaultyStudy::Query(const std::string& sql) const {
  return folder_.Run({"query", sql, "--csv"}).out;
}

std::string FaultyStudy::Record(const std::string& database) const {
  const std::vector<std::string> questions = {
      "SELECT DISTINCT name, seed, state, gap, hit_at_1, perr, map FROM trials ORDER BY name, seed",
      "SELECT t.fingerprint, a.name, a.bytes, a.hash FROM artifact a JOIN trial t ON t.id = a.trial"
      " ORDER BY t.fingerprint, a.name",
      "SELECT t.fingerprint, e.epoch, e.train_loss, e.validate_loss, e.gap FROM epoch e"
      " JOIN trial t ON t.id = e.trial ORDER BY t.fingerprint, e.epoch"};
  std::string record;
  for (const std::string& question : questions) {
    const Ended ended = folder_.Run({"query", question, "--json", "--db", database});
    record += ended.exit_code == 0 ? ended.out : ended.err;
  }
  return record;
}

}  // namespace beamgrid
