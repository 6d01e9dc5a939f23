#include "trainer/data/tfrecord.h"

#include <gmock/gmock.h>
#include <sys/mman.h>

#include <optional>

#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/data/records.h"

namespace beamgrid {
namespace {

using testing::HasSubstr;

std::string FromHex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

/// All payloads, or the error that reading ended in.
struct ReadBack {
  std::vector<std::string> payloads;
  std::optional<DataError> error;
};

ReadBack ReadAll(const std::filesystem::path& path) {
  const TfRecordFile file(path);
  ReadBack result;
  try {
    for (std::uint64_t offset = 0; offset < file.size_bytes();) {
      const Record record = file.Read(offset);
      result.payloads.emplace_back(record.payload);
      offset = record.next_offset;
    }
  } catch (const DataError& error) {
    result.error = error;
  }
  return result;
}

// One bit at a time, from the polynomial alone.
std::uint32_t SlowCrc32c(const std::string& bytes) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78U : 0);
  }
  return ~crc;
}

TEST(TfRecord, MasksTheCrcAsTensorFlowDoes) {
  EXPECT_EQ(SlowCrc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(MaskedCrc32c("123456789"), 0xC78AB0E5U);
}

TEST(TfRecord, CrcAgreesWithABitwiseOneAtEveryLength) {
  std::string bytes;
  for (int length = 0; length < 300; ++length) {
    const std::uint32_t crc = SlowCrc32c(bytes);
    EXPECT_EQ(MaskedCrc32c(bytes), ((crc >> 15) | (crc << 17)) + 0xa282ead8U) << length;
    bytes.push_back(static_cast<char>(length * 37));
  }
}

TEST(TfRecord, ReadsAndWritesTheKnownRecord) {
  const TemporaryFolder folder;
  const std::string known = FromHex("0300000000000000b099490e6162636e57f121");
  WriteBytes(folder / "known", known);
  EXPECT_THAT(ReadAll(folder / "known").payloads, testing::ElementsAre("abc"));
  WriteRecords(folder / "written", {"abc"});
  EXPECT_EQ(ReadFile(folder / "written"), known);
}

TEST(TfRecord, WhatIsWrittenIsReadBack) {
  const TemporaryFolder folder;
  const std::vector<std::string> payloads = {"", "a", std::string(100'000, 'x'), {"\0\xff", 2}};
  WriteRecords(folder / "file", payloads);
  const ReadBack back = ReadAll(folder / "file");
  EXPECT_FALSE(back.error);
  EXPECT_EQ(back.payloads, payloads);
}

TEST(TfRecord, AnEmptyFileHasNoRecords) {
  const TemporaryFolder folder;
  WriteBytes(folder / "empty", "");
  const ReadBack back = ReadAll(folder / "empty");
  EXPECT_TRUE(back.payloads.empty());
  EXPECT_FALSE(back.error);
}

TEST(TfRecord, EveryFlippedByteIsReportedAtItsRecord) {
  const TemporaryFolder folder;
  WriteRecords(folder / "good", {"first payload", "second", "the third"});
  const std::string good = ReadFile(folder / "good");
  const std::vector<std::uint64_t> starts = {0, 16 + 13, 16 + 13 + 16 + 6};
  for (std::size_t position = 0; position < good.size(); ++position) {
    std::string bad = good;
    bad[position] = static_cast<char>(bad[position] ^ 0x10);
    WriteBytes(folder / "bad", bad);
    const ReadBack back = ReadAll(folder / "bad");
    ASSERT_TRUE(back.error) << position;
    const std::size_t record = position < starts[1] ? 0 : position < starts[2] ? 1 : 2;
    EXPECT_EQ(back.error->offset(), starts[record]) << position;
    EXPECT_EQ(back.payloads.size(), record);
    const bool in_length = position - starts[record] < 12;
    EXPECT_EQ(back.error->fault(),
              in_length ? DataFault::kDamagedLength : DataFault::kDamagedRecord);
  }
}

TEST(TfRecord, EveryCutIsAnErrorUnlessItIsBetweenRecords) {
  const TemporaryFolder folder;
  WriteRecords(folder / "good", {"first payload", "second", "the third"});
  const std::string good = ReadFile(folder / "good");
  for (std::size_t length = 0; length < good.size(); ++length) {
    WriteBytes(folder / "cut", good.substr(0, length));
    const ReadBack back = ReadAll(folder / "cut");
    const bool between = length == 0 || length == 29 || length == 51;
    EXPECT_EQ(back.error.has_value(), !between) << length;
    EXPECT_EQ(back.payloads.size(), length < 29 ? 0U : length < 51 ? 1U : 2U) << length;
    if (back.error) {
      EXPECT_EQ(back.error->fault(), DataFault::kDamagedLength);
      EXPECT_THAT(back.error->what(), HasSubstr("cut off"));
    }
  }
}

TEST(TfRecord, MessagesNameFileAndByte) {
  const TemporaryFolder folder;
  WriteRecords(folder / "data.tfrecord", {"one", "two"});
  std::string bytes = ReadFile(folder / "data.tfrecord");
  bytes[19 + 13] ^= 1;
  WriteBytes(folder / "data.tfrecord", bytes);
  EXPECT_EQ(ReadAll(folder / "data.tfrecord").error->what(),
            (folder / "data.tfrecord").string() +
                ": byte 19: the record's 3 bytes do not match their CRC: damaged, fetch the file "
                "again");
}

TEST(TfRecord, ALengthBeyondTheFileIsACutEvenWithAGoodCrc) {
  const TemporaryFolder folder;
  std::string header(8, '\xff');
  const std::uint32_t crc = MaskedCrc32c(header);
  header.append(reinterpret_cast<const char*>(&crc), sizeof crc);
  WriteBytes(folder / "huge", header + "some payload");
  EXPECT_THAT(ReadAll(folder / "huge").error->what(), HasSubstr("18446744073709551615 bytes"));
}

TEST(TfRecord, SkipFindsTheSameRecordsWithoutReadingThem) {
  const TemporaryFolder folder;
  WriteRecords(folder / "file", {"first", "", "third"});
  std::string bytes = ReadFile(folder / "file");
  bytes[13] ^= 1;  // in the first payload, which Skip must not look at
  WriteBytes(folder / "file", bytes);
  const TfRecordFile file(folder / "file");
  const std::uint64_t second = file.Skip(0), third = file.Skip(second);
  EXPECT_EQ(second, 21U);
  EXPECT_EQ(third, 37U);
  EXPECT_EQ(file.Skip(third), file.size_bytes());
}

TEST(TfRecord, FilesThatCannotBeReadSayWhy) {
  const TemporaryFolder folder;
  EXPECT_THAT(ErrorText<Error>([&] { TfRecordFile(folder / "none"); }),
              HasSubstr("none: cannot open: No such file"));
  EXPECT_THAT(ErrorText<Error>([&] { TfRecordFile(folder.path()); }), HasSubstr("is not a file"));
}

TEST(TfRecord, FilesThatCannotBeWrittenSayWhy) {
  const TemporaryFolder folder;
  EXPECT_THAT(ErrorText<Error>([&] { TfRecordWriter(folder / "no folder" / "file"); }),
              HasSubstr("file: cannot write: No such file"));
  EXPECT_THAT(ErrorText<Error>([&] {
                TfRecordWriter writer("/dev/full");
                writer.Write(std::string(1 << 20, 'x'));
                writer.Close();
              }),
              HasSubstr("/dev/full: cannot write: No space left"));
}

TEST(TfRecord, PagesGivenBackAreMappedAgain) {
  const TemporaryFolder folder;
  WriteRecords(folder / "file", {"first", "second"});
  const TfRecordFile file(folder / "file");
  const Record record = file.Read(0);
  file.ReleasePages();
  EXPECT_EQ(record.payload, "first");
  EXPECT_EQ(file.Read(record.next_offset).payload, "second");
}

TEST(TfRecord, AFileThatIsShortenedIsAnErrorBeforeItIsTouched) {
  const TemporaryFolder folder;
  const auto path = folder / "file";
  WriteBytes(path, std::string(1 << 20, 'x'));
  const TfRecordFile file(path);
  file.Prefetch(0, 1 << 20);
  file.Prefetch(5000, std::uint64_t{1} << 40);
  file.Prefetch(std::uint64_t{2} << 20, 1);
#ifdef MADV_POPULATE_READ
  std::filesystem::resize_file(path, 1000);
  EXPECT_THAT(ErrorText<Error>([&] { file.Prefetch(0, 1 << 20); }),
              HasSubstr("file: cannot read it, or it was shortened meanwhile"));
#endif
}

}  // namespace
}  // namespace beamgrid
