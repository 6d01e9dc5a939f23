// show and explain: how a trial is named, and what is told of it.

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "orchestrator/slurm/attempt_end.h"
#include "orchestrator/study/run_note.h"
#include "tests/orchestrator/commands/record_commands_fixture.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;

TEST_F(RecordCommandsTest, ShowFindsATrialByEachOfItsNames) {
  const auto listed = OnRecord({"trials", "small", "--json"}).Json();
  const std::string fingerprint(listed.at(0).at("fingerprint").as_string());
  const std::string id = std::to_string(listed.at(0).at("id").as_int64());
  for (const std::string& name :
       {id, fingerprint, fingerprint.substr(0, 10), std::string("small/MC-BLSTM-MoE2/1"),
        std::string("other/MC-BLSTM-MoE2")}) {
    const auto json = OnRecord({"show", name, "--json"}).Json();
    EXPECT_EQ(json.at("fingerprint").as_string(), fingerprint) << name;
    EXPECT_EQ(json.at("epochs").as_array().size(), 2U);
    EXPECT_EQ(json.at("artifacts").at(0).at("name"), "predictions");
    EXPECT_EQ(json.at("result").at("best_epoch"), 2);
    EXPECT_EQ(json.at("spec").at("model").at("temporal").at("use"), "blstm");
  }
}

TEST_F(RecordCommandsTest, ShowAsTextHasTheEpochs) {
  const Called called = OnRecord({"show", "small/MC-BLSTM-MoE2/1"});
  EXPECT_THAT(called.out, HasSubstr("spec.model.temporal.use: blstm"));
  EXPECT_THAT(called.out, HasSubstr("epochs:"));
}

TEST_F(RecordCommandsTest, ShowSaysHowFarARunningTrialIs) {
  const std::string name = "small/MC-BLSTM-h256-MoE2/1";
  EXPECT_TRUE(OnRecord({"show", name, "--json"}).Json().at("running").is_null());
  {
    Store store(database_, OpenMode::kReadWrite);
    const TrialId trial = store.Trials(store.FindStudy("small")->id).at(2).id;
    (void)store.BeginAttempt(trial, "runs/d", "cpu", 1);
    EXPECT_THAT(OnRecord({"show", name}).out,
                HasSubstr("now: no epoch of 5 has ended, begun at 2"));
    store.RecordEpoch(trial, {.epoch = 1, .train_loss = NAN, .metrics = {.gap = 0.5}}, true);
    store.RecordEpoch(trial, {.epoch = 2, .metrics = {.gap = 0.25}}, true);
  }
  const Called shown = OnRecord({"show", name});
  EXPECT_THAT(shown.out,
              AllOf(HasSubstr("now: epoch 2 of 5 has ended, objective 0.25000 (best 0.50000); "),
                    HasSubstr("s an epoch, at most ")));
  const auto json = OnRecord({"show", name, "--json"}).Json();
  EXPECT_EQ(json.at("running").at("epoch"), 2);
  EXPECT_EQ(json.at("epochs").as_array().size(), 2U);
  EXPECT_TRUE(json.at("epochs").at(0).at("train_loss").is_null()) << "no loss is NaN";
  EXPECT_THAT(OnRecord({"query", "running"}).out, HasSubstr("MC-BLSTM-h256-MoE2"));
}

TEST_F(RecordCommandsTest, AnAmbiguousNameIsRefusedWithTheCandidates) {
  const Called called = OnRecord({"show", "small/MC-BLSTM-MoE2"});
  EXPECT_EQ(called.exit_code, 2);
  EXPECT_THAT(called.err, HasSubstr("names 2 trials"));
  EXPECT_THAT(called.err, HasSubstr("small/MC-BLSTM-MoE2/1"));
  EXPECT_THAT(called.err, HasSubstr("small/MC-BLSTM-MoE2/2"));
}

