// What an attempt leaves behind: result.json and worker.log. Whatever they hold, the attempt has an
// outcome.
#include <filesystem>
#include <stdexcept>

#include "orchestrator/workers/attempt_files.h"
#include "registry/util/files.h"
#include "tests/fuzz/fuzz.h"

namespace beamgrid {
namespace {

namespace fs = std::filesystem;

/// An attempt's folder whose files are one file in memory.
class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("beamgrid-fuzz-" + std::to_string(::getpid()))) {
    fs::create_directory(path_);
    for (const char* name : {kResultFile, kWorkerLog}) {
      fs::create_symlink(input_.Holding(""), path_ / name);
    }
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const fs::path& Holding(std::string_view bytes) {
    static_cast<void>(input_.Holding(bytes));
    return path_;
  }

 private:
  fuzz::InputFile input_;
  fs::path path_;
};

void ReadResult(std::string_view bytes) {
  const TrialResult result = TrialResultFromJson(ParseJson(bytes));
  const boost::json::value written = ToJson(result);
  fuzz::Require(ToJson(TrialResultFromJson(written)) == written, "what is written is read");
  for (const Artifact& artifact : result.artifacts) {
    const fs::path path = fs::path("/runs/study/trial") / artifact.path;
    fuzz::Require(path.lexically_normal().string().starts_with("/runs/study/trial/"),
                  "an artifact lies in the attempt's folder");
  }
}

}  // namespace
}  // namespace beamgrid

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace beamgrid;
  static Folder folder;
  const std::string_view bytes = fuzz::TextOf(data, size);
  const bool sound = fuzz::Accepts<std::invalid_argument>([&] { ReadResult(bytes); });
  const AttemptOutcome outcome = OutcomeOf(folder.Holding(bytes), {.exit_code = 0});
  fuzz::Require(sound || !outcome.complete(), "only a sound result makes an attempt complete");
  fuzz::Require(outcome.complete() || !outcome.failure().message.empty(), "a failure has a reason");
  return 0;
}
