#include "trainer/data/batches.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/data/records.h"

namespace beamgrid {
namespace {

using testing::ElementsAre;

TEST(EpochOrder, IsAPermutationThatDependsOnSeedAndEpoch) {
  std::set<std::vector<std::uint32_t>> orders;
  for (const std::uint64_t seed : {1U, 2U}) {
    for (const std::int64_t epoch : {1, 2, 3}) {
      auto order = EpochOrder(1000, seed, epoch, BatchOrder::kShuffled);
      EXPECT_EQ(order, EpochOrder(1000, seed, epoch, BatchOrder::kShuffled));
      orders.insert(order);
      std::sort(order.begin(), order.end());
      EXPECT_EQ(order, EpochOrder(1000, seed, epoch, BatchOrder::kSequential));
    }
  }
  EXPECT_EQ(orders.size(), 6U);
}

TEST(EpochOrder, IsTheSameOnEveryMachine) {
  // Computed apart (SplitMix64, Lemire's bounded numbers, Fisher-Yates) in Python.
  EXPECT_THAT(EpochOrder(10, 42, 3, BatchOrder::kShuffled),
              ElementsAre(9, 8, 3, 7, 1, 2, 4, 5, 6, 0));
  EXPECT_THAT(EpochOrder(5, 1, 1, BatchOrder::kShuffled), ElementsAre(0, 1, 3, 4, 2));
}

TEST(EpochOrder, PutsEveryExampleEverywhereEquallyOften) {
  constexpr int kSize = 6, kRounds = 60'000;
  int counts[kSize][kSize] = {};
  for (int epoch = 0; epoch < kRounds; ++epoch) {
    const auto order = EpochOrder(kSize, 5, epoch, BatchOrder::kShuffled);
    for (int at = 0; at < kSize; ++at) ++counts[at][order[static_cast<std::size_t>(at)]];
  }
  for (const auto& row : counts) {
    for (const int count : row) EXPECT_NEAR(count, kRounds / kSize, 500);  // 5 standard deviations
  }
}

class BatchesTest : public testing::Test {
 protected:
  static constexpr int kVideos = 23;

  BatchesTest() {
    std::vector<std::string> payloads;
    for (int i = 0; i < kVideos; ++i) {
      payloads.push_back(Encode(SmallVideo(std::string("v").append(std::to_string(i)), 1 + i % 4)));
    }
    WriteRecords(folder_ / "data", payloads);
    dataset_ = Open("stop");
  }

  std::unique_ptr<Dataset> Open(const std::string& on_error) const {
    DataSpec spec = SmallSpec();
    spec.on_error = on_error;
    return std::make_unique<Dataset>(spec, std::vector<std::string>{(folder_ / "data").string()},
                                     LabelPolicy::kRequired);
  }

  void FlipByte(std::size_t position) {
    std::string bytes = ReadFile(folder_ / "data");
    bytes[position] ^= 1;
    WriteBytes(folder_ / "data", bytes);
  }

  static std::vector<Batch> Collect(Batches& batches, std::size_t at_most = 1000) {
    std::vector<Batch> all;
    Batch batch;
    while (all.size() < at_most && batches.Next(batch)) all.push_back(batch);
    return all;
  }

  static void ExpectEqual(const std::vector<Batch>& a, const std::vector<Batch>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(a[i].ids, b[i].ids);
      EXPECT_EQ(a[i].frames, b[i].frames);
      EXPECT_EQ(a[i].labels, b[i].labels);
      EXPECT_EQ(a[i].lengths, b[i].lengths);
      EXPECT_EQ(a[i].next_position, b[i].next_position);
    }
  }