TEST_F(RecordCommandsTest, AnUnknownTrialIsRefusedWithTheNearest) {
  const Called called = OnRecord({"explain", "small/MC-BLSTM-MoE3/1"});
  EXPECT_EQ(called.exit_code, 2);
  EXPECT_THAT(called.err, HasSubstr("did you mean small/MC-BLSTM-MoE2/1?"));
  EXPECT_EQ(OnRecord({"show", "999"}).exit_code, 2);
}

TEST_F(RecordCommandsTest, AStudyInPlaceOfATrialIsRefusedWithWhatShowsStudies) {
  for (const char* command : {"show", "explain"}) {
    const Called called = OnRecord({command, "small"});
    EXPECT_EQ(called.exit_code, 2);
    EXPECT_THAT(called.err, HasSubstr("'small' is a study and no trial; `beamgrid trials small` "
                                      "lists its trials, `beamgrid show small --recipe-history`"));
  }
}

TEST_F(RecordCommandsTest, ExplainTellsAnAttemptThatWaitsForAJobFromOneAtWork) {
  const std::string name = "small/MC-BLSTM-h256-MoE2/1";
  std::filesystem::path directory, pilots;
  {
    Store store(database_, OpenMode::kReadWrite);
    directory = store.runs() / "small" / "a" / "1";
    pilots = store.runs() / "small" / "slurm";
    const TrialId trial = store.Trials(store.FindStudy("small")->id).at(2).id;
    (void)store.BeginAttempt(trial, directory.string(), "cpu", 1);
    NoteRun(store, store.FindStudy("small")->id,
            {.queued = 2, .queued_for = "Slurm: it has not answered for 5 minutes (why)"});
  }
  std::filesystem::create_directories(directory);
  std::filesystem::create_directories(pilots);
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", directory.c_str(), 1);  // where there is no squeue
  const std::string waits = OnRecord({"explain", name}).out;
  ASSERT_TRUE(Claim(directory, "beamgrid-small-1"));
  const std::string works = OnRecord({"explain", name}).out;
  std::ofstream(directory / kWorkerLock) << "";
  const std::string works_here = OnRecord({"explain", name}).out;
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_THAT(waits, HasSubstr("is waiting: attempt 1 waits for a Slurm job"));
  EXPECT_THAT(waits, HasSubstr("Slurm cannot be asked: no squeue"));
  EXPECT_THAT(waits, HasSubstr("its run said at 20"));
  EXPECT_THAT(waits,
              HasSubstr(": 2 trials wait for Slurm: it has not answered for 5 minutes (why)"));
  EXPECT_THAT(works, HasSubstr("is running: attempt 1 is at work on cpu"));
  EXPECT_THAT(works, HasSubstr("Slurm cannot be asked: "));
  // Once the study ran on a cluster; this attempt does not.
  EXPECT_THAT(works_here, HasSubstr("is running: attempt 1 is at work on cpu"));
  EXPECT_THAT(works_here, Not(HasSubstr("Slurm")));
}

TEST_F(RecordCommandsTest, WhatWaitsInAClustersQueueIsWaitingInAllLists) {
  const std::string name = "small/MC-BLSTM-h256-MoE2/1";
  const auto state_of = [&](const std::string& json_of) {
    return std::string(OnRecord({json_of, name, "--json"}).Json().at("state").as_string());
  };
  const auto count = [&](const char* state) {
    const auto studies = OnRecord({"studies", "--json"}).Json().as_array();
    return studies.at(0).at("trials").at(state).as_int64();
  };
  const std::int64_t waiting = count("waiting");
  TrialId trial{};
  {
    Store store(database_, OpenMode::kReadWrite);
    trial = store.Trials(store.FindStudy("small")->id).at(2).id;
    (void)store.BeginAttempt(trial, (store.runs() / "small" / "a" / "1").string(), "cpu", 1);
    EXPECT_EQ(count("running"), 1);
    store.NoteQueued(trial, 1);
  }
  EXPECT_EQ(count("waiting"), waiting);
  EXPECT_EQ(count("running"), 0);
  EXPECT_EQ(state_of("show"), "waiting");
  EXPECT_EQ(OnRecord({"trials", "small", "--state", "running", "--json"}).Json().as_array().size(),
            0U);
  const Called explained = OnRecord({"explain", name});
  EXPECT_THAT(explained.out, HasSubstr("is waiting: attempt 1 waits for a Slurm job"));
  EXPECT_THAT(explained.out, HasSubstr("attempt 1 on cpu: waiting"));
  {
    Store store(database_, OpenMode::kReadWrite);
    store.NoteBegun(trial, 1, std::chrono::milliseconds(0));
  }
  EXPECT_EQ(count("running"), 1);
  EXPECT_EQ(state_of("show"), "running");
  EXPECT_EQ(OnRecord({"trials", "small", "--state", "running", "--json"}).Json().as_array().size(),
            1U);
  EXPECT_THAT(OnRecord({"explain", name}).out, HasSubstr("is running: attempt 1 is at work"));
}

