// Checkpoints: what is written comes back; anything less than a whole file is refused.

#include "trainer/training/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/util/error.h"
#include "registry/util/files.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid::trainer {
namespace {

using ::testing::HasSubstr;

NamedTensors Tensors() {
  torch::manual_seed(1);
  return {{"weights", torch::randn({3, 4})},
          {"state", torch::randint(256, {10}, torch::kByte)},
          {"scalar", torch::tensor(0.1, torch::kDouble)},
          {"empty", torch::empty({0, 2})},
          {"transposed", torch::randn({4, 3}).t()}};
}

NamedTensors Blank(const NamedTensors& like) {
  NamedTensors blank;
  for (const auto& [name, tensor] : like) {
    blank.emplace_back(name, torch::zeros(tensor.sizes(), tensor.scalar_type()));
  }
  return blank;
}

class CheckpointTest : public ::testing::Test {
 protected:
  CheckpointTest() : path_(folder_ / "last.checkpoint") {
    WriteCheckpoint(path_, {{"epoch", 3}, {"loss", 0.1}}, Tensors());
  }

  std::string ReadingFails() const {
    return ErrorText<Error>([&] { CheckpointReader reader(path_); });
  }

  TemporaryFolder folder_;
  std::filesystem::path path_;
};

TEST_F(CheckpointTest, ComesBackBitForBit) {
  CheckpointReader reader(path_);
  EXPECT_EQ(reader.meta().at("epoch").to_number<int>(), 3);
  EXPECT_EQ(reader.meta().at("loss").as_double(), 0.1);
  const NamedTensors read = Blank(Tensors());
  reader.ReadInto(read);
  const NamedTensors expected = Tensors();
  for (std::size_t i = 0; i < read.size(); ++i) {
    EXPECT_TRUE(read[i].second.equal(expected[i].second)) << read[i].first;
  }
}

TEST_F(CheckpointTest, ReplacesTheOldOneAndLeavesNothingElse) {
  WriteCheckpoint(path_, {{"epoch", 4}}, {});
  EXPECT_EQ(CheckpointReader(path_).meta().at("epoch").to_number<int>(), 4);
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    static_cast<void>(entry);
    ++files;
  }
  EXPECT_EQ(files, 1U);
}

TEST_F(CheckpointTest, ACutOffFileIsRefusedWhereverItEnds) {
  const std::string whole = ReadFile(path_);
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, std::size_t{30}, whole.size() / 2,
                                 whole.size() - 33, whole.size() - 1}) {
    WriteFileAtomically(path_, whole.substr(0, size));
    EXPECT_THAT(ReadingFails(), HasSubstr("cut off")) << size << " of " << whole.size();
    EXPECT_THAT(ReadingFails(), HasSubstr(path_.string()));
  }
}

TEST_F(CheckpointTest, AFlippedBitIsRefusedWhereverItIs) {
  const std::string whole = ReadFile(path_);
  for (std::size_t at = 0; at < whole.size(); at += 13) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    WriteFileAtomically(path_, damaged);
    EXPECT_THAT(ReadingFails(), HasSubstr("damaged")) << "byte " << at;
  }
}

TEST_F(CheckpointTest, AnotherFileIsRefused) {
  const std::string content = "BGCKPT9\n0123456701234567";
  WriteFileAtomically(path_, content + HashBytes(content));
  EXPECT_THAT(ReadingFails(), HasSubstr("not a checkpoint"));
  std::filesystem::remove(path_);
  EXPECT_THAT(ReadingFails(), HasSubstr("cannot open"));
}

TEST_F(CheckpointTest, AnotherShapeTypeOrNameIsRefused) {
  CheckpointReader reader(path_);
  const auto reading = [&](const char* name, const torch::Tensor& target) {
    return ErrorText<Error>([&] { reader.ReadInto({{name, target}}); });
  };
  EXPECT_THAT(reading("weights", torch::zeros({4, 3})), HasSubstr("'weights'"));
  EXPECT_THAT(reading("weights", torch::zeros({3, 4}, torch::kDouble)), HasSubstr("'weights'"));
  EXPECT_THAT(reading("weight", torch::zeros({3, 4})), HasSubstr("'weight'"));
}

TEST_F(CheckpointTest, AFolderThatIsNotThereIsAnError) {
  const std::filesystem::path path = folder_ / "gone" / "last.checkpoint";
  EXPECT_THAT(ErrorText<Error>([&] { WriteCheckpoint(path, {}, {}); }), HasSubstr(path.string()));
}

}  // namespace
}  // namespace beamgrid::trainer