  TemporaryFolder folder_;
  std::unique_ptr<Dataset> dataset_;
};

TEST_F(BatchesTest, AnEpochHasEveryVideoOnce) {
  Batches batches(*dataset_, {.batch_size = 5, .seed = 9});
  batches.Start(1);
  std::set<std::string> ids;
  const std::vector<Batch> all = Collect(batches);
  for (const Batch& batch : all) ids.insert(batch.ids.begin(), batch.ids.end());
  EXPECT_EQ(all.size(), 5U);
  EXPECT_EQ(all.back().Size(), 3);
  EXPECT_EQ(all.back().next_position, kVideos);
  EXPECT_EQ(ids.size(), static_cast<std::size_t>(kVideos));
}

TEST_F(BatchesTest, SequentialOrderIsTheFiles) {
  Batches batches(*dataset_, {.batch_size = 3, .order = BatchOrder::kSequential});
  batches.Start(1);
  EXPECT_THAT(Collect(batches)[1].ids, ElementsAre("v3", "v4", "v5"));
}

TEST_F(BatchesTest, ReadingAheadDoesNotChangeTheBatches) {
  Batches patient(*dataset_, {.batch_size = 4, .seed = 3, .read_ahead = 1});
  patient.Start(2);
  const std::vector<Batch> expected = Collect(patient);
  const auto other = Open("stop");
  Batches eager(*other, {.batch_size = 4, .seed = 3, .read_ahead = 8});
  eager.Start(2);
  ExpectEqual(Collect(eager), expected);
}

TEST_F(BatchesTest, ResumingAnywhereGivesTheRestOfTheEpoch) {
  Batches batches(*dataset_, {.batch_size = 4, .seed = 3});
  batches.Start(7);
  const std::vector<Batch> whole = Collect(batches);
  for (std::size_t done = 0; done < whole.size(); ++done) {
    const auto other = Open("stop");
    Batches resumed(*other, {.batch_size = 4, .seed = 3});
    resumed.Start(7, whole[done].next_position);
    ExpectEqual(Collect(resumed),
                {whole.begin() + static_cast<std::ptrdiff_t>(done) + 1, whole.end()});
  }
}

TEST_F(BatchesTest, AnEpochMayBeLeftInTheMiddle) {
  Batches batches(*dataset_, {.batch_size = 4, .seed = 3, .read_ahead = 1});
  batches.Start(1);
  const std::vector<Batch> epoch = Collect(batches);
  batches.Start(2);
  EXPECT_EQ(Collect(batches, 2).size(), 2U);
  batches.Start(1);
  ExpectEqual(Collect(batches), epoch);
}

TEST_F(BatchesTest, AnEpochOfOneBatchIsTheOrderOfMany) {
  Batches many(*dataset_, {.batch_size = 1, .seed = 3}),
      one(*dataset_, {.batch_size = 23, .seed = 3});
  many.Start(1);
  std::vector<std::string> ids;
  for (const Batch& batch : Collect(many)) ids.push_back(batch.ids.front());
  one.Start(1);
  Batch batch;
  ASSERT_TRUE(one.Next(batch));
  EXPECT_EQ(batch.ids, ids);
  EXPECT_EQ(batch.next_position, kVideos);
  EXPECT_FALSE(one.Next(batch));
}

TEST_F(BatchesTest, WithoutStartThereIsNothing) {
  Batches batches(*dataset_, {});
  Batch batch;
  EXPECT_FALSE(batches.Next(batch));
}

TEST_F(BatchesTest, ErrorsComeToTheConsumerBehindTheBatchesBeforeThem) {
  FlipByte(TfRecordFile(folder_ / "data").Skip(0) + 20);  // v1
  const auto damaged = Open("stop");
  Batches batches(*damaged, {.batch_size = 1, .order = BatchOrder::kSequential});
  batches.Start(1);
  Batch batch;
  ASSERT_TRUE(batches.Next(batch));
  EXPECT_THAT(batch.ids, ElementsAre("v0"));
  EXPECT_THAT(ErrorText<DataError>([&] { static_cast<void>(batches.Next(batch)); }),
              testing::HasSubstr("do not match their CRC"));
  Batches whole(*damaged, {.batch_size = 23});
  whole.Start(1);
  EXPECT_THAT(ErrorText<DataError>([&] { static_cast<void>(whole.Next(batch)); }),
              testing::HasSubstr("do not match their CRC"));
}

TEST_F(BatchesTest, BatchesOfSkippedRecordsOnlyAreLeftOut) {
  FlipByte(TfRecordFile(folder_ / "data").Skip(0) + 20);  // v1
  const auto damaged = Open("skip");
  Batches batches(*damaged, {.batch_size = 1, .order = BatchOrder::kSequential});
  batches.Start(1);
  const std::vector<Batch> all = Collect(batches);
  EXPECT_EQ(all.size(), static_cast<std::size_t>(kVideos) - 1);
  EXPECT_THAT(all[1].ids, ElementsAre("v2"));
  EXPECT_EQ(damaged->counts().skipped, 1);
}

}  // namespace
}  // namespace beamgrid
