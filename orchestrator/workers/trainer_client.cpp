#include "orchestrator/workers/trainer_client.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "orchestrator/workers/trainer_process.h"
#include "registry/outcome.h"
#include "registry/util/error.h"
#include "registry/util/files.h"
#include "registry/util/json.h"
#include "registry/util/printable.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr char kTrainerName[] = "beamgrid-trainer";

/// Returns a kept catalogue; nothing where an older program kept another form of it.
std::optional<Catalogue> KeptCatalogue(const DescribedTrainer& described) {
  const std::optional<json::value> answer = described.Find();
  if (!answer) return std::nullopt;
  try {
    return CatalogueFromJson(*answer);
  } catch (const std::invalid_argument&) {
    return std::nullopt;
  }
}

/// Returns the data as far as a model's size depends on them: without their files.
DataSpec WithoutFiles(DataSpec data) {
  data.train.clear();
  data.validate.clear();
  data.digest.clear();
  return data;
}

/// True if the size follows from the question alone, and not from a plugin or a file as well.
bool IsWhole(const ModelSpec& model, const std::string& question) {
  return model.plugins.empty() && question.find("\"hash\"") == std::string::npos;
}

}  // namespace

fs::path FindTrainer() {
  const char* named = std::getenv("BEAMGRID_TRAINER");
  std::error_code error;
  if (named != nullptr && *named != 0) {
    if (::access(named, X_OK) == 0) return fs::absolute(named);
    throw Error(std::string("$BEAMGRID_TRAINER names ") + named +
                ", which cannot be run: " + std::strerror(errno));
  }
  // By /proc: argv[0] may be a bare name or a link from another folder.
  const fs::path beside = fs::read_symlink("/proc/self/exe", error).parent_path() / kTrainerName;
  if (::access(beside.c_str(), X_OK) == 0) return beside;
  throw Error("cannot find " + beside.string() +
              "; build it, or name another with $BEAMGRID_TRAINER");
}

std::string AskTrainer(const fs::path& trainer, const std::vector<std::string>& arguments,
                       std::chrono::milliseconds patience) {
  TrainerProcess process(trainer, arguments, /*threads=*/1, /*socket_stdin=*/false);
  std::string output;
  std::array<char, 1 << 14> piece{};
  std::size_t bytes = 0;
  do {
    if (!process.HasWords(patience)) process.GiveUp(patience);
    bytes = process.Read(piece.data(), piece.size());
    output.append(piece.data(), bytes);
  } while (bytes > 0);
  process.Finish();
  return output;
}

Catalogue LoadCatalogue(const fs::path& trainer, const std::vector<NamedFile>& plugins) {
  const DescribedTrainer described(trainer, plugins);
  if (std::optional<Catalogue> kept = KeptCatalogue(described)) return *std::move(kept);
  std::vector<std::string> question = {"describe"};
  for (const NamedFile& plugin : plugins)
    question.insert(question.end(), {"--plugin", plugin.path});
  const auto asked = std::chrono::system_clock::now();
  const std::string text = AskTrainer(trainer, question);
  try {
    Catalogue catalogue = CatalogueFromJson(ParseJson(text));
    described.Keep(text, asked);
    return catalogue;
  } catch (const std::invalid_argument& error) {
    throw Error(CommandText(trainer, question) + " answered with no catalogue (" + error.what() +
                "); trainer and beamgrid must be of one build");
  }
}

namespace {

/// Returns the answer that the line holds. Throws std::invalid_argument where it is none to this
/// question, Error where the machine kept the trainer from counting.
TrainerCounter::Answered AnswerTo(std::int64_t question, const std::string& line) {
  const json::value json = ParseJson(line);
  const JsonReader answer(json, "count");
  if (answer.Integer("id") != question) {
    throw std::invalid_argument("count.id: must be that of the question, " +
                                std::to_string(question));
  }
  if (!answer.Has("error")) {
    return {ModelSize{answer.Integer("parameters"), answer.Integer("size_bytes")}, true};
  }
  const FailureKind kind = FailureKindFromString(answer.Text("kind"));
  if (IsMachineFault(kind)) throw Error(answer.Text("error"));
  return {answer.Text("error"), kind == FailureKind::kBadSpec};
}

}  // namespace

/// Process is the trainer that counts: a question a line, an answer a line. It reads each question
/// to the end before it answers, so writing never waits for reading.
struct TrainerCounter::Process {
  TrainerProcess trainer;
  std::string unread;

