#include "orchestrator/slurm/pilot_folder.h"

#include <stdexcept>
#include <system_error>

#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/json.h"
#include "registry/util/words.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

constexpr char kSettingsFile[] = "pilot.json";
constexpr char kAtWorkFile[] = "at_work.json";

constexpr Word<Order::What> kOrderWords[] = {{Order::What::kCarryOut, "carry out"},
                                             {Order::What::kCancel, "cancel"},
                                             {Order::What::kLeave, "leave"}};
constexpr Word<Report::What> kReportWords[] = {
    {Report::What::kBegun, "begun"},     {Report::What::kLives, "lives"},
    {Report::What::kHeard, "heard"},     {Report::What::kEnded, "ended"},
    {Report::What::kRefused, "refused"}, {Report::What::kLeft, "left"},
    {Report::What::kTook, "took"}};

void Put(const AttemptKey& key, boost::json::object* json) {
  (*json)["trial"] = static_cast<std::int64_t>(key.trial);
  (*json)["attempt"] = key.attempt;
}

AttemptKey KeyFrom(const JsonReader& json) {
  return {TrialId{json.Integer("trial")}, json.Integer("attempt")};
}

std::chrono::milliseconds Milliseconds(const JsonReader& json, std::string_view key) {
  return std::chrono::milliseconds(json.Integer(key));
}

/// Returns what `read` makes of a line; nothing where it is none.
template <typename Read>
auto FromLine(std::string_view line, const Read& read)
    -> std::optional<decltype(read(std::declval<const JsonReader&>()))> {
  try {
    const boost::json::value json = ParseJson(line);
    return read(JsonReader(json, ""));
  } catch (const std::invalid_argument&) {
    return std::nullopt;
  }
}

template <typename Enum, std::size_t size>
Enum Known(const Word<Enum> (&words)[size], const std::string& word) {
  const auto value = FindValue(words, word);
  if (!value) throw std::invalid_argument("unknown word " + word);
  return *value;
}

}  // namespace

void WritePilotSettings(const fs::path& folder, const PilotSettings& settings) {
  const boost::json::object json{{"trainer", settings.trainer},
                                 {"device", settings.device},
                                 {"threads", settings.threads},
                                 {"silence_ms", settings.silence.count()},
                                 {"idle_ms", settings.idle.count()},
                                 {"grace_ms", settings.grace.count()},
                                 {"beat_ms", settings.beat.count()},
                                 {"time_ms", settings.time.count()},
                                 {"memory_bytes", settings.memory_bytes},
                                 {"terms", settings.terms},
                                 {"folder", settings.folder}};
  WriteFileAtomically(folder / kSettingsFile, CanonicalJson(json) + "\n");
}

void AwaitPilotFolder(const std::filesystem::path& folder,
                      const std::function<void(std::chrono::milliseconds)>& sleep) {
  constexpr std::chrono::milliseconds kPatience{60'000}, kLookEvery{200};
  std::error_code ignored;
  for (auto waited = kLookEvery; waited <= kPatience; waited += kLookEvery) {
    if (std::filesystem::exists(folder / kSettingsFile, ignored)) return;
    sleep(kLookEvery);
  }
}

PilotSettings ReadPilotSettings(const fs::path& folder) {
  const fs::path path = folder / kSettingsFile;
  const std::string text = ReadFile(path);
  try {
    const boost::json::value value = ParseJson(text);
    const JsonReader json(value, "");
    return {.trainer = json.Text("trainer"),
            .device = json.Text("device"),
            .threads = json.Integer("threads"),
            .silence = Milliseconds(json, "silence_ms"),
            .idle = Milliseconds(json, "idle_ms"),
            .grace = Milliseconds(json, "grace_ms"),
            .beat = Milliseconds(json, "beat_ms"),
            .time = Milliseconds(json, "time_ms"),
            .memory_bytes = json.Integer("memory_bytes"),
            .terms = json.Text("terms"),
            .folder = json.Text("folder")};
  } catch (const std::invalid_argument& error) {
    throw Error(path.string() + ": " + error.what() +
                "; the programs on the nodes and on the submitting host must be of one version");
  }
}

bool IsElsewhere(const fs::path& folder, const PilotSettings& settings) {
  std::error_code error;
  // One folder may have two names, on two machines too.
  if (fs::equivalent(settings.folder, folder, error)) return false;
  return !error || error == std::errc::no_such_file_or_directory;
}

std::string ToLine(const Order& order) {
  boost::json::object json{{"do", WordFor(kOrderWords, order.what)},
                           {"directory", order.directory},
                           {"span_ms", order.span.count()},
                           {"alone", order.alone}};
  Put(order.key, &json);
  return CanonicalJson(json);
}

std::optional<Order> OrderFromLine(std::string_view line) {
  return FromLine(line, [](const JsonReader& json) {
    return Order{.what = Known(kOrderWords, json.Text("do")),
                 .key = KeyFrom(json),
                 .directory = json.Text("directory"),
                 .span = Milliseconds(json, "span_ms"),
                 .alone = json.Boolean("alone")};
  });
}

std::string ToLine(const Report& report) {
  boost::json::object json{{"say", WordFor(kReportWords, report.what)}};
  if (report.key) Put(*report.key, &json);
  if (!report.text.empty()) json["text"] = report.text;
  if (report.orders > 0) json["orders"] = report.orders;
  return CanonicalJson(json);
}

std::optional<Report> ReportFromLine(std::string_view line) {
  return FromLine(line, [](const JsonReader& json) {
    Report report{.what = Known(kReportWords, json.Text("say"))};
    if (json.Has("trial")) report.key = KeyFrom(json);
    if (json.Has("text")) report.text = json.Text("text");
    if (json.Has("orders")) report.orders = json.Integer("orders");
    return report;
  });
}

void WriteAtWork(const fs::path& folder, const std::optional<AtWork>& work) {
  const fs::path path = folder / kAtWorkFile;
  if (!work) {
    std::error_code ignored;  // what it names has its end.json
    fs::remove(path, ignored);
    return;
  }
  boost::json::object json{{"directory", work->directory}};
  Put(work->key, &json);
  WriteFileAtomically(path, CanonicalJson(json) + "\n");
}

std::optional<AtWork> ReadAtWork(const fs::path& folder) {
  const fs::path path = folder / kAtWorkFile;
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return std::nullopt;
  return FromLine(ReadFile(path), [](const JsonReader& json) {
    return AtWork{.key = KeyFrom(json), .directory = json.Text("directory")};
  });
}

fs::path PilotsBeside(const fs::path& attempt_directory) {
  return PilotsOf(attempt_directory.parent_path().parent_path());
}

fs::path PilotsOf(const fs::path& study_folder) {
  // A trial's folder has its seed in its name, so it is never called so.
  return study_folder / "slurm";
}

}  // namespace beamgrid
