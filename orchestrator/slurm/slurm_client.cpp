#include "orchestrator/slurm/slurm_client.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "registry/util/text.h"

namespace beamgrid {
namespace {

// No name of ours has them in it, whatever the names and comments of a user's other jobs are.
constexpr char kField = '\x1f', kRecord = '\x1e';

constexpr std::int64_t kClientMebibyte = std::int64_t{1} << 20;
/// Longer lists of names do not fit into one argument (128 KiB): all jobs are asked for then.
constexpr std::size_t kLongestNames = 100'000;
/// The most jobs that one scancel is told of: the cluster ends some hundreds in a second.
constexpr std::size_t kMostCancelled = 1000;

std::string Me() { return std::to_string(::getuid()); }

/// Cuts the text up to the next `separator` off `rest`; all of it where there is none.
std::string_view Cut(std::string_view& rest, char separator) {
  const std::string_view part = rest.substr(0, rest.find(separator));
  rest.remove_prefix(std::min(rest.size(), part.size() + 1));
  return part;
}

/// Slurm's words for nothing.
std::string OrEmpty(std::string_view text) {
  return text == "(null)" || text == "N/A" || text == "None" ? "" : std::string(text);
}

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// Words of sbatch that say that the job was not taken, but may be later.
constexpr const char* kNotNow[] = {
    "Unable to contact slurm controller",
    "temporarily unable to accept job",
    "job submit limit",
    "SubmitJobsLimit",
    "SubmitJobLimit",
    "SubmitJobPerUserLimit",
    "standby mode",
    "Unable to establish control",
    "Could not establish a configuration source",
    "Required partition not available",
    "Requested reservation not usable now",
    "Requested nodes are busy",
    "I/O error writing script/environment to file",
    "Unable to connect to database",
    "Munge encode failed",
    "Munge decode failed",
    "Protocol authentication error",
};
/// Words of sbatch that say that the job asks for more memory than any node has.
constexpr const char* kTooMuchMemory[] = {
    "Memory specification can not be satisfied",
    "Memory required by task is not available",
};
/// In words of Slurm, about this job alone, whatever else runs: it never begins.
constexpr char kOfOneJob[] = "PerJob";
/// Words that say nothing of whether the controller took it.
constexpr const char* kNoAnswer[] = {
    "Socket timed out",
    "Zero Bytes were transmitted",
    "Transport endpoint",
    "Message receive failure",
    "Message send failure",
    "Header lengths are longer",
    "Communication",
    "Connection reset",
    "Unexpected message received",
    "Insane message length",
    "Incomplete message",
};

Submission OutcomeOf(const SlurmReply& reply) {
  const auto says = [&reply](const char* words) { return Contains(reply.errors, words); };
  if (!reply.exit || *reply.exit < 0) return Submission::kUnclear;
  if (std::ranges::any_of(kNoAnswer, says)) return Submission::kUnclear;
  if (!says(kOfOneJob) && std::ranges::any_of(kNotNow, says)) return Submission::kNotNow;
  const bool too_large = std::ranges::any_of(kTooMuchMemory, says);
  return too_large ? Submission::kTooLarge : Submission::kRefused;
}

/// Words of sbatch, and the keys of [resources.slurm] that they are about.
constexpr struct {
  const char* slurm;
  const char* keys;
} kKeysMeant[] = {
    {"invalid partition", "partition"},
    {"Invalid partition", "partition"},
    {"permitted to use this partition", "partition, account and qos"},
    {"Invalid account", "account and partition"},
    {"Invalid qos", "qos"},
    {"Invalid feature", "constraint"},
    {"generic resource", "gres"},
    {"Memory specification", "memory"},
    {"Memory required", "memory"},
    {"Requested node configuration", "gres, cpus, memory and constraint"},
    {"CPU count", "cpus"},
    {"processors requested", "cpus"},
    {"time limit is invalid", "time"},
    {"accounting/QOS policy", "time, cpus, memory, gres, account and qos"},
    {"Access/permission denied", "partition, account and qos"},
    {"reservation", "arguments"},
    {"unrecognized option", "arguments"},
    {"licen", "arguments"},
};

/// Returns what sbatch said, with the keys of the recipe that it is about, where we know them.
std::string WithKeys(const std::string& errors) {
  for (const auto& [slurm, keys] : kKeysMeant) {
    if (Contains(errors, slurm)) return errors + "; look at " + keys + " in [resources.slurm]";
  }
  return errors;
}

/// The id in "17" or "17;cluster"; nothing where sbatch printed none.
std::string IdOf(const std::string& output) {
  std::string id = FirstLine(output).substr(0, output.find(';'));
  const bool is_number = !id.empty() && id.find_first_not_of("0123456789") == std::string::npos;
  return is_number ? id : "";
}

/// sbatch expands %j and the like in names of files, but where there is a backslash: then it takes
/// one of each away, and % stands for itself.
std::string Unexpanded(const std::filesystem::path& path) {
  const std::string name = path.string();
  const char special = Contains(name, "\\") ? '\\' : '%';
  std::string text;
  for (const char c : name) text += c == special ? std::string(2, c) : std::string(1, c);
  return text;
}

struct InWords {
  const char* slurm;
  const char* words;
};

const InWords kReasons[] = {
    {"Resources", "no node has enough free for it yet"},
    {"Priority", "other jobs come first"},
    {"None", "the scheduler has not looked at it yet"},
    {"BeginTime", "it was queued again and may begin after a pause that the cluster sets"},
    {"Dependency", "it waits for another job"},
    {"DependencyNeverSatisfied", "the job that it waits for failed, so it never begins"},
    {"JobHeldUser", "it is held: `scontrol release` lets it go"},
    {"JobHeldAdmin", "an administrator holds it"},
    {"PartitionDown", "its partition takes no jobs at present"},
    {"PartitionInactive", "its partition is inactive"},
    {"PartitionTimeLimit",
     "it asks for more time than its partition allows: lower time in [resources.slurm]"},
    {"PartitionNodeLimit", "it asks for more nodes than its partition allows"},
    {"PartitionConfig", "its partition cannot ever give what it asks for"},
    {"BadConstraints",
     "no node could ever give what it asks for: look at gres, cpus, memory and "
     "constraint in [resources.slurm]"},
    {"NodeDown", "a node that it needs is down"},
    {"ReqNodeNotAvail", "a node that it asks for is down, drained or reserved"},
    {"Nodes", "nodes that it needs are down, drained or reserved"},
    {"Reservation", "it waits for its reservation to begin"},
    {"ReservationDeleted", "its reservation is gone, so it never begins"},
    {"Licenses", "a licence that it needs is in use"},
    {"InvalidAccount", "its account is none: look at account in [resources.slurm]"},
    {"AccountNotAllowed", "its account may not use the partition"},
    {"InvalidQOS", "its quality of service is none: look at qos in [resources.slurm]"},
    {"QOSNotAllowed", "its quality of service may not be used in the partition"},
    {"JobLaunchFailure", "it could not be started on its node"},
    {"launch failed requeued held", "it could not be started on its node, and is held"},
    {"Prolog", "the node's prologue is running"},
    {"Cleaning", "what it left behind is being cleaned up before it begins again"},
    {"SystemFailure", "Slurm itself failed"},
    {"NonZeroExitCode", "it ended with an exit code"},
    {"TimeLimit", "it was over its time limit"},
    {"OutOfMemory", "it was over its memory"},
};

/// Beginnings of families of reasons: a limit on jobs, processors, GPUs ... of somebody.
const InWords kLimits[] = {
    {"QOSMin", "it asks for less than the quality of service takes, so it never begins"},
    {"Assoc", "a limit of the account is reached"},
    {"QOS", "a limit of the quality of service is reached"},
    {"Max", "a limit of the account or the cluster is reached"},
    {"ReqNodeNotAvail", "a node that it asks for is down, drained or reserved"},
    {"Nodes required for job are", "nodes that it needs are down, drained or reserved"},
};

const InWords kStates[] = {
    {"PENDING", "waits"},
    {"RUNNING", "runs"},
    {"SUSPENDED", "is suspended"},
    {"CONFIGURING", "waits until its node is ready"},
    {"COMPLETING", "is ending"},
    {"REQUEUED", "was queued again"},
    {"REQUEUE_HOLD", "was queued again and is held"},
    {"REQUEUE_FED", "was queued again"},
    {"SPECIAL_EXIT", "was queued again with a special exit and is held"},
    {"RESIZING", "is changing its size"},
    {"SIGNALING", "is being signalled"},
    {"STAGE_OUT", "is copying files out"},
    {"STOPPED", "is stopped"},
    {"PREEMPTED", "had to make room for another job"},
    {"COMPLETED", "ended"},
    {"CANCELLED", "was cancelled"},
    {"FAILED", "failed"},
    {"TIMEOUT", "was over its time limit"},
    {"OUT_OF_MEMORY", "was over its memory"},
    {"NODE_FAIL", "lost its node"},
    {"BOOT_FAIL", "got a node that did not come up"},
    {"DEADLINE", "could not end before its deadline"},
    {"REVOKED", "was taken over by another cluster"},
};

/// "CANCELLED by 1000" is "CANCELLED".
std::string_view FirstWord(std::string_view text) { return text.substr(0, text.find(' ')); }

}  // namespace

std::vector<std::string> SbatchArguments(const JobRequest& request) {
  std::vector<std::string> arguments = {
      "--parsable",
      "--job-name=" + request.name,
      "--comment=" + request.comment,
      "--output=" + Unexpanded(request.log),
      "--open-mode=append",
      // What was preempted or lost its node is queued again by Slurm and keeps its name.
      "--requeue",
      "--nodes=1",
      "--ntasks=1",
      "--chdir=" + request.script.parent_path().string(),
  };
  const SlurmSettings& settings = request.settings;
  const auto add = [&arguments](const std::string& option, const std::string& value) {
    if (!value.empty()) arguments.push_back(option + "=" + value);
  };
  add("--partition", settings.partition);
  add("--account", settings.account);
  add("--qos", settings.qos);
  add("--constraint", settings.constraint);
  add("--gres", settings.gres);
  if (settings.cpus > 0) add("--cpus-per-task", std::to_string(settings.cpus));
  if (settings.memory_bytes > 0) {
    const std::int64_t mebibytes = settings.memory_bytes / kClientMebibyte +
                                   (settings.memory_bytes % kClientMebibyte > 0 ? 1 : 0);
    add("--mem", std::to_string(mebibytes) + "M");
  }
  if (settings.time_seconds > 0) {
    add("--time", std::to_string(std::llround(std::ceil(settings.time_seconds / 60))));
  }
  if (request.warning.count() > 0) {
    add("--signal", "B:TERM@" + std::to_string(request.warning.count()));
  }
  arguments.insert(arguments.end(), settings.arguments.begin(), settings.arguments.end());
  arguments.push_back(request.script.string());
  return arguments;
}

SubmitAnswer SlurmClient::Submit(const JobRequest& request) {
  const SlurmReply reply = RunSlurm(programs_, "sbatch", SbatchArguments(request));
  if (!reply.succeeded()) {
    const Submission outcome = OutcomeOf(reply);
    const bool refused = outcome == Submission::kRefused || outcome == Submission::kTooLarge;
    return {
        .outcome = outcome, .id = "", .message = refused ? WithKeys(reply.errors) : reply.errors};
  }
  std::string id = IdOf(reply.output);
  if (!id.empty()) return {.outcome = Submission::kAccepted, .id = std::move(id), .message = ""};
  return {
      .outcome = Submission::kUnclear,
      .id = "",
      .message = "sbatch printed no job's id" + (reply.errors.empty() ? "" : ": " + reply.errors)};
}

std::vector<QueuedJob> ParseQueue(std::string_view output) {
  std::vector<QueuedJob> jobs;
  (void)Cut(output, kRecord);  // what stands before the first is none
  while (!output.empty()) {
    std::string_view record = Cut(output, kRecord);
    if (record.ends_with('\n')) record.remove_suffix(1);
    constexpr auto kSeparators = 6;
    if (std::ranges::count(record, kField) < kSeparators) continue;
    QueuedJob job;
    job.id = Cut(record, kField);
    job.state = Cut(record, kField);
    job.reason = OrEmpty(Cut(record, kField));
    job.nodes = OrEmpty(Cut(record, kField));
    job.start = OrEmpty(Cut(record, kField));
    job.name = Cut(record, kField);
    job.comment = OrEmpty(record);
    jobs.push_back(std::move(job));
  }
  return jobs;
}

QueueAnswer SlurmClient::Queue() {
  std::string format = {kRecord};
  for (const char* field : {"%i", "%T", "%r", "%N", "%S", "%j", "%k"}) {
    if (format.size() > 1) format += kField;
    format += field;
  }
  const SlurmReply reply =
      RunSlurm(programs_, "squeue",
               // --all: also in partitions that are hidden, or closed to us by now.
               {"--noheader", "--all", "--states=all", "--user=" + Me(), "--format=" + format});
  if (!reply.succeeded()) return {.answered = false, .jobs = {}, .message = reply.errors};
  return {.answered = true, .jobs = ParseQueue(reply.output), .message = ""};
}

std::vector<EndedJob> ParseEnded(std::string_view output, const std::vector<std::string>& names) {
  const std::set<std::string_view> wanted(names.begin(), names.end());
  std::vector<EndedJob> jobs;
  while (!output.empty()) {
    std::string_view record = Cut(output, '\n');
    constexpr auto kSeparators = 3;
    if (std::ranges::count(record, kField) != kSeparators) continue;
    EndedJob job;
    job.id = Cut(record, kField);
    job.state = Cut(record, kField);
    job.exit = Cut(record, kField);
    job.name = record;
    if (wanted.contains(job.name)) jobs.push_back(std::move(job));
  }
  return jobs;
}

EndedAnswer SlurmClient::Ended(const std::vector<std::string>& names) {
  if (names.empty()) return {.accounting = Accounting::kAnswered, .jobs = {}, .message = ""};
  std::vector<std::string> arguments = {"--noheader",
                                        "--parsable2",
                                        "--allocations",
                                        "--duplicates",
                                        "--user=" + Me(),
                                        "--starttime=now-7days",
                                        "--format=JobIDRaw,State,ExitCode,JobName"};
  arguments.push_back(std::string("--delimiter=") + kField);
  if (std::string list = Join(names, ","); list.size() < kLongestNames) {
    arguments.push_back("--name=" + list);
  }
  const SlurmReply reply = RunSlurm(programs_, "sacct", arguments);
  if (reply.succeeded()) {
    return {.accounting = Accounting::kAnswered,
            .jobs = ParseEnded(reply.output, names),
            .message = ""};
  }
  const bool is_off = reply.exit && Contains(reply.errors, "storage is disabled");
  return {.accounting = is_off ? Accounting::kOff : Accounting::kUnclear,
          .jobs = {},
          .message = reply.errors};
}

CancelAnswer SlurmClient::Cancel(const std::vector<std::string>& names) {
  if (names.empty()) return {.answered = true, .message = ""};
  // scancel takes one name, for which it reads the whole queue and then asks by the ids, as we do.
  const QueueAnswer queue = SlurmClient::Queue();
  if (!queue.answered) return {.answered = false, .message = queue.message};
  const std::set<std::string_view> meant(names.begin(), names.end());
  std::vector<std::string> ids;
  for (const QueuedJob& job : queue.jobs) {
    if (meant.contains(job.name) && !IsFinal(job.state)) ids.push_back(job.id);
  }
  for (std::size_t begin = 0; begin < ids.size(); begin += kMostCancelled) {
    std::vector<std::string> arguments = {"--quiet"};
    const std::size_t end = std::min(ids.size(), begin + kMostCancelled);
    arguments.insert(arguments.end(), ids.begin() + static_cast<std::ptrdiff_t>(begin),
                     ids.begin() + static_cast<std::ptrdiff_t>(end));
    const SlurmReply reply = RunSlurm(programs_, "scancel", arguments);
    if (!reply.succeeded()) return {.answered = false, .message = reply.errors};
  }
  return {.answered = true, .message = ""};
}

bool IsFinal(std::string_view state) {
  static constexpr std::string_view kFinal[] = {"COMPLETED", "CANCELLED",     "FAILED",
                                                "TIMEOUT",   "OUT_OF_MEMORY", "NODE_FAIL",
                                                "BOOT_FAIL", "DEADLINE",      "REVOKED"};
  return std::ranges::find(kFinal, FirstWord(state)) != std::end(kFinal);
}

std::string ReasonInWords(const std::string& reason) {
  const auto* exact = std::ranges::find(kReasons, reason, &InWords::slurm);
  if (exact != std::end(kReasons)) return std::string(exact->words) + " (" + reason + ")";
  if (Contains(reason, kOfOneJob)) {
    return "it asks for more than the account or the quality of service allows one job, so it "
           "never begins: lower time, cpus, memory or gres in [resources.slurm] (" +
           reason + ")";
  }
  for (const InWords& limit : kLimits) {
    if (reason.starts_with(limit.slurm)) return std::string(limit.words) + " (" + reason + ")";
  }
  return reason.empty() ? ReasonInWords("None") : "Slurm says: " + reason;
}

std::string StateInWords(const std::string& state) {
  const auto* found = std::ranges::find(kStates, FirstWord(state), &InWords::slurm);
  if (found == std::end(kStates)) return "is in a state that Slurm calls " + state;
  return std::string(found->words) + " (" + state + ")";
}

}  // namespace beamgrid
