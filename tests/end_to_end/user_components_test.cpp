// A user's own components in a search: compiled into a plugin, and written as TorchScript.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "registry/util/json.h"
#include "tests/end_to_end/study_folder.h"

namespace beamgrid {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::filesystem::path kBin = BEAMGRID_BINARY_DIR;
const std::filesystem::path kExamples = std::filesystem::path(BEAMGRID_SOURCE_DIR) / "examples";

/// A folder with data as the examples' recipes expect it, and one of these recipes.
class UserStudy : public StudyFolder {
 public:
  explicit UserStudy(const std::string& example) {
    std::filesystem::copy_file(kExamples / example / "recipe.toml", path() / "recipe.toml",
                               std::filesystem::copy_options::overwrite_existing);
  }
  void TakePlugin(const std::string& name) const {
    std::filesystem::create_directories(path() / "build");
    std::filesystem::copy_file(kBin / "plugins" / (name + ".so"), path() / "build/peak.so",
                               std::filesystem::copy_options::overwrite_existing);
  }
  void MakeScript(int width = 24, const std::string& scale = "0.1",
                  const std::string& prints = "") const {
    const std::string command = (kBin / "make_script").string() + " " +
                                (path() / "pool.pt").string() + " " + std::to_string(width) + " " +
                                scale + (prints.empty() ? "" : " '" + prints + "'");
    if (std::system(command.c_str()) != 0) throw std::runtime_error(command);
  }
  [[nodiscard]] boost::json::value Json(std::vector<std::string> arguments) const {
    arguments.emplace_back("--json");
    const Ended ended = Run(arguments);
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    return ParseJson(ended.out);
  }
  /// name -> fingerprint
  [[nodiscard]] std::map<std::string, std::string> Planned() const {
    std::map<std::string, std::string> planned;
    const auto plan = Json({"plan", "recipe.toml"});
    for (const auto& trial : plan.at("trials").as_array()) {
      planned[trial.at("name").as_string().c_str()] = trial.at("fingerprint").as_string().c_str();
    }
    return planned;
  }
  void Replace(const std::string& old_text, const std::string& new_text) const {
    std::string text = ReadText(path() / "recipe.toml");
    text.replace(text.find(old_text), old_text.size(), new_text);
    WriteText(path() / "recipe.toml", text);
  }
};

TEST(PluginStudy, IsSearchedLikeAnyOther) {
  const UserStudy folder("plugin");
  folder.TakePlugin("peak");
  EXPECT_EQ(folder.Run({"check", "recipe.toml"}).exit_code, 0);
  const auto plan = folder.Json({"plan", "recipe.toml"});
  ASSERT_EQ(plan.at("trials").as_array().size(), 3U);
  EXPECT_EQ(plan.at("trials").at(0).at("spec").as_object().contains("plugins"), false);
  EXPECT_EQ(plan.at("trials").at(1).at("name"), "MC-Peak-p1-Logistic");
  EXPECT_EQ(plan.at("trials").at(1).at("spec").at("plugins").at(0).at("path"),
            (folder.path() / "build/peak.so").string().c_str());

  const Ended run = folder.Run({"run", "recipe.toml"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, AllOf(HasSubstr("MC-Mean-Logistic"), HasSubstr("MC-Peak-Logistic")));
  const auto trials = folder.Json({"trials", "peak"});
  for (const auto& trial : trials.as_array()) {
    EXPECT_EQ(trial.at("state"), "complete");
    EXPECT_EQ(trial.at("parameters"), plan.at("trials").at(0).at("parameters"));
    EXPECT_GT(trial.at("gap").as_double(), 0.0);
  }
  EXPECT_THAT(folder.Run({"run", "recipe.toml"}).err, HasSubstr("nothing to do"));
  EXPECT_THAT(folder.Run({"table", "peak", "--vary", "temporal"}).out, HasSubstr("peak power=1"));
  const Ended exported = folder.Run({"export", "peak/MC-Peak-Logistic", "--out", "model"});
  EXPECT_EQ(exported.exit_code, 2);
  EXPECT_THAT(exported.err, HasSubstr("temporal 'peak' comes from a plugin"));
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "model"));
  const Ended verified = folder.Run({"verify", "peak", "--sample", "all"});
  EXPECT_EQ(verified.exit_code, 0) << verified.out << verified.err;
}

