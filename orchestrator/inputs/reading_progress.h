#pragma once
// What people see of the data being read before a study begins.

#include <chrono>
#include <cstdint>
#include <string>

namespace beamgrid {

/// Returns "reading the data: 3.2 GiB of 10.0 GiB, 12s left". Says nothing of what is left before a
/// byte was read.
[[nodiscard]] std::string ReadingText(std::uint64_t done, std::uint64_t total,
                                      std::chrono::milliseconds elapsed);

/// ReadingProgress keeps one line of standard error up to date where that is a terminal, and says
/// one line elsewhere. Reading that ends within a second is not spoken of.
class ReadingProgress {
 public:
  explicit ReadingProgress(bool show);
  ~ReadingProgress() { End(); }
  ReadingProgress(const ReadingProgress&) = delete;
  ReadingProgress& operator=(const ReadingProgress&) = delete;

  void Show(std::uint64_t done, std::uint64_t total);
  /// Takes the line away.
  void End();

 private:
  enum class Form { kNone, kTerminal, kOneLine };
  Form form_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

}  // namespace beamgrid
