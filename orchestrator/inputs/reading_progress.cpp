#include "orchestrator/inputs/reading_progress.h"

#include "registry/util/text.h"

namespace beamgrid {

std::string ReadingText(std::uint64_t done, std::uint64_t total,
                        std::chrono::milliseconds elapsed) {
  const auto size = [](std::uint64_t bytes) { return SizeText(static_cast<std::int64_t>(bytes)); };
  std::string text = "reading the data: " + size(done) + " of " + size(total);
  if (done == 0 || done > total) return text;
  const double left = static_cast<double>(elapsed.count()) / 1000 *
                      static_cast<double>(total - done) / static_cast<double>(done);
  return text + ", " + DurationText(std::chrono::seconds(static_cast<std::int64_t>(left) + 1)) +
         " left";
}

void ReadingProgress::Show(std::uint64_t done, std::uint64_t total) {
  line_.Show([&](std::chrono::milliseconds elapsed) { return ReadingText(done, total, elapsed); },
             "; what is found is kept");
}

}  // namespace beamgrid
