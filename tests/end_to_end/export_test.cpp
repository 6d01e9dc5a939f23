// A study's models and its ensemble, exported and loaded by a Python of its own.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "registry/util/json.h"
#include "tests/end_to_end/study_folder.h"
#include "tests/support/python.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

/// The bytes of a safetensors file's tensors: what is behind its header.
std::int64_t TensorBytes(const fs::path& path) {
  const std::string file = ReadText(path);
  std::uint64_t header = 0;
  for (int byte = 7; byte >= 0; --byte) {
    header = header << 8 | static_cast<unsigned char>(file.at(static_cast<std::size_t>(byte)));
  }
  return static_cast<std::int64_t>(file.size() - 8 - header);
}

class ExportedStudy : public StudyFolder {
 public:
  ExportedStudy() {
    const Ended run = Run({"run", "recipe.toml"});
    if (run.exit_code != 0) throw std::runtime_error(run.err);
  }
  [[nodiscard]] Ended SelfTest(const std::string& python, const std::string& folder) const {
    return Process({"/usr/bin/env", python, folder + "/modeling.py", "--self-test"}, path()).Wait();
  }
  /// What lies in the folder whose name begins with that of an export.
  [[nodiscard]] std::vector<std::string> Named(const std::string& beginning) const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(path())) {
      const std::string name = entry.path().filename();
      if (name.starts_with(beginning)) names.push_back(name);
    }
    return names;
  }
};

TEST(Export, AnEnsembleIsAsLargeAsItWasCountedAndPredictsTheSame) {
  const ExportedStudy study;
  const Ended exported = study.Run({"export", "small:ensemble", "--out", "winner", "--json"});
  ASSERT_EQ(exported.exit_code, 0) << exported.err;
  std::int64_t bytes = 0;
  const auto report = ParseJson(exported.out);
  for (const auto& model : report.at("models").as_array()) {
    const fs::path folder = study.path() / "winner" / model.at("folder").as_string().c_str();
    EXPECT_EQ(TensorBytes(folder / "model.safetensors"), model.at("weight_bytes").as_int64());
    bytes += TensorBytes(folder / "model.safetensors");
  }
  const auto recorded = ParseJson(study.Run({"ensembles", "small", "--json"}).out);
  EXPECT_EQ(bytes, recorded.at(0).at("size_bytes").as_int64());
  const std::string python = PythonWith("torch, numpy");
  if (python.empty()) GTEST_SKIP() << "python3 has no torch; $BEAMGRID_PYTHON names one that has";
  const Ended tested = study.SelfTest(python, "winner");
  EXPECT_EQ(tested.exit_code, 0) << tested.out << tested.err;
}

TEST(Export, MembersAreCombinedInPythonAsTheyAreHere) {
  const std::string python = PythonWith("torch, numpy");
  if (python.empty()) GTEST_SKIP() << "python3 has no torch; $BEAMGRID_PYTHON names one that has";
  const ExportedStudy study;
  for (const std::string combine : {"logits", "probabilities", "votes"}) {
    // Other weights, of seeds and of models that list the same labels in another order.
    const Ended picked =
        study.Run({"ensemble", "small", "--take", "MC-Mean-Logistic/s1", "MC-LSTM-h8-MoE2/s2",
                   "MC-Mean-MoE2/s1", "--take-weights", "0.5", "0.3", "0.2", "--combine", combine});
    ASSERT_EQ(picked.exit_code, 0) << picked.err;
    const Ended exported = study.Run({"export", "small:ensemble", "--out", combine});
    ASSERT_EQ(exported.exit_code, 0) << exported.err;
    const Ended tested = study.SelfTest(python, combine);
    EXPECT_EQ(tested.exit_code, 0) << combine << tested.out << tested.err;
  }
}

TEST(Export, AModelPredictsTheSameAndAChangedWeightIsSeen) {
  const ExportedStudy study;
  ASSERT_EQ(study.Run({"export", "4", "--out", "model"}).exit_code, 0);
  const std::string python = PythonWith("torch, numpy");
  if (python.empty()) GTEST_SKIP() << "python3 has no torch; $BEAMGRID_PYTHON names one that has";
  const Ended tested = study.SelfTest(python, "model");
  EXPECT_EQ(tested.exit_code, 0) << tested.out << tested.err;
  const fs::path weights = study.path() / "model/model.safetensors";
  std::string file = ReadText(weights);
  file.back() = '\x42';  // the exponent of the last weight
  WriteText(weights, file);
  EXPECT_EQ(study.SelfTest(python, "model").exit_code, 1);
}

TEST(Export, AKilledOneLeavesNoFolderAndTheNextOneTidiesUp) {
  const ExportedStudy study;
  WriteText(study.path() / "killer", "#!/bin/sh\nkill -9 $PPID\n");
  fs::permissions(study.path() / "killer", fs::perms::owner_all);
  Process killed({"/usr/bin/env", "BEAMGRID_TRAINER=" + (study.path() / "killer").string(),
                  Binary("beamgrid"), "export", "1", "--out", "model"},
                 study.path());
  EXPECT_EQ(killed.Wait().exit_code, -9);
  const std::vector<std::string> left = study.Named("model");
  ASSERT_EQ(left.size(), 1U);
  EXPECT_THAT(left.front(), HasSubstr("model.part."));
  const Ended exported = study.Run({"export", "1", "--out", "model"});
  EXPECT_EQ(exported.exit_code, 0) << exported.err;
  EXPECT_EQ(study.Named("model"), std::vector<std::string>{"model"});
}

}  // namespace
}  // namespace beamgrid
