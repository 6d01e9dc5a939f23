// Slurm's commands: what is asked, and what is read of the answers. The outputs are those of Slurm
// 22.05.8, captured.
#include "orchestrator/slurm/slurm_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "registry/util/error.h"
#include "registry/util/files.h"
#include "tests/support/error_text.h"
#include "tests/support/temporary_folder.h"

namespace beamgrid {
namespace slurm_client_test {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

/// A folder with stand-ins for Slurm's commands, and a client that uses them.
class SlurmClientTest : public testing::Test {
 protected:
  /// Puts a stand-in there: a script of sh, which writes down its arguments, one a line.
  void Put(const std::string& name, const std::string& script) {
    const std::filesystem::path path = folder() / name;
    std::ofstream(path) << "#!/bin/sh\nprintf '%s\\n' \"$@\" >" << path.string() << ".arguments\n"
                        << script << "\n";
    ::chmod(path.c_str(), 0755);
  }
  std::string ArgumentsOf(const std::string& name) {
    return ReadFile(folder() / (name + ".arguments"));
  }
  std::filesystem::path folder() { return folder_.path(); }
  SlurmClient Client(std::chrono::milliseconds patience = std::chrono::seconds(60)) {
    return SlurmClient({.folder = folder(), .patience = patience});
  }

