// export --tensorboard: by the project's own reader of records and, where it is installed, by
// TensorBoard's.

#include <gmock/gmock.h>

#include <SQLiteCpp/SQLiteCpp.h>

#include <map>
#include <optional>
#include <protozero/pbf_reader.hpp>

#include "registry/util/files.h"
#include "registry/util/json.h"
#include "tests/orchestrator/commands/record_commands_fixture.h"
#include "tests/support/python.h"
#include "tests/support/record.h"
#include "trainer/data/tfrecord.h"

namespace beamgrid {
namespace tensorboard_test {

using protozero::pbf_reader;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

/// An event as the test reads it: scalars by tag, and the tags of what is of a plugin.
struct ReadEvent {
  double wall_time = 0;
  std::int64_t step = 0;
  std::string version;
  std::map<std::string, float> scalars;
  std::vector<std::string> plugins;
  std::optional<std::int32_t> status;  ///< of a session's end
};

/// Reads the status out of a value's metadata: plugin data, content, session_end_info.
void ReadStatus(pbf_reader metadata, ReadEvent* event) {
  while (metadata.next(1)) {
    pbf_reader plugin = metadata.get_message();
    while (plugin.next(2)) {
      const auto content = plugin.get_view();
      pbf_reader session(content.data(), content.size());
      while (session.next(4)) {
        pbf_reader end = session.get_message();
        while (end.next(1)) event->status = end.get_enum();
      }
    }
  }
}

void ReadValue(pbf_reader value, ReadEvent* event) {
  std::string tag;
  while (value.next()) {
    if (value.tag() == 1) {
      tag = value.get_string();
    } else if (value.tag() == 2) {
      event->scalars[tag] = value.get_float();
    } else {
      if (value.tag() == 9) {
        event->plugins.push_back(tag);
        ReadStatus(value.get_message(), event);
      } else {
        value.skip();
      }
    }
  }
}

ReadEvent Decoded(std::string_view payload) {
  ReadEvent event;
  pbf_reader reader(payload.data(), payload.size());
  while (reader.next()) {
    if (reader.tag() == 1) {
      event.wall_time = reader.get_double();
    } else if (reader.tag() == 2) {
      event.step = reader.get_int64();
    } else if (reader.tag() == 3) {
      event.version = reader.get_string();
    } else if (reader.tag() == 5) {
      pbf_reader summary = reader.get_message();
      while (summary.next(1)) ReadValue(summary.get_message(), &event);
    } else {
      ADD_FAILURE() << "a field " << reader.tag();
      reader.skip();
    }
  }
  return event;
}

std::vector<ReadEvent> EventsOf(const std::filesystem::path& file) {
  const TfRecordFile records(file);  // checks both CRCs of each record
  std::vector<ReadEvent> events;
  for (std::uint64_t at = 0; at < records.size_bytes();) {
    const Record record = records.Read(at);
    events.push_back(Decoded(record.payload));
    at = record.next_offset;
  }
  return events;
}

class TensorBoardTest : public RecordCommandsTest {
 protected:
  TensorBoardTest() {
    SQLite::Database raw(database_, SQLite::OPEN_READWRITE);
    raw.exec(
        "UPDATE epoch SET gap = 0.5 + epoch / 8.0, validate_loss = 4.0 - epoch;"
        "UPDATE epoch SET ended_at = '2026-01-01T00:00:10.250Z' WHERE epoch = 1;"
        "UPDATE attempt SET started_at = '2026-01-01T00:00:00.000Z',"
        " finished_at = '2026-01-01T00:00:30.000Z'");
  }
  [[nodiscard]] Called Export(const std::string& what, const std::string& out,
                              std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"export", what, "--tensorboard", Path(out)});
    return OnRecord(more);
  }
  /// The run folders of an export.
  [[nodiscard]] std::vector<std::filesystem::path> RunsOf(const std::string& out) const {
    std::vector<std::filesystem::path> runs;
    for (const auto& entry : std::filesystem::directory_iterator(Path(out))) {
      runs.push_back(entry.path());
    }
    return runs;
  }

  const double begin_ = 1767225600;  // 2026-01-01
};

