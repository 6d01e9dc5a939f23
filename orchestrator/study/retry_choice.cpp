#include "orchestrator/study/retry_choice.h"

#include <algorithm>

#include "registry/util/error.h"
#include "registry/util/nearest_spelling.h"
#include "registry/util/text.h"

namespace beamgrid {
namespace {

constexpr char kAllFailed[] = "failed";
constexpr std::size_t kListedTrials = 4;
// Fewer digits fit many trials by chance.
constexpr std::size_t kShortestPrefix = 4;

/// Returns the words of the failures that can end a trial for good.
std::vector<std::string> KindWords() {
  std::vector<std::string> words;
  for (const FailureKind kind :
       {FailureKind::kCrashed, FailureKind::kOutOfMemory, FailureKind::kDiverged,
        FailureKind::kTimedOut, FailureKind::kHung, FailureKind::kBadSpec, FailureKind::kBadData,
        FailureKind::kStartFailed, FailureKind::kEnvironment, FailureKind::kInterrupted}) {
    words.push_back(ToString(kind));
  }
  return words;
}

std::string LabelText(const TrialRecord& trial) {
  return trial.name + " seed " + std::to_string(trial.seed);
}

bool IsNamed(const TrialRecord& trial, std::string word, const std::string& study) {
  if (word.size() >= kShortestPrefix && trial.fingerprint.starts_with(word)) return true;
  if (word.starts_with(study + "/")) word.erase(0, study.size() + 1);
  const std::string seed = std::to_string(trial.seed);
  return word == trial.name || word == trial.name + "/" + seed || word == trial.name + "#" + seed;
}

[[noreturn]] void RefuseUnknown(const std::string& word, const std::string& study,
                                const std::vector<TrialRecord>& trials) {
  std::vector<std::string> known = KindWords();
  known.insert(known.begin(), kAllFailed);
  const std::string kinds = beamgrid::Join(known);  // not that of the progress display
  for (const TrialRecord& trial : trials) known.push_back(trial.name);
  throw UsageError("--retry: '" + word + "' must be one of " + kinds + ", or a trial of study '" +
                   study + "' as NAME or NAME#SEED" + Suggestion(word, known));
}

}  // namespace

std::string FailureWord(const TrialRecord& trial) {
  return trial.failure.substr(0, trial.failure.find(':'));
}

RetryChoice ChooseRetries(const std::vector<std::string>& words, const std::string& study,
                          const std::vector<TrialRecord>& trials) {
  const std::vector<std::string> kinds = KindWords();
  RetryChoice choice;
  for (const std::string& word : words) {
    const bool is_kind = word == kAllFailed || std::ranges::find(kinds, word) != kinds.end();
    bool known = is_kind;
    std::vector<std::string> chosen;
    for (const TrialRecord& trial : trials) {
      const bool named = !is_kind && IsNamed(trial, word, study);
      known = known || named;
      if (trial.state != TrialState::kFailed) continue;
      if (!named && word != kAllFailed && !(is_kind && FailureWord(trial) == word)) continue;
      choice.trials.insert(trial.id);
      chosen.push_back(LabelText(trial));
    }
    if (!known) RefuseUnknown(word, study, trials);
    choice.lines.push_back(
        chosen.empty() ? "--retry " + word +
                             ": there is nothing to try again: no such trial of the "
                             "study has failed"
                       : "--retry " + word + ": tries again " + JoinFirst(chosen, kListedTrials));
  }
  return choice;
}

}  // namespace beamgrid
