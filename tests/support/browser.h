#pragma once
// A headless Chromium that a test leads by its debugging pipe: what it shows, asks for and
// complains of.

#include <sys/types.h>

#include <boost/json.hpp>
#include <filesystem>
#include <string>
#include <vector>

namespace beamgrid {

/// Browser is one page of a Chromium of its own. No member waits for a clock: each waits for the
/// browser's answer.
class Browser {
 public:
  /// True if there is a Chromium here.
  [[nodiscard]] static bool IsThere();

  /// `folder` is for what it keeps.
  explicit Browser(const std::filesystem::path& folder);
  ~Browser();
  Browser(const Browser&) = delete;
  Browser& operator=(const Browser&) = delete;

  /// Goes to the address and waits until the page is loaded.
  void Open(const std::string& url);
  /// Returns the value of a JavaScript expression; of a promise what it comes to. A failed test and
  /// null where it throws.
  boost::json::value Evaluate(const std::string& expression);
  /// Waits until the expression, which is asked again after each change of the page and on the page
  /// that may take its place, is true.
  void WaitUntil(const std::string& expression);
  /// Sends a command of the DevTools protocol and returns its result.
  boost::json::object Command(const std::string& method, boost::json::object parameters = {});

  /// Addresses that the page asked for, and everything that it complained of, so far.
  [[nodiscard]] const std::vector<std::string>& requests() const { return requests_; }
  [[nodiscard]] const std::vector<std::string>& complaints() const { return complaints_; }

 private:
  void Send(const boost::json::object& message) const;
  /// Sends a command and returns the answer, with its result or its error.
  boost::json::object Ask(const std::string& method, boost::json::object parameters);
  /// Returns the next message, noted if it is an event.
  boost::json::object Receive();
  void Note(const boost::json::object& event);

  pid_t pid_ = -1;
  int to_ = -1, from_ = -1;
  std::string read_;
  std::int64_t commands_ = 0;
  std::string session_;
  bool loaded_ = false;
  std::vector<std::string> requests_, complaints_;
};

}  // namespace beamgrid