TEST(PluginStudy, AnotherPluginIsAnotherTrialOnlyWhereItIsUsed) {
  const UserStudy folder("plugin");
  folder.TakePlugin("peak");
  const auto before = folder.Planned();
  std::string content = ReadText(folder.path() / "build/peak.so");
  WriteText(folder.path() / "build/peak.so", content + "\n");  // loads as before
  const auto after = folder.Planned();
  ASSERT_EQ(before.size(), 3U);
  EXPECT_EQ(after.at("MC-Mean-Logistic"), before.at("MC-Mean-Logistic"));
  EXPECT_NE(after.at("MC-Peak-Logistic"), before.at("MC-Peak-Logistic"));

  std::filesystem::rename(folder.path() / "build", folder.path() / "elsewhere");
  WriteText(folder.path() / "elsewhere/peak.so", content);
  folder.Replace("build/peak.so", "elsewhere/peak.so");
  EXPECT_EQ(folder.Planned(), before);
}

TEST(PluginStudy, WhatIsWrongWithAPluginHasItsPlaceInTheRecipe) {
  const UserStudy folder("plugin");
  const auto mistake = [&folder] {
    const Ended ended = folder.Run({"check", "recipe.toml"});
    EXPECT_EQ(ended.exit_code, 2);
    EXPECT_THAT(ended.err, HasSubstr("recipe.toml:2:12: plugins[0]: "));
    return ended.err;
  };
  EXPECT_THAT(mistake(), HasSubstr("build/peak.so: there is no such file"));
  folder.TakePlugin("empty");
  EXPECT_THAT(mistake(), HasSubstr("registers no component"));
  folder.TakePlugin("other_build");
  EXPECT_THAT(mistake(), HasSubstr("was compiled against interface"));
  folder.TakePlugin("faulty");
  EXPECT_THAT(mistake(), HasSubstr("temporal 'mean' is registered by"));
}

TEST(PluginStudy, AWorkerDoesNotLoadAPluginThatHasChanged) {
  const UserStudy folder("plugin");
  folder.TakePlugin("peak");
  ASSERT_EQ(folder.Run({"run", "recipe.toml"}).exit_code, 0);
  WriteText(folder.path() / "build/peak.so", ReadText(folder.path() / "build/peak.so") + "\n");
  int trials = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(folder.path() / "runs/peak")) {
    if (entry.path().filename() != "trial.json") continue;
    if (ReadText(entry.path()).find("peak.so") == std::string::npos) continue;
    Process worker({Binary("beamgrid-trainer"), "train", entry.path().parent_path().string()},
                   folder.path());
    const Ended ended = worker.Wait();
    EXPECT_EQ(ended.exit_code, 2);
    EXPECT_THAT(ended.out, HasSubstr("has changed since the trial was planned"));
    ++trials;
  }
  EXPECT_EQ(trials, 2);
}

TEST(Components, OfAPluginAreListedAndTested) {
  const UserStudy folder("plugin");
  folder.TakePlugin("peak");
  EXPECT_THAT(folder.Run({"components", "peak", "--plugin", "build/peak.so"}).out,
              AllOf(HasSubstr("temporal: peak"), HasSubstr("Plugin: "), HasSubstr("power")));
  EXPECT_EQ(folder.Run({"components", "peak"}).exit_code, 2);
  const Ended tested = folder.Run({"components", "--test", "peak", "--plugin", "build/peak.so"});
  EXPECT_EQ(tested.exit_code, 0) << tested.out << tested.err;
  EXPECT_THAT(tested.out,
              AllOf(HasSubstr("ok      padding changes nothing\n"), Not(HasSubstr("FAILED"))));
}

TEST(ScriptStudy, IsSearchedLikeAnyOther) {
  const UserStudy folder("script");
  folder.MakeScript();
  EXPECT_EQ(folder.Run({"check", "recipe.toml"}).exit_code, 0);
  const auto plan = folder.Json({"plan", "recipe.toml"});
  ASSERT_EQ(plan.at("trials").as_array().size(), 2U);
  const std::int64_t mean = plan.at("trials").at(0).at("parameters").as_int64();
  EXPECT_EQ(plan.at("trials").at(1).at("name"), "MC-Script_pool-Logistic");
  EXPECT_EQ(plan.at("trials").at(1).at("parameters").as_int64(), mean + 24);

  const Ended run = folder.Run({"run", "recipe.toml"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("MC-Script_pool-Logistic"));
  const auto trials = folder.Json({"trials", "pool"});
  EXPECT_EQ(trials.at(1).at("parameters").as_int64(), mean + 24);
  EXPECT_THAT(folder.Run({"run", "recipe.toml"}).err, HasSubstr("nothing to do"));
  EXPECT_THAT(folder.Run({"table", "pool", "--vary", "temporal"}).out,
              HasSubstr("script file=pool.pt"));
  const Ended exported = folder.Run({"export", "pool/MC-Script_pool-Logistic", "--out", "model"});
  EXPECT_EQ(exported.exit_code, 2);
  EXPECT_THAT(exported.err, HasSubstr("temporal 'script' is a TorchScript module of yours"));
}

TEST(ScriptStudy, WhatItPrintsIsNoAnswer) {
  const UserStudy quiet("script");
  quiet.MakeScript();
  const auto planned = quiet.Json({"plan", "recipe.toml"});
  const char* kPrinted[] = {"debug", R"({"parameters": 1, "size_bytes": 4})",
                            R"({"id": 2, "parameters": 1, "size_bytes": 4})",
                            R"({"type": "finished"})", R"({"type": "ready"})"};
  for (const char* printed : kPrinted) {
    SCOPED_TRACE(printed);
    const UserStudy folder("script");
    folder.MakeScript(24, "0.1", printed);
    const auto plan = folder.Json({"plan", "recipe.toml"});
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(plan.at("trials").at(i).at("parameters"),
                planned.at("trials").at(i).at("parameters"));
    }
    const Ended tested = folder.Run({"components", "--test", "temporal.script", "--file", "pool.pt",
                                     "--feature", "rgb=16", "--feature", "audio=8"});
    EXPECT_EQ(tested.exit_code, 0) << tested.out << tested.err;
    const Ended run = folder.Run({"run", "recipe.toml"});
    ASSERT_EQ(run.exit_code, 0) << run.err;
    const auto trials = folder.Json({"trials", "pool"});
    for (const auto& trial : trials.as_array()) EXPECT_EQ(trial.at("state"), "complete");
  }
}

