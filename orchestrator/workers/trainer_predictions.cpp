#include "orchestrator/workers/trainer_predictions.h"

#include <fcntl.h>
#include <ext/stdio_filebuf.h>

#include <istream>

#include "orchestrator/workers/trainer_process.h"
#include "registry/scoring/prediction_stream.h"
#include "registry/util/error.h"
#include "registry/util/json.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {
namespace {

PredictRequest RequestOf(const PredictingModel& model) {
  return {.spec = model.spec,
          .model_file = model.file.string(),
          .device = model.device,
          .threads = model.threads,
          .top_k = TrialFile().predictions_top_k};
}

}  // namespace

/// Process is the trainer at work, and its standard output as a stream.
struct TrainerPredictions::Process {
  TrainerProcess trainer;
  __gnu_cxx::stdio_filebuf<char> buffer;
  std::istream output;
  PredictionReader reader;

  Process(const std::filesystem::path& program, const PredictingModel& model)
      : trainer(program, {"predict"}, model.threads, /*socket_stdin=*/true),
        buffer(::fcntl(trainer.standard_output(), F_DUPFD_CLOEXEC, 0), std::ios_base::in, 1 << 16),
        output(&buffer),
        reader(output) {
    if (!buffer.is_open()) throw Error("cannot read from beamgrid-trainer: no descriptor left");
    // One that is gone already says why in Next.
    static_cast<void>(trainer.Write(CanonicalJson(ToJson(RequestOf(model))) + "\n"));
  }
};

TrainerPredictions::TrainerPredictions(const std::filesystem::path& trainer,
                                       const PredictingModel& model)
    : process_(std::make_unique<Process>(trainer, model)) {}
TrainerPredictions::~TrainerPredictions() = default;

bool TrainerPredictions::Next(VideoPrediction& video) {
  try {
    if (process_->reader.Next(video)) return true;
  } catch (const Error&) {
    // What cut the stream off says more.
    if (process_->output.eof()) process_->trainer.Finish();
    throw;
  }
  process_->trainer.Finish();
  return false;
}

void TrainerPredictions::Stop() const { process_->trainer.Kill(); }

std::int64_t TrainerPredictions::skipped() const { return process_->reader.skipped(); }

}  // namespace beamgrid
