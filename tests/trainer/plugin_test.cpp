// Plugins are loaded by a trainer of their own: what they register stays in the process.

#include "trainer/plugin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "registry/catalogue.h"
#include "registry/util/files.h"
#include "registry/util/json.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/trial.h"

namespace beamgrid::trainer {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct Ended {
  int exit = 0;
  std::string output;  ///< what it wrote, errors too
};

Ended Shell(const std::string& command) {
  Ended ended;
  std::FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe))
    ended.output += static_cast<char>(c);
  ended.exit = WEXITSTATUS(::pclose(pipe));
  return ended;
}

const std::string kTrainer = std::string(BEAMGRID_BINARY_DIR) + "/beamgrid-trainer ";

std::string Plugin(const std::string& name) {
  return std::string(BEAMGRID_BINARY_DIR) + "/plugins/" + name + ".so";
}

Ended Describe(const std::string& plugin) {
  return Shell(kTrainer + "describe --plugin " + plugin);
}

TEST(Plugin, IsInTheCatalogue) {
  const Ended ended = Describe(Plugin("peak") + " --plugin " + Plugin("peak"));
  ASSERT_EQ(ended.exit, 0) << ended.output;
  const Catalogue catalogue = CatalogueFromJson(ParseJson(ended.output));
  const ComponentInfo* peak = catalogue.Find("temporal", "peak");
  ASSERT_NE(peak, nullptr);
  EXPECT_EQ(peak->label, "Peak");
  EXPECT_EQ(peak->options.at(0).name, "power");
  EXPECT_EQ(peak->options.at(0).default_value, 2.0);
  ASSERT_TRUE(peak->plugin.has_value());
  EXPECT_EQ(peak->plugin->path, Plugin("peak"));
  EXPECT_EQ(peak->plugin->hash, HashFile(Plugin("peak")));
  EXPECT_FALSE(catalogue.Find("temporal", "mean")->plugin.has_value());
}

void ExpectRefused(const std::string& plugin, const ::testing::Matcher<std::string>& why) {
  const Ended ended = Describe(plugin);
  EXPECT_EQ(ended.exit, 2) << ended.output;
  EXPECT_THAT(ended.output, AllOf(HasSubstr("beamgrid-trainer: plugin " + plugin + ":"), why));
  EXPECT_EQ(std::ranges::count(ended.output, '\n'), 1) << ended.output;
}

TEST(Plugin, ThatIsMissingIsRefused) {
  ExpectRefused("/nowhere/peak.so", HasSubstr("there is no such file"));
}

TEST(Plugin, ThatIsNoSharedLibraryIsRefused) {
  const TemporaryFolder folder;
  const std::string path = (folder / "text.so").string();
  WriteFileAtomically(path, "int main() {}\n");
  ExpectRefused(path, HasSubstr("cannot be loaded as a shared library"));
}

TEST(Plugin, OfAnotherBuildIsRefused) {
  ExpectRefused(
      Plugin("other_build"),
      AllOf(HasSubstr("was compiled against interface 0123456789ab, LibTorch 9.8.7"),
            HasSubstr("this trainer against interface "), HasSubstr("beamgrid_plugin()")));
}

TEST(Plugin, WithAnUndefinedSymbolIsRefused) {
  ExpectRefused(Plugin("undefined"),
                AllOf(HasSubstr("beamgrid_test_no_such_function"), HasSubstr("beamgrid_plugin()")));
}

TEST(Plugin, WithoutComponentsIsRefused) {
  ExpectRefused(Plugin("empty"), HasSubstr("registers no component"));
}

TEST(Plugin, WithATakenNameOrOptionsThatThrowIsRefused) {
  ExpectRefused(Plugin("faulty"),
                AllOf(HasSubstr("temporal 'mean' is registered by "), HasSubstr("mean.cpp and "),
                      HasSubstr("temporal 'throwing'"),
                      HasSubstr("its options cannot be listed: no options today")));
}