TEST(ScriptStudy, AnotherModuleIsAnotherTrial) {
  const UserStudy folder("script");
  folder.MakeScript();
  const auto first = folder.Planned();
  folder.MakeScript(24, "0.2");
  const auto second = folder.Planned();
  EXPECT_NE(second.at("MC-Script_pool-Logistic"), first.at("MC-Script_pool-Logistic"));
  EXPECT_EQ(second.at("MC-Mean-Logistic"), first.at("MC-Mean-Logistic"));
  std::filesystem::rename(folder.path() / "pool.pt", folder.path() / "moved.pt");
  folder.Replace("pool.pt", "./moved.pt");
  EXPECT_EQ(folder.Planned().at("MC-Script_moved-Logistic"), second.at("MC-Script_pool-Logistic"));
}

TEST(ScriptStudy, WhatIsWrongWithAModuleIsSaid) {
  const UserStudy folder("script");
  const Ended missing = folder.Run({"check", "recipe.toml"});
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(missing.err, AllOf(HasSubstr("recipe.toml:"), HasSubstr("grid.temporal[1].file: "),
                                 HasSubstr("pool.pt: there is no such file")));
  folder.MakeScript(16);  // the frames have 24 values
  EXPECT_THAT(folder.Run({"plan", "recipe.toml"}).out,
              AllOf(HasSubstr("refused"), HasSubstr("pool.pt: forward fails: ")));
  WriteText(folder.path() / "pool.pt", "import torch\n");
  EXPECT_THAT(folder.Run({"plan", "recipe.toml"}).out,
              AllOf(HasSubstr("refused"), HasSubstr("is no TorchScript module")));
}

std::vector<std::string> TestOfPool() {
  return {"components", "--test", "temporal.script", "--file", "pool.pt",
          "--feature",  "rgb=16", "--feature",       "audio=8"};
}

TEST(Components, OfAScriptAreTested) {
  const UserStudy folder("script");
  folder.MakeScript();
  const Ended tested = folder.Run(TestOfPool());
  EXPECT_EQ(tested.exit_code, 0) << tested.out << tested.err;
  EXPECT_THAT(tested.out, Not(HasSubstr("FAILED")));
  const Ended small = folder.Run({"components", "--test", "temporal.script", "--file", "pool.pt"});
  EXPECT_EQ(small.exit_code, 1) << "frames of 5 and 8 values do not fit a script for 24";
  EXPECT_THAT(small.out, AllOf(HasSubstr("FAILED"), HasSubstr("cannot be built")));
}

/// Empty where there is none.
std::string PythonWithTorch() {
  for (const std::string python : {"python3", "/usr/bin/python3"}) {
    if (std::system((python + " -c 'import torch' 2> /dev/null").c_str()) == 0) return python;
  }
  return "";
}

TEST(PythonExample, MakesAModuleThatKeepsTheContractAndTrains) {
  const std::string python = PythonWithTorch();
  if (python.empty()) GTEST_SKIP() << "no Python with torch here";
  const UserStudy folder("script");
  const std::string command = python + " " + (kExamples / "script/pool.py").string() + " " +
                              (folder.path() / "pool.pt").string() + " 24";
  ASSERT_EQ(std::system(command.c_str()), 0);
  const Ended tested = folder.Run(TestOfPool());
  EXPECT_EQ(tested.exit_code, 0) << tested.out << tested.err;
  const Ended run = folder.Run({"run", "recipe.toml"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("MC-Script_pool-Logistic"));
}

}  // namespace
}  // namespace beamgrid