TEST_F(RecordCommandsTest, ExplainSaysOfWhatWasStoppedInAQueueThatItNeverBegan) {
  {
    Store store(database_, OpenMode::kReadWrite);
    const TrialId trial = store.Trials(store.FindStudy("small")->id).at(2).id;
    (void)store.BeginAttempt(trial, (store.runs() / "small" / "a" / "1").string(), "cpu", 1);
    store.NoteQueued(trial, 1);
    store.FinishAttempt(trial, 1,
                        {AttemptFailure{.kind = FailureKind::kInterrupted, .message = "stopped"}},
                        TrialState::kWaiting);
  }
  const std::string out = OnRecord({"explain", "small/MC-BLSTM-h256-MoE2/1"}).out;
  EXPECT_THAT(out, HasSubstr("is waiting: it was stopped with its study before a Slurm job had "
                             "begun it, and waits for the next `beamgrid run`"));
  EXPECT_THAT(out, HasSubstr("attempt 1 on cpu: interrupted: stopped"));
}

TEST_F(RecordCommandsTest, ExplainSaysWhyATrialFailed) {
  const Called called = OnRecord({"explain", "small/MC-BLSTM-MoE2/2"});
  EXPECT_EQ(called.exit_code, 0);
  EXPECT_THAT(called.out, HasSubstr("is failed: its last attempt diverged, and training repeats "
                                    "itself to the bit, so no run tries it again but `beamgrid run "
                                    "RECIPE --retry diverged`"));
  EXPECT_THAT(called.out,
              testing::ContainsRegex("note of 20[0-9T:.-]+Z: retried after attempt 1: diverged"));
  EXPECT_THAT(called.out, HasSubstr("the loss is not finite at example 640"));
  EXPECT_THAT(called.out, HasSubstr("loss inf"));
  const auto json = OnRecord({"explain", "small/MC-BLSTM-MoE2/2", "--json"}).Json();
  EXPECT_EQ(json.at("attempts").as_array().size(), 2U);
  EXPECT_EQ(json.at("attempts").at(1).at("exit_code"), 4);
  EXPECT_EQ(json.at("state"), "failed");
}

TEST_F(RecordCommandsTest, ExplainTellsTheSeedsOfAModelTogether) {
  {
    Store store(database_, OpenMode::kReadWrite);
    const StudyId study = store.FindStudy("small")->id;
    for (const std::int64_t seed : {1, 2}) {
      store.AddNote(study, "MC-BLSTM-MoE2", seed, "asked for: the first stage varies it");
    }
  }
  const Called called = OnRecord({"explain", "small/MC-BLSTM-MoE2"});
  EXPECT_EQ(called.exit_code, 0) << called.err;
  EXPECT_THAT(called.out, testing::StartsWith("small/MC-BLSTM-MoE2 has 2 seeds\nnote of "));
  const auto times = [&called](const std::string& text) {
    int count = 0;
    for (auto at = called.out.find(text); at != std::string::npos;
         at = called.out.find(text, at + 1)) {
      ++count;
    }
    return count;
  };
  EXPECT_EQ(times("asked for: the first stage varies it"), 1) << called.out;
  EXPECT_EQ(times("\nmemory: "), 1);
  EXPECT_THAT(called.out, HasSubstr("\nseed 1 is complete: attempt 1 completed on cpu"));
  EXPECT_THAT(called.out, HasSubstr("\nseed 2 is failed: its last attempt diverged"));
  EXPECT_EQ(times("retried after attempt 1: diverged"), 1);
  const auto json = OnRecord({"explain", "small/MC-BLSTM-MoE2", "--json"}).Json();
  EXPECT_EQ(json.at("study"), "small");
  EXPECT_EQ(json.at("name"), "MC-BLSTM-MoE2");
  EXPECT_EQ(json.at("seeds").as_array().size(), 2U);
  EXPECT_EQ(json.at("seeds").at(1).at("state"), "failed");
  EXPECT_EQ(json.at("seeds").at(1).at("notes").as_array().size(),
            json.at("seeds").at(1).at("notes_at").as_array().size());
}

