#include "trainer/protocol/protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "registry/criteria.h"
#include "registry/util/json.h"

namespace beamgrid {
namespace {

using ::testing::HasSubstr;

TrialSpec SomeSpec() {
  TrialSpec spec;
  for (const Criterion& criterion : kCriteria) {
    if (!criterion.single()) continue;
    spec.model.parts[std::string(criterion.name)] = {.component = "some",
                                                     .options = {{"width", 3}}};
  }
  spec.model.extras["dropout"] = {{"rate", 0.1}};
  spec.model.train = {{"batch", 128}, {"learning_rate", 0.0006}};
  spec.data = {.format = "frame",
               .train = {"/data/train0.tfrecord"},
               .validate = {"/data/validate0.tfrecord"},
               .classes = 3862,
               .features = {{"rgb", 1024}, {"audio", 128}},
               .digest = "0123"};
  spec.seed = 7;
  return spec;
}

TrialResult SomeResult() {
  const Metrics metrics{.gap = 0.1 + 0.2,
                        .hit_at_1 = 0.5,
                        .perr = 1.0 / 3,
                        .map = 1e-17,
                        .videos = 9,
                        .segment_map = 0.7};
  return {.metrics = metrics,
          .validate_loss = 12.25,
          .best_epoch = 2,
          .epochs = {{.epoch = 1, .train_loss = 20.5, .validate_loss = 19, .metrics = metrics},
                     {.epoch = 2, .train_loss = 15, .validate_loss = 12.25, .metrics = metrics}},
          .parameters = 123456789012,
          .size_bytes = 4,
          .examples = 5,
          .examples_per_second = 6.5,
          .wall_seconds = 7.5,
          .peak_memory_bytes = 8,
          .skipped_records = 1,
          .device = "cuda:0 NVIDIA H200",
          .threads = 2,
          .program_version = "0.1.0",
          .libtorch_version = "1.13.0",
          .artifacts = {{.name = "model", .path = "model.pt", .bytes = 10, .hash = "ab"}}};
}

std::vector<Message> OneOfEach() {
  return {
      Started{.pid = 42,
              .parameters = 1,
              .size_bytes = 4,
              .epochs = 5,
              .train_examples = 6,
              .resumed_examples = 3},
      Progress{.epoch = 1,
               .examples = 128,
               .total_examples = 640,
               .loss = 3.5,
               .examples_per_second = 99.75},
      Evaluated{.epoch = SomeResult().epochs[0], .earlier = true},
      Heartbeat{},
      Finished{},
      Ready{},
      Failed{.kind = FailureKind::kBadData, .message = "train0.tfrecord: offset 17: \"bad\"\nCRC"}};
}

/// The text form is injective, so equal texts are equal values.
template <typename T>
std::string TextOf(const T& value) {
  return CanonicalJson(ToJson(value));
}

TEST(Protocol, TrialFileSurvivesTheRoundTrip) {
  const TrialFile trial{.study = "kim",
                        .name = "MC-BLSTM-MoE2",
                        .fingerprint = "ffee",
                        .spec = SomeSpec(),
                        .attempt = 3,
                        .device = "cuda:1",
                        .threads = 2,
                        .resume_from = "/runs/2/last.checkpoint",
                        .warm_start_model = "/runs/1/model.pt",
                        .warm_start_hash = "aa",
                        .predictions_top_k = 50,
                        .heartbeat_seconds = 0.5,
                        .stall_seconds = 90};
  const TrialFile read = TrialFileFromJson(ParseJson(TextOf(trial)));
  EXPECT_EQ(read.spec, trial.spec);
  EXPECT_EQ(read.attempt, 3);
  EXPECT_EQ(read.device, "cuda:1");
  EXPECT_EQ(read.resume_from, "/runs/2/last.checkpoint");
  EXPECT_EQ(read.warm_start_model, "/runs/1/model.pt");
  EXPECT_EQ(read.warm_start_hash, "aa");
  EXPECT_EQ(read.stall_seconds, 90);
  EXPECT_EQ(TextOf(read), TextOf(trial));
}

TEST(Protocol, ATrialFileFromBeforeStallsWereWatchedHasTheUsualLimit) {
  boost::json::object old = ToJson(TrialFile{.spec = SomeSpec(), .stall_seconds = 90});
  EXPECT_EQ(old.erase("stall_seconds"), 1U);
  EXPECT_EQ(TrialFileFromJson(old).stall_seconds, 600);
}

TEST(Protocol, TrialFileNamesTheKeyThatIsWrong) {
  for (const auto& [key, member] : ToJson(TrialFile{.spec = SomeSpec()})) {
    boost::json::object broken = ToJson(TrialFile{.spec = SomeSpec()});
    broken.erase(key);
    try {
      (void)TrialFileFromJson(broken);
      EXPECT_EQ(key, "stall_seconds") << "accepted a trial.json without it";
    } catch (const std::invalid_argument& error) {
      EXPECT_THAT(error.what(), HasSubstr(std::string(key)));
    }
    broken[key] = boost::json::array{1};
    EXPECT_THROW((void)TrialFileFromJson(broken), std::invalid_argument) << key;
  }
}

TEST(Protocol, ResultSurvivesTheRoundTrip) {
  const TrialResult read = TrialResultFromJson(ParseJson(TextOf(SomeResult())));
  EXPECT_EQ(read.metrics.gap, 0.1 + 0.2);
  EXPECT_EQ(read.metrics.map, 1e-17);
  EXPECT_EQ(read.metrics.segment_map, 0.7);
  EXPECT_EQ(read.epochs.size(), 2U);
  EXPECT_EQ(read.artifacts.at(0).path, "model.pt");
  EXPECT_EQ(TextOf(read), TextOf(SomeResult()));
}

TEST(Protocol, ResultWithoutAnyOneKeyIsRefused) {
  for (const auto& [key, member] : ToJson(SomeResult())) {
    boost::json::object broken = ToJson(SomeResult());
    broken.erase(key);
    EXPECT_THROW((void)TrialResultFromJson(broken), std::invalid_argument) << key;
  }
  EXPECT_THROW((void)TrialResultFromJson(boost::json::value(3)), std::invalid_argument);
}

TEST(Protocol, NumbersThatAreNotFiniteBecomeNull) {
  TrialResult result = SomeResult();
  result.validate_loss = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(std::isnan(TrialResultFromJson(ParseJson(TextOf(result))).validate_loss));
  const auto message = MessageFromLine(ToLine(Progress{.loss = std::nan("")}));
  ASSERT_TRUE(message.has_value());
  EXPECT_TRUE(std::isnan(std::get<Progress>(*message).loss));
}

TEST(Protocol, EveryMessageSurvivesTheRoundTripOnOneLine) {
  for (const Message& message : OneOfEach()) {
    const std::string line = ToLine(message);
    EXPECT_EQ(line.find('\n'), std::string::npos) << line;
    const auto read = MessageFromLine(line);
    ASSERT_TRUE(read.has_value()) << line;
    EXPECT_EQ(read->index(), message.index());
    EXPECT_EQ(ToLine(*read), line);
  }
}

TEST(Protocol, LinesThatAreNoMessagesAreNothing) {
  for (const char* line :
       {"", "   ", "{", "null", "[]", "3", "\"heartbeat\"", "{}", R"({"type":1})",
        R"({"type":"unknown"})", R"({"type":"started"})", R"({"type":"progress","epoch":"one"})",
        R"({"type":"failed","kind":"sleepy","message":"x"})", R"({"type":"evaluated","epoch":[]})",
        R"({"type":"heartbeat"} trailing)", "Epoch 1: loss 3.2", "\xff\xfe{\"type\""}) {
    EXPECT_FALSE(MessageFromLine(line).has_value()) << line;
  }
  EXPECT_FALSE(MessageFromLine(std::string(100'000, '[')).has_value());
}

/// Changes, drops, doubles or inserts a few bytes.
std::string Mutate(std::string line, std::mt19937_64& random) {
  const std::uint64_t edits = 1 + random() % 4;
  for (std::uint64_t edit = 0; edit < edits && !line.empty(); ++edit) {
    const std::size_t at = random() % line.size();
    switch (random() % 5) {
      case 0:
        line[at] = static_cast<char>(random());
        break;
      case 1:
        line.erase(at, 1 + random() % 5);
        break;
      case 2:
        line.insert(at, line.substr(random() % line.size(), random() % 20));
        break;
      case 3:
        line.resize(at);
        break;
      default:
        line.insert(at, 1, "{}[]\",:0-9e\\"[random() % 12]);
        break;
    }
  }
  return line;
}

TEST(Protocol, MutatedLinesNeverThrowAndWhatIsReadCanBeWritten) {
  std::mt19937_64 random(20240601);
  const std::vector<Message> messages = OneOfEach();
  int accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    const std::string line = Mutate(ToLine(messages[random() % messages.size()]), random);
    const auto message = MessageFromLine(line);
    if (!message) continue;
    ++accepted;
    const std::string written = ToLine(*message);
    ASSERT_TRUE(MessageFromLine(written).has_value()) << written << "\nfrom " << line;
  }
  EXPECT_GT(accepted, 100);     // the mutations are mild enough to reach the readers' insides
  EXPECT_LT(accepted, 15'000);  // and strong enough to break most lines
}

TEST(Protocol, MutatedFilesAreReadOrRefusedWithAReason) {
  std::mt19937_64 random(7);
  const std::string trial = TextOf(TrialFile{.spec = SomeSpec()});
  const std::string result = TextOf(SomeResult());
  for (int round = 0; round < 2'000; ++round) {
    for (const std::string& text : {Mutate(trial, random), Mutate(result, random)}) {
      try {
        const boost::json::value value = ParseJson(text);
        (void)TrialResultFromJson(value);
        (void)TrialFileFromJson(value);
      } catch (const std::invalid_argument& error) {
        ASSERT_STRNE(error.what(), "");
      }
    }
  }
}

}  // namespace
}  // namespace beamgrid
