// What a worker writes to its standard output.
#include <algorithm>

#include "orchestrator/workers/line_splitter.h"
#include "tests/fuzz/fuzz.h"
#include "trainer/protocol/protocol.h"

namespace beamgrid {
namespace {

constexpr std::size_t kLongestLine = 4096;

void ReadLine(std::string_view line) {
  fuzz::Require(line.size() <= kLongestLine, "no line is longer than the bound");
  fuzz::Require(line.find('\n') == std::string_view::npos, "a line is one line");
  const std::optional<Message> message = MessageFromLine(line);
  if (!message) return;
  const std::string written = ToLine(*message);
  const std::optional<Message> read = MessageFromLine(written);
  fuzz::Require(read.has_value(), "a message that is written is read");
  fuzz::Require(ToLine(*read) == written, "it says the same");
}

/// The same bytes in pieces of `piece`.
std::size_t CountLines(std::string_view bytes, std::size_t piece) {
  LineSplitter splitter(kLongestLine);
  std::size_t lines = 0;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    splitter.Feed(bytes.substr(at, piece), [&](std::string_view) { ++lines; });
  }
  return lines;
}

}  // namespace
}  // namespace beamgrid

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace beamgrid;
  const std::string_view bytes = fuzz::TextOf(data, size);
  LineSplitter splitter(kLongestLine);
  splitter.Feed(bytes, ReadLine);
  splitter.Feed("\n", ReadLine);
  const std::size_t piece = size == 0 ? 1 : 1 + data[0];
  fuzz::Require(CountLines(bytes, piece) == CountLines(bytes, 1), "pieces do not show");
  return 0;
}