TEST_F(RecordCommandsTest, ExplainSaysWhyAModelWasRefused) {
  {
    Store store(database_, OpenMode::kReadWrite);
    store.AddNote(store.FindStudy("small")->id, "MA-BLSTM-MoE2", 1, "refused: it is too large");
  }
  for (const char* name : {"small/MA-BLSTM-MoE2", "small/MA-BLSTM-MoE2/1", "MA-BLSTM-MoE2"}) {
    const Called called = OnRecord({"explain", name});
    EXPECT_EQ(called.exit_code, 0) << called.err;
    EXPECT_THAT(called.out, testing::ContainsRegex("^small/MA-BLSTM-MoE2 has no trial\nnote of "
                                                   "20[0-9T:.-]+Z: refused: it is too large\n"));
  }
  const auto json = OnRecord({"explain", "MA-BLSTM-MoE2", "--json"}).Json();
  EXPECT_EQ(json.at("refused").at(0).at("notes").at(0), "refused: it is too large");
  EXPECT_EQ(OnRecord({"explain", "small/MA-BLSTM-MoE2/2"}).exit_code, 2);
}

TEST_F(RecordCommandsTest, ATrialIsFoundByItsModelAloneWhereOneStudyHasIt) {
  const std::string whole = OnRecord({"explain", "small/MC-BLSTM-h256-MoE2"}).out;
  EXPECT_THAT(whole, HasSubstr("is waiting"));
  for (const char* name : {"MC-BLSTM-h256-MoE2", "MC-BLSTM-h256-MoE2/1", "MC-BLSTM-h256-MoE2#1"}) {
    EXPECT_EQ(OnRecord({"explain", name}).out, whole) << name;
    EXPECT_EQ(OnRecord({"show", name}).exit_code, 0) << name;
    EXPECT_EQ(OnRecord({"rm", name, "--yes"}).exit_code, 2) << "what is deleted is no guess";
  }
  const Called several = OnRecord({"explain", "MC-BLSTM-MoE2"});
  EXPECT_EQ(several.exit_code, 2);
  EXPECT_THAT(several.err, HasSubstr("small/MC-BLSTM-MoE2/1"));
  EXPECT_THAT(several.err, HasSubstr("other/MC-BLSTM-MoE2/1"));
  EXPECT_EQ(OnRecord({"explain", "MC-BLSTM-MoE2/2"}).exit_code, 0) << "one study has it";
}

TEST_F(RecordCommandsTest, ExplainKnowsHowManyExamplesACompleteTrialHad) {
  // 200 over the 5 epochs; no other trial of these data is complete.
  const Called called = OnRecord({"explain", "small/MC-BLSTM-MoE2/1"});
  EXPECT_EQ(called.exit_code, 0) << called.err;
  EXPECT_THAT(called.out, HasSubstr(": 200 examples x "));
  EXPECT_THAT(called.out, HasSubstr("by size alone, nothing like it was measured\n"));
  EXPECT_THAT(called.out, HasSubstr(" x 3.9 KiB of parameters + "));
}