TEST_F(TensorBoardTest, AStudysEpochsAreStepsOfItsTrialsRuns) {
  const Called called = Export("small", "curves");
  ASSERT_EQ(called.exit_code, 0) << called.err;
  EXPECT_THAT(called.out, AllOf(HasSubstr("curves: 1 trial, 2 epochs\n"),
                                HasSubstr("tensorboard --logdir " + Path("curves"))));
  EXPECT_THAT(called.err, HasSubstr("2 trials left out"));
  const auto runs = RunsOf("curves");
  ASSERT_THAT(runs, SizeIs(1));
  EXPECT_THAT(runs[0].filename().string(), HasSubstr("MC-BLSTM-MoE2-s1-"));
  const std::vector<ReadEvent> events = EventsOf(runs[0] / "events.out.tfevents.0.beamgrid");
  ASSERT_THAT(events, SizeIs(6));
  EXPECT_EQ(events[0].version, "brain.Event:2");
  EXPECT_EQ(events[0].wall_time, begin_);
  EXPECT_THAT(events[1].plugins, ElementsAre("_hparams_/session_start_info"));
  EXPECT_EQ(events[2].step, 1);
  EXPECT_EQ(events[2].wall_time, begin_ + 10.25);
  EXPECT_EQ(events[2].scalars.at("train/loss"), 3);
  EXPECT_EQ(events[2].scalars.at("validate/loss"), 3);
  EXPECT_EQ(events[2].scalars.at("validate/gap"), 0.625F);
  EXPECT_FALSE(events[2].scalars.contains("validate/segment_map")) << "it was not measured";
  EXPECT_EQ(events[3].step, 2);
  EXPECT_EQ(events[3].wall_time, begin_ + 30) << "its own was not recorded: at the trial's end";
  EXPECT_EQ(events[3].scalars.at("validate/gap"), 0.75F);
  EXPECT_EQ(events[4].step, ExampleSuccess().result().best_epoch);
  EXPECT_EQ(events[4].wall_time, begin_ + 30);
  EXPECT_FALSE(events[4].scalars.contains("validate/gap"));
  EXPECT_EQ(events[4].scalars.at("record/gap"), 0.8125F) << "not 0.75, the last epoch's";
  EXPECT_TRUE(events[4].scalars.contains("record/parameters"));
  EXPECT_THAT(events[5].plugins, ElementsAre("_hparams_/session_end_info"));
}

// The numbers are those of hparams/api.proto.
TEST_F(TensorBoardTest, SaysHowATrialEnded) {
  constexpr std::int32_t kUnknown = 0, kSuccess = 1, kFailure = 2, kRunning = 3;
  {
    Store store(database_, OpenMode::kReadWrite);
    const StudyId study = store.OpenStudy(ExampleStudy("ends"));
    std::vector<NewTrial> trials;
    for (std::int64_t seed = 1; seed <= 5; ++seed) trials.push_back(ExampleNewTrial(64, seed));
    const std::vector<TrialId> ids = store.AddTrials(study, trials);
    const auto begin = [&store](TrialId id) {
      const std::int64_t attempt = store.BeginAttempt(id, "e", "cpu", 1);
      store.RecordEpoch(id, {.epoch = 1, .metrics = {.gap = 0.5}}, true);
      return attempt;
    };
    store.FinishAttempt(ids[0], begin(ids[0]), ExampleSuccess(), TrialState::kComplete);
    store.FinishAttempt(ids[1], begin(ids[1]), ExampleFailure(), TrialState::kFailed);
    store.FinishAttempt(ids[2], begin(ids[2]), ExampleFailure(FailureKind::kInterrupted),
                        TrialState::kWaiting);
    store.FinishAttempt(ids[3], begin(ids[3]), ExampleSuccess(), TrialState::kPruned);
    static_cast<void>(begin(ids[4]));
  }
  const Called called = Export("ends", "ends");
  ASSERT_EQ(called.exit_code, 0) << called.err;
  std::map<std::string, std::int32_t> ends;
  for (const std::filesystem::path& run : RunsOf("ends")) {
    const std::string name = run.filename().string();
    const ReadEvent last = EventsOf(run / "events.out.tfevents.0.beamgrid").back();
    ASSERT_TRUE(last.status) << name;
    ends[name.substr(name.rfind("-s") + 1, 2)] = *last.status;
  }
  EXPECT_THAT(ends, ElementsAre(testing::Pair("s1", kSuccess), testing::Pair("s2", kFailure),
                                testing::Pair("s3", kUnknown), testing::Pair("s4", kUnknown),
                                testing::Pair("s5", kRunning)));
}

