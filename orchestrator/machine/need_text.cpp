#include "orchestrator/machine/need_text.h"

#include <array>
#include <chrono>
#include <cstdio>

#include "registry/util/text.h"

namespace beamgrid {
namespace {

std::string Memory(std::int64_t bytes) {
  const double mebibytes = static_cast<double>(bytes) / (1 << 20);
  return mebibytes < 1024 ? FixedText(mebibytes, 0) + " MiB"
                          : FixedText(mebibytes / 1024, 2) + " GiB";
}

std::string Percent(double margin) { return FixedText((margin - 1) * 100, 0) + " %"; }

}  // namespace

std::string MeasuredMemoryText(std::int64_t bytes, std::int64_t outside, std::int64_t peak,
                               std::size_t trials, double margin) {
  std::string text = "needs about " + Memory(bytes) + ": ";
  if (outside > 0) text += Memory(outside) + " process + ";
  return text + Memory(peak) + ", the peak of " + CountText(trials, "trial") +
         " of this model, + " + Percent(margin);
}

std::string EstimatedMemoryText(std::int64_t bytes, const NeedEstimate& estimate,
                                const std::string& copies, double ratio, const std::string& source,
                                double margin) {
  const std::string model = std::to_string(estimate.copies) + " x " +
                            Memory(estimate.parameter_bytes) + " of parameters + " +
                            Memory(estimate.activation_bytes) + " of activations";
  const std::string factor = FixedText(ratio, 2);
  return "needs about " + Memory(bytes) + ": " + Memory(estimate.process_bytes) + " process + " +
         (source.empty() ? model : factor + " x (" + model + ")") + ", + " + Percent(margin) +
         "; " + (source.empty() ? "nothing like it was measured" : factor + " " + source) + "; " +
         std::to_string(estimate.copies) + " copies: " + copies;
}

std::string TimeText(double seconds, double seconds_per_example, double examples,
                     const std::string& source) {
  std::array<char, 32> each{};
  std::snprintf(each.data(), each.size(), "%.3g ms", seconds_per_example * 1000);
  return "takes about " +
         DurationText(std::chrono::seconds(static_cast<std::int64_t>(seconds + 0.5))) + ": " +
         FixedText(examples, 0) + " examples x " + each.data() + ", " + source;
}

}  // namespace beamgrid