ModelSpec PeakModel(const std::string& hash) {
  ModelSpec model = MakeModel({});
  model.parts["temporal"] = {"peak", {{"power", 2.0}}};
  model.plugins = {{.name = "peak.so", .path = Plugin("peak"), .hash = hash}};
  return model;
}

/// What `count` answers for a model.
boost::json::value Count(const ModelSpec& model) {
  const TemporaryFolder folder;
  const boost::json::object question = {
      {"id", 1}, {"model", ToJson(model)}, {"data", ToJson(PaperData())}};
  WriteFileAtomically(folder / "question", boost::json::serialize(question) + "\n");
  return ParseJson(Shell(kTrainer + "count < " + (folder / "question").string()).output);
}

TEST(Plugin, IsLoadedToCount) {
  const boost::json::value answer = Count(PeakModel(HashFile(Plugin("peak"))));
  ASSERT_TRUE(answer.as_object().contains("parameters")) << answer;
  EXPECT_EQ(answer.at("parameters").as_int64(), 4'452'886);  // as with `mean`: 1153 x 3862
}

TEST(Plugin, ThatHasChangedSinceItWasPlannedIsNotUsed) {
  EXPECT_THAT(Count(PeakModel("another")).at("error").as_string().c_str(),
              HasSubstr("has changed since the trial was planned"));
}

TEST(Plugin, ThatWasLoadedIsComparedAgain) {
  const TemporaryFolder folder;
  std::string questions;
  for (const std::string& hash : {HashFile(Plugin("peak")), std::string("another")}) {
    questions +=
        boost::json::serialize(boost::json::object{
            {"id", 1}, {"model", ToJson(PeakModel(hash))}, {"data", ToJson(PaperData())}}) +
        "\n";
  }
  WriteFileAtomically(folder / "questions", questions);
  const std::string answers = Shell(kTrainer + "count < " + (folder / "questions").string()).output;
  EXPECT_THAT(answers,
              AllOf(HasSubstr("4452886"), HasSubstr("has changed since the trial was planned")));
}

TEST(Plugin, IsTheSameByAnotherNameOrAsACopy) {
  const TemporaryFolder folder;
  std::filesystem::copy_file(Plugin("peak"), folder / "copy.so");
  std::filesystem::create_symlink(Plugin("peak"), folder / "link.so");
  for (const char* other : {"copy.so", "link.so"}) {
    const Ended ended = Describe(Plugin("peak") + " --plugin " + (folder / other).string());
    EXPECT_EQ(ended.exit, 0) << ended.output;
  }
}

TEST(Plugin, IsTestedByTheContract) {
  const Ended ended = Shell(kTrainer + "contract peak --plugin " + Plugin("peak"));
  ASSERT_EQ(ended.exit, 0) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr("\"check\":\"padding changes nothing\",\"problems\":[]"));
  EXPECT_EQ(ended.output.find("\"problems\":[\""), std::string::npos) << ended.output;
}

TEST(ContractCommand, RefusesWhatItCannotTest) {
  const auto refusal = [](const std::string& arguments) {
    const Ended ended = Shell(kTrainer + "contract " + arguments);
    EXPECT_EQ(ended.exit, 2) << ended.output;
    return ended.output;
  };
  EXPECT_THAT(refusal("netvald"), HasSubstr("did you mean 'netvlad'?"));
  EXPECT_THAT(refusal("script"), HasSubstr("multimodal.script or temporal.script or"));
  EXPECT_THAT(refusal("temporal.script"), HasSubstr("needs a file; name it with --file"));
  EXPECT_THAT(refusal("netvlad --file a.pt"), HasSubstr("takes no --file"));
  EXPECT_THAT(refusal("mean --feature rgb"), HasSubstr("must be NAME=WIDTH"));
  EXPECT_THAT(refusal("mean --feature rgb=0"), HasSubstr("must be NAME=WIDTH"));
}

TEST(LoaderProblem, OtherWordsAreKept) {
  EXPECT_EQ(LoaderProblem("x.so: file too short"),
            "cannot be loaded as a shared library: x.so: file too short");
}

}  // namespace
}  // namespace beamgrid::trainer