TEST_F(TensorBoardTest, TheSameRecordGivesTheSameBytes) {
  ASSERT_EQ(Export("small", "one").exit_code, 0);
  ASSERT_EQ(Export("small/MC-BLSTM-MoE2/1", "two").exit_code, 0);
  const auto one = RunsOf("one"), two = RunsOf("two");
  ASSERT_EQ(one.size(), two.size());
  EXPECT_EQ(one[0].filename(), two[0].filename());
  EXPECT_EQ(ReadFile(one[0] / "events.out.tfevents.0.beamgrid"),
            ReadFile(two[0] / "events.out.tfevents.0.beamgrid"));
  const auto json = Export("small", "three", {"--json"}).Json();
  EXPECT_EQ(json.at("runs").at(0).at("epochs"), 2);
  EXPECT_EQ(json.at("without_epochs"), 2);
}

TEST_F(TensorBoardTest, WhatIsThereIsKeptAndNothingHalfWrittenIsLeft) {
  std::filesystem::create_directory(Path("full"));
  Write("full/mine.txt", "x");
  const Called full = Export("small", "full");
  EXPECT_EQ(full.exit_code, 2);
  EXPECT_THAT(full.err, HasSubstr("--tensorboard " + Path("full") + ": the folder is not empty"));
  EXPECT_EQ(ReadFile(Path("full/mine.txt")), "x");
  EXPECT_EQ(Export("small", "nowhere/curves").exit_code, 2);
  EXPECT_THAT(OnRecord({"export", "small"}).err, HasSubstr("--tensorboard"));
  EXPECT_EQ(OnRecord({"export", "small", "--out", "a", "--tensorboard", "b"}).exit_code, 2);
  EXPECT_EQ(Export("smal", "curves").exit_code, 2);

  // A trial without a curve: said, and nothing is made.
  const Called waiting = Export("small/MC-BLSTM-h256-MoE2/1", "curves");
  EXPECT_EQ(waiting.exit_code, 2);
  EXPECT_THAT(waiting.err, HasSubstr("no epoch of these trials has ended"));
  std::filesystem::create_directories(Path("curves.part.999999999"));
  Write("curves.part.999999999/unfinished-tensorboard-export", "");
  std::filesystem::create_directory(Path("empty"));
  EXPECT_EQ(Export("small", "curves").exit_code, 0);
  EXPECT_EQ(Export("small", "empty").exit_code, 0) << "an empty folder is as good as none";
  for (const auto& entry : std::filesystem::directory_iterator(Path("."))) {
    EXPECT_EQ(entry.path().string().find(".part."), std::string::npos) << entry.path();
  }
}

TEST_F(TensorBoardTest, TensorBoardReadsThem) {
  const std::string python = PythonWith("tensorboard");
  if (python.empty()) {
    GTEST_SKIP() << "python3 has no tensorboard; $BEAMGRID_PYTHON names one that has "
                    "(scripts/setup --python)";
  }
  ASSERT_EQ(Export("small", "curves").exit_code, 0);
  const std::string command =
      python + " " BEAMGRID_SOURCE_DIR "/tests/orchestrator/commands/read_events.py '" +
      Path("curves") + "' > '" + Path("found.json") + "'";
  ASSERT_EQ(std::system(command.c_str()), 0);
  const auto found = ParseJson(ReadFile(Path("found.json")));
  ASSERT_THAT(found.as_object(), SizeIs(1));
  const auto& run = found.as_object().begin()->value();
  const auto& gap = run.at("scalars").at("validate/gap").as_array();
  ASSERT_THAT(gap, SizeIs(2));
  EXPECT_EQ(gap[0].at(0).to_number<double>(), begin_ + 10.25);
  EXPECT_EQ(gap[1].at(1).to_number<double>(), 2);
  EXPECT_EQ(gap[1].at(2).to_number<double>(), 0.75);
  EXPECT_TRUE(run.at("scalars").as_object().contains("train/loss"));
  EXPECT_EQ(run.at("hparams").at("temporal"), "blstm");
  EXPECT_EQ(run.at("hparams").at("temporal.hidden").to_number<double>(), 512);
  EXPECT_EQ(run.at("status"), 1);
}

}  // namespace tensorboard_test
}  // namespace beamgrid