 private:
  TemporaryFolder folder_;
};

JobRequest Request() {
  JobRequest request;
  request.name = "beamgrid-a-1";
  request.comment = "study a";
  request.script = "/shared/runs/a/job.sh";
  request.log = "/shared/runs/a/100%job.log";
  return request;
}

// ---- sbatch -------------------------------------------------------------------------------------

TEST(SbatchArguments, SayOnlyWhatIsAskedFor) {
  EXPECT_THAT(
      SbatchArguments(Request()),
      ElementsAre("--parsable", "--job-name=beamgrid-a-1", "--comment=study a",
                  "--output=/shared/runs/a/100%%job.log", "--open-mode=append", "--requeue",
                  "--nodes=1", "--ntasks=1", "--chdir=/shared/runs/a", "/shared/runs/a/job.sh"));
}

TEST(SbatchArguments, NameTheLogAsItIsCalled) {
  // As tried on Slurm 22.05.
  for (const auto& [name, argument] :
       {std::pair("50%j's", "--output=/50%%j's"), std::pair("a\\b%j", "--output=/a\\\\b%j"),
        std::pair("a\\\\b %%", "--output=/a\\\\\\\\b %%"),
        std::pair("\"q\" $HOME\n", "--output=/\"q\" $HOME\n")}) {
    JobRequest request = Request();
    request.log = std::filesystem::path("/") / name;
    EXPECT_THAT(SbatchArguments(request), Contains(argument));
  }
}

TEST(SbatchArguments, SayAllThatTheRecipeSays) {
  JobRequest request = Request();
  request.settings = {.partition = "gpu,long",
                      .account = "lab",
                      .qos = "high",
                      .constraint = "a100&nvlink",
                      .gres = "gpu:1",
                      .cpus = 4,
                      .memory_bytes = (std::int64_t{1} << 30) + 1,
                      .time_seconds = 61,
                      .arguments = {"--exclusive", "--nice=10"}};
  request.warning = std::chrono::seconds(90);
  const std::vector<std::string> arguments = SbatchArguments(request);
  for (const char* argument :
       {"--partition=gpu,long", "--account=lab", "--qos=high", "--constraint=a100&nvlink",
        "--gres=gpu:1", "--cpus-per-task=4", "--mem=1025M", "--time=2", "--signal=B:TERM@90",
        "--exclusive", "--nice=10"}) {
    EXPECT_THAT(arguments, Contains(argument));
  }
  EXPECT_EQ(arguments.back(), "/shared/runs/a/job.sh");
}

TEST_F(SlurmClientTest, AJobThatWasTakenHasAnId) {
  Put("sbatch", "echo 17");
  SubmitAnswer answer = Client().Submit(Request());
  EXPECT_EQ(answer.outcome, Submission::kAccepted);
  EXPECT_EQ(answer.id, "17");
  EXPECT_THAT(ArgumentsOf("sbatch"), HasSubstr("--job-name=beamgrid-a-1\n--comment=study a\n"));
  Put("sbatch", "echo '17;big cluster'");
  EXPECT_EQ(Client().Submit(Request()).id, "17");
}

TEST_F(SlurmClientTest, WhatSbatchSaysDecidesWhetherTheJobMayBeThere) {
  struct Case {
    const char* script;
    Submission outcome;
    const char* message;
  };
  const Case cases[] = {
      {"echo 'sbatch: error: invalid partition specified: nope' >&2\n"
       "echo 'sbatch: error: Batch job submission failed: Invalid partition name specified' >&2\n"
       "exit 1",
       Submission::kRefused,
       "invalid partition specified: nope; Batch job submission failed: Invalid partition name "
       "specified; look at partition in [resources.slurm]"},
      {"echo 'sbatch: error: Batch job submission failed: Requested node configuration is not "
       "available' >&2; exit 1",
       Submission::kRefused, "look at gres, cpus, memory and constraint in [resources.slurm]"},
      {"echo 'sbatch: error: Memory specification can not be satisfied' >&2\n"
       "echo 'sbatch: error: Batch job submission failed: Requested node configuration is not "
       "available' >&2; exit 1",
       Submission::kTooLarge, "look at memory in [resources.slurm]"},
      {"echo 'sbatch: error: Batch job submission failed: Required partition not available "
       "(inactive or drain)' >&2; exit 1",
       Submission::kNotNow, "(inactive or drain)"},
      {"echo 'sbatch: error: If munged is up, restart with --num-threads=10' >&2\n"
       "echo 'sbatch: error: Munge encode failed: Failed to connect to \"/run/munge\": Connection "
       "refused' >&2\n"
       "echo 'sbatch: error: slurm_send_node_msg: auth_g_create: REQUEST_SUBMIT_BATCH_JOB has "
       "authentication error' >&2\n"
       "echo 'sbatch: error: Batch job submission failed: Protocol authentication error' >&2\n"
       "exit 1",
       Submission::kNotNow, "Protocol authentication error"},
      {"echo 'sbatch: error: Batch job submission failed: Unable to contact slurm controller "
       "(connect failure)' >&2; exit 1",
       Submission::kNotNow, "Unable to contact slurm controller"},
      {"echo 'sbatch: error: QOSMaxSubmitJobPerUserLimit' >&2\n"
       "echo 'sbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job "
       "submit limit, user'\"'\"'s size and/or time limits)' >&2; exit 1",
       Submission::kNotNow, "QOSMaxSubmitJobPerUserLimit; Batch"},
      {"echo 'sbatch: error: QOSMaxWallDurationPerJobLimit' >&2\n"
       "echo 'sbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job "
       "submit limit, user'\"'\"'s size and/or time limits)' >&2; exit 1",
       Submission::kRefused, "look at time, cpus, memory, gres, account and qos"},
      {"echo 'sbatch: error: Batch job submission failed: Socket timed out on send/recv "
       "operation' >&2; exit 1",
       Submission::kUnclear, "Socket timed out"},
      {"exit 3", Submission::kRefused, "sbatch ended with exit code 3 and no word why"},
      {"kill -9 $$", Submission::kUnclear, "sbatch ended with signal 9 and no word why"},
      {"exit 0", Submission::kUnclear, "sbatch printed no job's id"},
      {"echo hello; echo odd >&2", Submission::kUnclear, "sbatch printed no job's id: odd"},
  };
  for (const Case& one : cases) {
    Put("sbatch", one.script);
    const SubmitAnswer answer = Client().Submit(Request());
    EXPECT_EQ(answer.outcome, one.outcome) << one.script;
    EXPECT_THAT(answer.message, HasSubstr(one.message)) << one.script;
    EXPECT_EQ(answer.id, "") << one.script;
  }
}

TEST_F(SlurmClientTest, ACommandThatHangsIsEndedWithWhatItStarted) {
  // The second process holds the pipe open, as a hanging plugin would.
  Put("sbatch", "sleep 1000 & echo $! >" + (folder() / "child").string() + "; wait");
  const SubmitAnswer answer = Client(std::chrono::milliseconds(300)).Submit(Request());
  EXPECT_EQ(answer.outcome, Submission::kUnclear);
  EXPECT_EQ(answer.message, "sbatch did not answer within 0.3 s");
  const int child = std::stoi(ReadFile(folder() / "child"));
  // Killed; whoever inherits it reaps it.
  for (int i = 0; i < 1000 && ::kill(child, 0) == 0; ++i) {
    std::ifstream stat("/proc/" + std::to_string(child) + "/stat");
    std::string pid, name, state;
    if (stat >> pid >> name >> state && state == "Z") break;
    ::usleep(10'000);
  }
  std::ifstream stat("/proc/" + std::to_string(child) + "/stat");
  std::string pid, name, state = "gone";
  stat >> pid >> name >> state;
  EXPECT_THAT(state, testing::AnyOf("gone", "Z"));
  // One that closes its output and goes on.
  Put("squeue", "exec >&- 2>&-; sleep 1000");
  const QueueAnswer queue = Client(std::chrono::milliseconds(300)).Queue();
  EXPECT_FALSE(queue.answered);
  EXPECT_EQ(queue.message, "squeue did not answer within 0.3 s");
}

TEST_F(SlurmClientTest, WithoutTheProgramThatIsSaid) {
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", folder().c_str(), 1);
  EXPECT_THAT(ErrorText<Error>([] { (void)SlurmClient().Queue(); }),
              AllOf(StartsWith("no squeue in $PATH"), HasSubstr("slurm-client")));
  Put("squeue", "exit 0");
  EXPECT_TRUE(SlurmClient().Queue().answered);
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_THROW((void)Client().Submit(Request()), Error);  // the folder has no sbatch
}

TEST_F(SlurmClientTest, NoVariableOfOursChangesTheAnswers) {
  EXPECT_THAT(
      SlurmEnvironment({"PATH=/bin", "SLURM_CONF=/x", "SLURM_JOB_ID=4", "SQUEUE_FORMAT=%i",
                        "SCANCEL_INTERACTIVE=1", "SACCT_FORMAT=x", "SBATCH_ARRAY_INX=1-9",
                        "SBATCH_ACCOUNT=lab", "LC_ALL=de_DE.UTF-8", "LANGUAGE=de", "LANG=de"}),
      ElementsAre("PATH=/bin", "SLURM_CONF=/x", "SBATCH_ACCOUNT=lab", "LANG=de", "LC_ALL=C"));
  ::setenv("SQUEUE_FORMAT", "%i", 1);
  Put("squeue", "echo \"format=$SQUEUE_FORMAT\" >&2; exit 1");
  EXPECT_EQ(Client().Queue().message, "format=");
  ::unsetenv("SQUEUE_FORMAT");
}

// ---- squeue -------------------------------------------------------------------------------------

const std::string kQueue =
    "\x1e"
    "4\x1f"
    "FAILED\x1f"
    "BadConstraints\x1f\x1f"
    "2026-11-29T17:50:17\x1f"
    "big\x1f(null)\n"
    "\x1e"
    "6\x1f"
    "PENDING\x1f"
    "JobHeldUser\x1f\x1fN/A\x1f"
    "held\x1f(null)\n"
    "\x1e"
    "1\x1f"
    "RUNNING\x1fNone\x1fn1\x1f"
    "2026-11-29T17:50:18\x1f"
    "beamgrid-x1\x1f"
    "c|d, x\n"
    "\x1e"
    "3\x1fRUNNING\x1fNone\x1fn1\x1f"
    "2026-11-29T17:50:18\x1fodd|na\x1fme\nnew\x1funi \xc3\xa9 \"q\"\n";

TEST(ParseQueue, ReadsNamesWithOddCharacters) {
  const std::vector<QueuedJob> jobs = ParseQueue(kQueue);
  ASSERT_EQ(jobs.size(), 4U);
  EXPECT_EQ(jobs[0].id, "4");
  EXPECT_EQ(jobs[0].state, "FAILED");
  EXPECT_EQ(jobs[0].reason, "BadConstraints");
  EXPECT_EQ(jobs[0].nodes, "");
  EXPECT_EQ(jobs[0].start, "2026-11-29T17:50:17");
  EXPECT_EQ(jobs[0].comment, "");
  EXPECT_EQ(jobs[1].start, "");
  EXPECT_EQ(jobs[2].name, "beamgrid-x1");
  EXPECT_EQ(jobs[2].comment, "c|d, x");
  EXPECT_EQ(jobs[2].nodes, "n1");
  EXPECT_EQ(jobs[2].reason, "");
  // Somebody else's: whatever it is called, the others are read.
  EXPECT_EQ(jobs[3].id, "3");
  EXPECT_EQ(jobs[3].state, "RUNNING");
}

TEST(ParseQueue, LeavesOutWhatIsNoRecord) {
  EXPECT_THAT(ParseQueue(""), IsEmpty());
  EXPECT_THAT(ParseQueue("squeue: warning\n"), IsEmpty());
  EXPECT_THAT(ParseQueue("\x1e"
                         "1\x1fRUN"),
              IsEmpty());
  EXPECT_EQ(ParseQueue("warning\n" + kQueue +
                       "\x1e"
                       "9\x1f")
                .size(),
            4U);
  for (std::size_t size = 0; size < kQueue.size(); ++size) {
    EXPECT_LE(ParseQueue(kQueue.substr(0, size)).size(), 4U);
  }
}

TEST_F(SlurmClientTest, TheQueueIsAskedOnceForAll) {
  std::ofstream(folder() / "queue") << kQueue;
  Put("squeue", "cat " + (folder() / "queue").string());
  const QueueAnswer answer = Client().Queue();
  EXPECT_TRUE(answer.answered);
  EXPECT_EQ(answer.jobs.size(), 4U);
  EXPECT_EQ(ArgumentsOf("squeue"),
            "--noheader\n--all\n--states=all\n--user=" + std::to_string(::getuid()) +
                "\n--format=\x1e%i\x1f%T\x1f%r\x1f%N\x1f%S\x1f%j\x1f%k\n");
  Put("squeue", "exit 0");
  EXPECT_TRUE(Client().Queue().answered);
  EXPECT_THAT(Client().Queue().jobs, IsEmpty());
}

TEST_F(SlurmClientTest, AQueueThatCannotBeAskedIsNotAnEmptyOne) {
  // Half of it, then the controller goes.
  std::ofstream(folder() / "queue") << kQueue;
  Put("squeue", "cat " + (folder() / "queue").string() +
                    "; echo 'slurm_load_jobs error: Unable to contact slurm controller (connect "
                    "failure)' >&2; exit 1");
  const QueueAnswer answer = Client().Queue();
  EXPECT_FALSE(answer.answered);
  EXPECT_THAT(answer.jobs, IsEmpty());
  EXPECT_EQ(answer.message,
            "slurm_load_jobs error: Unable to contact slurm controller (connect failure)");
  // Words on stderr alone are no failure.
  Put("squeue", "echo 'squeue: error: harmless' >&2");
  EXPECT_TRUE(Client().Queue().answered);
}

TEST_F(SlurmClientTest, TenThousandJobsAreReadWhole) {
  std::string queue;
  for (int i = 0; i < 10'000; ++i) {
    queue += "\x1e" + std::to_string(i) +
             "\x1fRUNNING\x1fNone\x1fn1\x1f"
             "2026-11-29T17:50:18\x1f"
             "beamgrid-" +
             std::to_string(i) + "\x1fstudy a\n";
  }
  std::ofstream(folder() / "queue") << queue;
  Put("squeue", "cat " + (folder() / "queue").string());
  const QueueAnswer answer = Client().Queue();
  ASSERT_EQ(answer.jobs.size(), 10'000U);
  EXPECT_EQ(answer.jobs.back().name, "beamgrid-9999");
}

// ---- sacct --------------------------------------------------------------------------------------

TEST_F(SlurmClientTest, TheAccountingIsAskedOnceForAllNames) {
  Put("sacct",
      "printf '7\\037REQUEUED\\0370:0\\037beamgrid-a-1\\n7\\037CANCELLED by "
      "0\\0370:15\\037beamgrid-a-1\\n"
      "8\\037OUT_OF_MEMORY\\0370:125\\037beamgrid-a-2\\n9\\037FAILED\\0371:"
      "0\\037other\\n10\\037CUT\\n'");
  const EndedAnswer answer = Client().Ended({"beamgrid-a-1", "beamgrid-a-2"});
  EXPECT_EQ(answer.accounting, Accounting::kAnswered);
  ASSERT_EQ(answer.jobs.size(), 3U);
  EXPECT_EQ(answer.jobs[0].state, "REQUEUED");
  EXPECT_EQ(answer.jobs[1].state, "CANCELLED by 0");
  EXPECT_EQ(answer.jobs[1].exit, "0:15");
  EXPECT_EQ(answer.jobs[2].name, "beamgrid-a-2");
  EXPECT_THAT(ArgumentsOf("sacct"), HasSubstr("--name=beamgrid-a-1,beamgrid-a-2\n"));
  // So many that they are no argument any more.
  const std::vector<std::string> many(5000, "beamgrid-a-name-of-thirty-chars");
  EXPECT_EQ(Client().Ended(many).accounting, Accounting::kAnswered);
  EXPECT_THAT(ArgumentsOf("sacct"), Not(HasSubstr("--name=")));
}

TEST_F(SlurmClientTest, WithoutAccountingThatIsSaid) {
  Put("sacct", "echo 'Slurm accounting storage is disabled' >&2; exit 1");
  EXPECT_EQ(Client().Ended({"a"}).accounting, Accounting::kOff);
  Put("sacct", "echo 'sacct: error: slurm_persist_conn_open: Connection refused' >&2; exit 1");
  const EndedAnswer answer = Client().Ended({"a"});
  EXPECT_EQ(answer.accounting, Accounting::kUnclear);
  EXPECT_EQ(answer.message, "slurm_persist_conn_open: Connection refused");
  std::filesystem::remove(folder() / "sacct");
  EXPECT_EQ(Client().Ended({}).accounting, Accounting::kAnswered);  // nobody is asked
}

// ---- scancel ------------------------------------------------------------------------------------

/// What squeue prints of a job.
std::string InQueue(int id, const std::string& state, const std::string& name) {
  return "\x1e" + std::to_string(id) + "\x1f" + state + "\x1fNone\x1fn1\x1fN/A\x1f" + name +
         "\x1f(null)\n";
}

TEST_F(SlurmClientTest, JobsAreCancelledByTheirNames) {
  std::ofstream(folder() / "queue")
      << InQueue(3, "RUNNING", "beamgrid-a-1") << InQueue(4, "PENDING", "beamgrid-a-11")
      << InQueue(5, "PENDING", "beamgrid-a-2") << InQueue(6, "COMPLETED", "beamgrid-a-3");
  Put("squeue", "cat " + (folder() / "queue").string());
  Put("scancel", "echo \"$@\" >>" + (folder() / "all").string());
  EXPECT_TRUE(Client().Cancel({"beamgrid-a-1", "beamgrid-a-2", "beamgrid-a-3", "none"}).answered);
  EXPECT_TRUE(Client().Cancel({"beamgrid-a-3"}).answered);
  EXPECT_EQ(ReadFile(folder() / "all"), "--quiet 3 5\n");
  Put("scancel", "echo 'scancel: error: Unable to contact slurm controller' >&2; exit 1");
  CancelAnswer answer = Client().Cancel({"beamgrid-a-1"});
  EXPECT_FALSE(answer.answered);
  EXPECT_EQ(answer.message, "Unable to contact slurm controller");
  Put("squeue", "echo 'squeue: error: gone' >&2; exit 1");
  answer = Client().Cancel({"beamgrid-a-1"});
  EXPECT_FALSE(answer.answered);
  EXPECT_EQ(answer.message, "gone");
  std::filesystem::remove(folder() / "squeue");
  EXPECT_TRUE(Client().Cancel({}).answered);  // nobody is asked
}

TEST_F(SlurmClientTest, TenThousandNamesFitIntoAnyCommand) {
  const std::string prefix = "beamgrid-" + std::string(100, 's') + "-";
  std::vector<std::string> names;
  std::ofstream queue(folder() / "queue");
  for (int i = 0; i < 10'000; ++i) {
    names.push_back(prefix + std::to_string(i));
    queue << InQueue(1'000'000 + i, "PENDING", names.back());
  }
  queue.close();
  Put("squeue", "cat " + (folder() / "queue").string());
  Put("scancel", "shift; for id; do echo $id; done >>" + (folder() / "all").string() +
                     "; echo x >>" + (folder() / "calls").string());
  EXPECT_TRUE(Client().Cancel(names).answered);
  std::string all;
  for (int i = 0; i < 10'000; ++i) all += std::to_string(1'000'000 + i) + "\n";
  EXPECT_EQ(ReadFile(folder() / "all"), all);
  EXPECT_EQ(ReadFile(folder() / "calls").size(), 10 * std::string("x\n").size());
  Put("sacct", "printf '7\\037TIMEOUT\\0370:0\\037%s\\n' " + names.back());
  // The names of the first are one argument, those of the second would be too long for one.
  for (const std::size_t asked : {std::size_t{860}, names.size()}) {
    const EndedAnswer ended =
        Client().Ended({names.end() - static_cast<std::ptrdiff_t>(asked), names.end()});
    EXPECT_EQ(ended.accounting, Accounting::kAnswered) << ended.message;
    ASSERT_EQ(ended.jobs.size(), 1U);
    EXPECT_EQ(ended.jobs[0].state, "TIMEOUT");
  }
}

// ---- Words --------------------------------------------------------------------------------------

TEST(SlurmStates, OnlyWhatHasEndedForGoodIsFinal) {
  for (const char* state : {"COMPLETED", "CANCELLED", "CANCELLED by 1000", "FAILED", "TIMEOUT",
                            "OUT_OF_MEMORY", "NODE_FAIL", "BOOT_FAIL", "DEADLINE", "REVOKED"}) {
    EXPECT_TRUE(IsFinal(state)) << state;
  }
  for (const char* state :
       {"PENDING", "RUNNING", "COMPLETING", "CONFIGURING", "SUSPENDED", "PREEMPTED", "REQUEUED",
        "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT", "RESIZING", "SIGNALING", "STAGE_OUT",
        "STOPPED", "", "EXPEDITING", "completed", "COMPLETED+"}) {
    EXPECT_FALSE(IsFinal(state)) << state;
  }
}

TEST(SlurmWords, SayWhatIsTheMatter) {
  EXPECT_EQ(ReasonInWords("Resources"), "no node has enough free for it yet (Resources)");
  EXPECT_EQ(ReasonInWords(""), "the scheduler has not looked at it yet (None)");
  EXPECT_EQ(ReasonInWords("QOSMaxGRESPerUser"),
            "a limit of the quality of service is reached (QOSMaxGRESPerUser)");
  EXPECT_EQ(ReasonInWords("QOSMaxWallDurationPerJobLimit"),
            "it asks for more than the account or the quality of service allows one job, so it "
            "never begins: lower time, cpus, memory or gres in [resources.slurm] "
            "(QOSMaxWallDurationPerJobLimit)");
  EXPECT_EQ(ReasonInWords("ReqNodeNotAvail, UnavailableNodes:n2"),
            "a node that it asks for is down, drained or reserved (ReqNodeNotAvail, "
            "UnavailableNodes:n2)");
  EXPECT_EQ(ReasonInWords("NewReason"), "Slurm says: NewReason");
  EXPECT_EQ(StateInWords("TIMEOUT"), "was over its time limit (TIMEOUT)");
  EXPECT_EQ(StateInWords("CANCELLED by 0"), "was cancelled (CANCELLED by 0)");
  EXPECT_EQ(StateInWords("NEW"), "is in a state that Slurm calls NEW");
}

}  // namespace slurm_client_test
}  // namespace beamgrid
