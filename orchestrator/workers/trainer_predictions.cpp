#include "orchestrator/workers/trainer_predictions.h"

#include <array>
#include <istream>
#include <streambuf>

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
          .top_k = TrialFile().predictions_top_k,
          .heartbeat_seconds = model.heartbeat_seconds,
          .stall_seconds = model.stall_seconds};
}

/// OutputBuffer is the standard output of a trainer as a stream reads it. The stream ends with it,
/// and where the trainer is silent for too long.
class OutputBuffer : public std::streambuf {
 public:
  /// `trainer` must outlive this.
  OutputBuffer(const TrainerProcess& trainer, std::chrono::milliseconds silence)
      : trainer_(trainer), silence_(silence) {}

  /// True if the stream ended for the trainer's silence.
  [[nodiscard]] bool is_silent() const { return is_silent_; }

 protected:
  int_type underflow() override {
    is_silent_ = !trainer_.HasWords(silence_);
    const std::size_t bytes = is_silent_ ? 0 : trainer_.Read(bytes_.data(), bytes_.size());
    setg(bytes_.data(), bytes_.data(), bytes_.data() + bytes);
    return bytes == 0 ? traits_type::eof() : traits_type::to_int_type(bytes_.front());
  }

 private:
  const TrainerProcess& trainer_;
  std::chrono::milliseconds silence_;
  std::array<char, 1 << 16> bytes_{};
  bool is_silent_ = false;
};

}  // namespace

/// Process is the trainer at work, and its standard output as a stream.
struct TrainerPredictions::Process {
  TrainerProcess trainer;
  OutputBuffer buffer;
  std::istream output;
  PredictionReader reader;
  std::chrono::milliseconds silence;

  Process(const std::filesystem::path& program, const PredictingModel& model)
      : trainer(program, {"predict"}, model.threads, /*socket_stdin=*/true),
        buffer(trainer, model.silence),
        output(&buffer),
        reader(output),
        silence(model.silence) {
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
    if (process_->buffer.is_silent()) process_->trainer.GiveUp(process_->silence);
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
