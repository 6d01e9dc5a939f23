// Checkpoints whose hash is right and whose header lies: nothing outside of the file or of the
// tensor is touched.

#include "trainer/training/checkpoint_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "registry/util/error.h"
#include "registry/util/files.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid::trainer {
namespace {

using ::testing::HasSubstr;

class CheckpointFileTest : public ::testing::Test {
 protected:
  /// A checkpoint of this header over the data "01234567"; `header_bytes` as the file says.
  std::filesystem::path Write(const std::string& header, std::uint64_t header_bytes) const {
    std::string bytes(kCheckpointMagic);
    bytes.append(reinterpret_cast<const char*>(&header_bytes), sizeof header_bytes);
    bytes += header + "01234567";
    std::ofstream(folder_ / "c", std::ios::binary) << bytes << HashBytes(bytes);
    return folder_ / "c";
  }
  [[nodiscard]] std::filesystem::path WriteTensor(const std::string& tensor) const {
    const std::string header = R"({"meta":{},"tensors":[)" + tensor + "]}";
    return Write(header, header.size());
  }
  [[nodiscard]] std::string Refusal(const std::filesystem::path& path) const {
    return ErrorText<Error>([&] { const CheckpointFile file(path); });
  }

  TemporaryFolder folder_;
};

std::string Tensor(const std::string& offset, const std::string& bytes,
                   const std::string& shape = "[4]") {
  return R"({"name":"w","type":"Byte","shape":)" + shape + R"(,"offset":)" + offset +
         R"(,"bytes":)" + bytes + "}";
}

TEST_F(CheckpointFileTest, ReadsABytesTensor) {
  CheckpointFile file(WriteTensor(Tensor("2", "4")));
  ASSERT_NE(file.Find("w"), nullptr);
  EXPECT_EQ(file.Find("v"), nullptr);
  std::string bytes(4, ' ');
  file.Read(*file.Find("w"), bytes);
  EXPECT_EQ(bytes, "2345");
}

TEST_F(CheckpointFileTest, ATensorOfAnotherSizeIsNotWrittenOverWhatFollowsTheTarget) {
  CheckpointFile file(WriteTensor(Tensor("0", "8")));
  std::string memory(8, ' ');
  const std::string refusal =
      ErrorText<Error>([&] { file.Read(*file.Find("w"), std::span(memory).first(4)); });
  EXPECT_THAT(refusal, HasSubstr("8 bytes in the checkpoint and 4 in the model"));
  EXPECT_EQ(memory, std::string(8, ' '));
}

TEST_F(CheckpointFileTest, TensorsLieInsideTheFile) {
  for (const auto& [offset, bytes] :
       {std::pair("5", "4"), std::pair("-1", "4"), std::pair("0", "-1"), std::pair("0", "9"),
        std::pair("9223372036854775807", "4"), std::pair("4", "9223372036854775807")}) {
    EXPECT_THAT(Refusal(WriteTensor(Tensor(offset, bytes))), HasSubstr("lies outside the file"));
  }
}

TEST_F(CheckpointFileTest, HeadersAreWhatTheyMustBe) {
  EXPECT_THAT(Refusal(WriteTensor(Tensor("0.5", "4"))), HasSubstr("offset: must be an integer"));
  EXPECT_THAT(Refusal(WriteTensor(Tensor("0", "4", "[0.5]"))), HasSubstr("a list of integers"));
  EXPECT_THAT(Refusal(WriteTensor(Tensor("0", "4") + "," + Tensor("0", "4"))),
              HasSubstr("is there twice"));
  EXPECT_THAT(Refusal(WriteTensor("3")), HasSubstr("must be an object"));
  EXPECT_THAT(Refusal(Write("[]", 2)), HasSubstr("must be an object"));
  EXPECT_THAT(Refusal(Write("{", 1)), HasSubstr("header is damaged"));
}

TEST_F(CheckpointFileTest, AHeaderIsNoLongerThanTheFile) {
  for (const std::uint64_t length :
       {std::uint64_t{11}, std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
    EXPECT_THAT(Refusal(Write("{}", length)), HasSubstr("not a checkpoint of this version"));
  }
}

}  // namespace
}  // namespace beamgrid::trainer
