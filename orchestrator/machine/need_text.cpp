#include "orchestrator/machine/need_text.h"

#include <array>
#include <chrono>
#include <cstdio>

#include "orchestrator/study/progress.h"

namespace beamgrid {
namespace {

std::string Number(const char* format, double value) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

std::string Memory(std::int64_t bytes) {
  const double mebibytes = static_cast<double>(bytes) / (1 << 20);
  return mebibytes < 1024 ? Number("%.0f MiB", mebibytes) : Number("%.2f GiB", mebibytes / 1024);
}

std::string Percent(double margin) { return Number("%.0f %%", (margin - 1) * 100); }

}  // namespace

std::string Count(std::size_t number, const std::string& noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

std::string MeasuredMemoryText(std::int64_t bytes, std::int64_t outside, std::int64_t peak,
                               std::size_t trials, double margin) {
  std::string text = "needs about " + Memory(bytes) + ": ";
  if (outside > 0) text += Memory(outside) + " process + ";
  return text + Memory(peak) + ", the peak of " + Count(trials, "trial") + " of this model, + " +
         Percent(margin);
}

std::string EstimatedMemoryText(std::int64_t bytes, const NeedEstimate& estimate,
                                const std::string& copies, double ratio, const std::string& source,
                                double margin) {
  const std::string model = std::to_string(estimate.copies) + " x " +
                            Memory(estimate.parameter_bytes) + " of parameters + " +
                            Memory(estimate.activation_bytes) + " of activations";
  const std::string factor = Number("%.2f", ratio);
  return "needs about " + Memory(bytes) + ": " + Memory(estimate.process_bytes) + " process + " +
         (source.empty() ? model : factor + " x (" + model + ")") + ", + " + Percent(margin) +
         "; " + (source.empty() ? "nothing like it was measured" : factor + " " + source) + "; " +
         std::to_string(estimate.copies) + " copies: " + copies;
}

std::string TimeText(double seconds, double seconds_per_example, double examples,
                     const std::string& source) {
  return "takes about " +
         DurationText(std::chrono::seconds(static_cast<std::int64_t>(seconds + 0.5))) + ": " +
         Number("%.0f", examples) + " examples x " + Number("%.3g ms", seconds_per_example * 1000) +
         ", " + source;
}

}  // namespace beamgrid