  explicit Process(const fs::path& program)
      : trainer(program, {"count"}, /*threads=*/1, /*socket_stdin=*/true) {}

  /// Returns the next line, or nothing where the trainer is gone or has been silent for `patience`.
  [[nodiscard]] std::optional<std::string> ReadLine(std::chrono::milliseconds patience) {
    std::array<char, 1 << 14> piece{};
    std::size_t end = 0;
    while ((end = unread.find('\n')) == std::string::npos) {
      if (!trainer.HasWords(patience)) return std::nullopt;
      const std::size_t bytes = trainer.Read(piece.data(), piece.size());
      if (bytes == 0) return std::nullopt;
      unread.append(piece.data(), bytes);
    }
    std::string line = unread.substr(0, end);
    unread.erase(0, end + 1);
    return line;
  }
};

TrainerCounter::TrainerCounter(fs::path trainer, std::chrono::milliseconds patience)
    : trainer_(std::move(trainer)), patience_(patience), kept_(trainer_) {}
TrainerCounter::~TrainerCounter() = default;

std::optional<std::string> TrainerCounter::Ask(const std::string& question) {
  const bool begins = !process_;
  if (begins) process_ = std::make_unique<Process>(trainer_);
  std::optional<std::string> line;
  if (process_->trainer.Write(question + "\n")) line = process_->ReadLine(patience_);
  if (line && begins) kept_.OnTrainerStarted();
  if (!line) {
    last_words_ = process_->trainer.LastWords();
    process_.reset();
  }
  return line;
}

CountAnswer TrainerCounter::Count(const ModelSpec& model, const DataSpec& data) {
  return Asked(model, {{"model", ToJson(model)}, {"data", ToJson(WithoutFiles(data))}});
}

std::string TrainerCounter::WhyNoStart(const ModelSpec& model, const DataSpec& data,
                                       const TrialSpec& start, const std::string& fingerprint) {
  ModelSpec other = start.model;
  // What it was trained with is of no matter here, and may name files that are gone.
  other.train.erase("teacher");
  const json::object of_start = {
      {"trial", fingerprint}, {"model", ToJson(other)}, {"data", ToJson(WithoutFiles(start.data))}};
  // A user's code or module may not be there any more; the worker has the weights themselves.
  if (!IsWhole(other, CanonicalJson(of_start))) return "";
  const CountAnswer answer = Asked(
      model, {{"model", ToJson(model)}, {"data", ToJson(WithoutFiles(data))}, {"start", of_start}});
  const auto* why = std::get_if<std::string>(&answer);
  return why == nullptr ? "" : *why;
}

CountAnswer TrainerCounter::Asked(const ModelSpec& model, json::object question) {
  const std::string text = CanonicalJson(question);
  const bool may_be_kept = IsWhole(model, text);
  if (may_be_kept) {
    if (std::optional<CountAnswer> known = kept_.Find(text)) return *std::move(known);
  }
  question["id"] = ++questions_;
  Answered answered = AskedAnew(CanonicalJson(question));
  if (may_be_kept && answered.is_lasting) kept_.Add(text, answered.answer);
  return std::move(answered.answer);
}

TrainerCounter::Answered TrainerCounter::AskedAnew(const std::string& question) {
  std::optional<std::string> line = Ask(question);
  if (!line) line = Ask(question);  // it may have died of something else
  if (!line) {
    const std::string what = CommandText(trainer_, {"count"}) +
                             " died or fell silent over a model, twice" +
                             (last_words_.empty() ? "" : ":\n" + last_words_);
    // It counts others, so this model is the cause: one candidate less. One that never answered
    // cannot count at all.
    if (has_answered_) return {what, false};
    throw Error(what);
  }
  try {
    Answered answered = AnswerTo(questions_, *line);
    has_answered_ = true;
    return answered;
  } catch (const std::invalid_argument& error) {
    // Whatever else it was to be asked would be answered no better, or with another model's size.
    process_.reset();
    throw Error(CommandText(trainer_, {"count"}) + " answered with \"" +
                std::string(FirstColumns(Printable(*line), 200)) + "\": " + error.what() +
                "; trainer and beamgrid must be of one build, and nothing else may write to its "
                "standard output");
  }
}

}  // namespace beamgrid
