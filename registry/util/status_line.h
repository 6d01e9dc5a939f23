#pragma once
// One line of standard error that says what long work is at.

#include <chrono>
#include <functional>
#include <string>

namespace beamgrid {

/// StatusLine keeps one line of standard error up to date where that is a terminal, and says one
/// line elsewhere. Work that ends within a second is not spoken of.
class StatusLine {
 public:
  explicit StatusLine(bool show);
  ~StatusLine() { End(); }
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  /// `text` says it, from the time since the line was made; `once` is added where one line is all
  /// that is said.
  void Show(const std::function<std::string(std::chrono::milliseconds)>& text,
            const std::string& once);
  /// Takes the line away.
  void End();

 private:
  enum class Form { kNone, kTerminal, kOneLine };
  Form form_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

}  // namespace beamgrid
