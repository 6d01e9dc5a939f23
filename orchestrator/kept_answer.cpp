#include "orchestrator/kept_answer.h"

#include <fcntl.h>

#include <cstdint>
#include <limits>
#include <stdexcept>
#include <utility>

#include "orchestrator/study/run_note.h"
#include "orchestrator/workers/trainer_cache.h"
#include "registry/store/place.h"
#include "registry/store/upkeep.h"
#include "registry/util/cache_folder.h"
#include "registry/util/error.h"
#include "registry/util/file_stamp.h"
#include "registry/util/files.h"
#include "registry/util/json.h"
#include "registry/util/unique_fd.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

/// A study that refuses more models than that is not repeated: the lines are not worth their place.
constexpr std::size_t kMostLines = 1000;

constexpr std::int64_t kAnyTouch = std::numeric_limits<std::int64_t>::max();

/// Adds what tells a file from any other: not the device, whose numbers are given out anew when a
/// machine starts. False where it cannot be looked at, or was written to after `latest_ns`.
bool AddStamp(int folder, const std::string& file, std::int64_t latest_ns, ContentHash& key) {
  const std::optional<FileStamp> stamp = StampIn(folder, file);
  if (!stamp || stamp->modified_ns > latest_ns) return false;
  const std::int64_t numbers[] = {static_cast<std::int64_t>(stamp->inode),
                                  static_cast<std::int64_t>(stamp->size), stamp->modified_ns,
                                  stamp->changed_ns};
  key.Add(numbers, sizeof numbers);
  return true;
}

/// Returns the last moment at which a file may have been touched so that its stamp tells every
/// later change: clocks of file systems have ticks (HashCache).
std::int64_t LatestTouch() {
  constexpr std::chrono::seconds kYoung{2};
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             (std::chrono::system_clock::now() - kYoung).time_since_epoch())
      .count();
}

/// True if a run that ended so had nothing to do.
bool DidNothing(const RunNote& note) {
  const ProgressState& run = note.progress;
  return note.ending == "complete" && run.complete == 0 && run.failed == 0 && run.reused > 0;
}

/// True if some attempt of the study's trials is under way, or was left by a dead orchestrator.
bool HasOpenAttempts(Store& store, StudyId study) {
  if (store.OpenAttempts().empty()) return false;
  const Store::Table open = store.Query(
      "SELECT 1 FROM attempt JOIN study_trial ON study_trial.trial = attempt.trial"
      " WHERE outcome = 'running' AND study_trial.study = CAST(:study AS INTEGER) LIMIT 1",
      {{"study", std::to_string(static_cast<std::int64_t>(study))}});
  return !open.rows.empty();
}

/// Throws std::invalid_argument where one of them is no text.
std::vector<std::string> TextsOf(const boost::json::array& list) {
  std::vector<std::string> texts;
  for (const boost::json::value& text : list) {
    if (!text.is_string()) throw std::invalid_argument("no text");
    texts.emplace_back(text.get_string());
  }
  return texts;
}

}  // namespace

void KeptAnswer::SetSubject(Subject subject) { subject_ = std::move(subject); }

fs::path KeptAnswer::File() const {
  const std::optional<fs::path> folder = CacheFolder();
  if (!folder || subject_.recipe == nullptr) return {};
  return *folder /
         ("answer-" + HashBytes(RealPath(subject_.database).string() + "\n" +
                                subject_.recipe->name + "\n" + form_.substr(0, form_.find(' '))));
}