TEST_F(RecordCommandsTest, ExplainSaysWhyATrialWaits) {
  EXPECT_THAT(OnRecord({"explain", "small/MC-BLSTM-h256-MoE2"}).out,
              HasSubstr("it has not been started"));
}

TEST_F(RecordCommandsTest, ExplainSaysWhatTheNextRunDoesWithAFailedTrial) {
  const auto why = [this](FailureKind kind) {
    Store store(database_, OpenMode::kReadWrite);
    const TrialId id = store.Trials(store.FindStudy("small")->id)[2].id;
    store.SetState(id, TrialState::kWaiting);
    store.FinishAttempt(id, store.BeginAttempt(id, "runs/d", "cpu", 1),
                        {AttemptFailure{.kind = kind, .message = "boom"}}, TrialState::kFailed);
    return OnRecord({"explain", "small/MC-BLSTM-h256-MoE2"}).out;
  };
  EXPECT_THAT(why(FailureKind::kBadSpec),
              HasSubstr("1 attempt failed, and another in the same run would fail alike; the next "
                        "`beamgrid run` tries it again: bad_spec: boom"));
  EXPECT_THAT(why(FailureKind::kCrashed),
              HasSubstr("2 attempts failed, and no retries are left in that run; the next "
                        "`beamgrid run` tries it again: crashed: boom"));
}

TEST_F(RecordCommandsTest, ExplainDoesNotSayThatATrialGoesOnThatDoesNotCount) {
  const std::string name = "small/MC-BLSTM-h256-MoE2";
  const std::string never = "no run takes it up unless a study asks for it again";
  const auto change = [this](const auto& made) {
    Store store(database_, OpenMode::kReadWrite);
    const StudyId study = store.FindStudy("small")->id;
    made(store, study, store.Trials(study, Counting::kAll)[2].id);
  };
  const auto explained = [&] {
    const Called called = OnRecord({"explain", name});
    EXPECT_THAT(called.out, HasSubstr("it does not count in study small: it is old\n"));
    return called.out;
  };
  change([](Store& store, StudyId study, TrialId id) {
    store.StopCounting(study, {id}, "it is old");
  });
  EXPECT_THAT(explained(), HasSubstr("is waiting: it has not been started: " + never + "\n"));
  const std::string json = OnRecord({"explain", name, "--json"}).out;
  EXPECT_THAT(json, HasSubstr("it has not been started: " + never + "\""));
  change([](Store& store, StudyId /*study*/, TrialId id) {
    (void)store.BeginAttempt(id, "runs/d", "cpu", 1);
  });
  EXPECT_THAT(explained(), HasSubstr("(if no `beamgrid run` is alive, " + never + ")\n"));
  change([](Store& store, StudyId /*study*/, TrialId id) {
    store.FinishAttempt(id, 1, {AttemptFailure{.kind = FailureKind::kInterrupted}},
                        TrialState::kWaiting);
  });
  EXPECT_THAT(explained(), HasSubstr("is waiting: it was stopped with its study; " + never + "\n"));
  change([](Store& store, StudyId /*study*/, TrialId id) {
    store.FinishAttempt(id, store.BeginAttempt(id, "runs/e", "cpu", 1),
                        {AttemptFailure{.kind = FailureKind::kCrashed, .message = "boom"}},
                        TrialState::kFailed);
  });
  EXPECT_THAT(explained(),
              HasSubstr("no retries are left in that run; " + never + ": crashed: boom"));
}

TEST_F(RecordCommandsTest, ATrialIsShownInAStudyThatCountsIt) {
  {
    Store store(database_, OpenMode::kReadWrite);
    const StudyRecord study = store.FindStudy("small").value();
    store.StopCounting(study.id, {store.Trials(study.id)[0].id}, "it is old");
  }
  EXPECT_EQ(OnRecord({"show", "1", "--json"}).Json().at("study"), "other");
  EXPECT_EQ(OnRecord({"show", "1", "--json"}).Json().at("counts"), true);
}

}  // namespace
}  // namespace beamgrid