std::optional<std::string> KeptAnswer::KeyNow(Store& store, std::int64_t latest_ns) const {
  const Recipe& recipe = *subject_.recipe;
  // What they mean, other studies of the record decide.
  if (!recipe.warm_starts.empty()) return std::nullopt;
  const std::optional<StudyRecord> study = store.FindStudy(recipe.name);
  if (!study) return std::nullopt;
  const std::optional<RunNote> note = LastRunNote(store, study->id);
  if (!note || !DidNothing(*note) || HasOpenAttempts(store, study->id)) return std::nullopt;

  ContentHash key;
  if (!AddStamp(AT_FDCWD, subject_.program, kAnyTouch, key)) return std::nullopt;
  std::string text = "beamgrid " BEAMGRID_VERSION "\n" + form_ + "\n" +
                     fs::absolute(recipe.path).string() + "\n" + HashBytes(recipe.text) + "\n" +
                     HashBytes(CanonicalJson(ToJson(*subject_.catalogue))) + "\n" +
                     HashBytes(CanonicalJson(ToJson(subject_.data))) + "\n" +
                     RealPath(subject_.database).string() + "\n" + store.runs().string() + "\n";
  for (const NamedFile& file : subject_.files) {
    text += file.name + "\n" + file.path + " " + file.hash + "\n";
  }
  for (const Slot& slot : subject_.slots) {
    text += slot.device + " " + std::to_string(slot.threads) + "\n";
  }
  if (note->progress.refused > 0) {
    // What was refused is no trial of the record: the trainer has said it.
    const auto trainer = DescribedTrainer(subject_.trainer, {}).Identity();
    if (!trainer) return std::nullopt;
    text += *trainer + "\n";
  }
  const UniqueFd runs(::open(store.runs().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (const std::string& file : RecordUpkeep(store).ResultFiles(study->id)) {
    if (!AddStamp(runs.get(), file, latest_ns, key)) return std::nullopt;
  }
  text += RecordUpkeep(store).Digest(study->id);
  key.Add(text.data(), text.size());
  return key.Digits();
}

bool KeptAnswer::Find(Store& store) {
  const fs::path file = File();
  if (file.empty()) return false;
  const std::optional<std::string> kept = ReadCached(file);
  if (!kept || kept->size() < kHashDigits) return false;
  const std::optional<std::string> key = KeyNow(store, kAnyTouch);
  if (!key || !kept->starts_with(*key)) return false;
  const std::size_t end = kept->find('\n');
  if (end == std::string::npos) return false;
  try {
    const boost::json::value value = ParseJson(kept->substr(kHashDigits, end - kHashDigits));
    const JsonReader head(value, "answer");
    lines_ = TextsOf(head.List("lines"));
    decisions_ = TextsOf(head.List("decisions"));
    printed_ = {.data = kept->substr(end + 1),
                .remark = head.Text("remark"),
                .remark_at = head.Integer("remark_at")};
    const auto bytes = static_cast<std::int64_t>(printed_.data.size());
    if (printed_.remark_at < 0 || printed_.remark_at > bytes) return false;
  } catch (const std::invalid_argument&) {
    return false;  // it is made again
  }
  progress_ = LastRunNote(store, store.FindStudy(subject_.recipe->name)->id)->progress;
  return true;
}

StudyResult KeptAnswer::Repeat(Store& store, ProgressDisplay& display,
                               std::chrono::milliseconds elapsed) const {
  ProgressState progress = *progress_;
  progress.elapsed = elapsed;
  const StudyId study = store.FindStudy(subject_.recipe->name)->id;
  for (const std::string& line : lines_) display.Event(line);
  display.Update(progress);
  NoteRun(store, study, progress, "complete");
  return {.study = study,
          .reused = progress.reused,
          .refused = progress.refused,
          .decisions = decisions_};
}

void KeptAnswer::Offer(const StudyResult& result, std::vector<std::string> lines) {
  repeatable_ = result.exit_code == 0 && result.attempts == 0 && result.complete == 0 &&
                result.failed == 0 && result.reused > 0 && !result.interrupted &&
                result.stopped_because.empty() && lines.size() <= kMostLines &&
                lines.size() == static_cast<std::size_t>(result.refused);
  lines_ = std::move(lines);
  decisions_ = result.decisions;
}

std::optional<std::string> KeptAnswer::Key(Store& store) const {
  if (!repeatable_ || File().empty()) return std::nullopt;
  return KeyNow(store, LatestTouch());
}

void KeptAnswer::Keep(Store& store, const std::optional<std::string>& key,
                      const Printed& printed) const {
  if (!key || Key(store) != key) return;
  const boost::json::object head = {{"lines", JsonList(lines_)},
                                    {"decisions", JsonList(decisions_)},
                                    {"remark", printed.remark},
                                    {"remark_at", printed.remark_at}};
  WriteCached(File(), *key + CanonicalJson(head) + "\n" + printed.data);
}

}  // namespace beamgrid
