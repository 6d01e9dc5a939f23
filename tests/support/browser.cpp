#include "tests/support/browser.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace beamgrid {
namespace {

/// The descriptors on which Chromium reads commands and writes answers.
constexpr int kCommandsFd = 3, kAnswersFd = 4;
/// Room above both for our ends of the pipes.
constexpr int kHighFd = 10;

[[noreturn]] void BecomeBrowser(const std::filesystem::path& folder, int commands, int answers) {
  // What is dup2'ed stays open across exec; copies above do not.
  const int high_commands = ::fcntl(commands, F_DUPFD_CLOEXEC, kHighFd);
  const int high_answers = ::fcntl(answers, F_DUPFD_CLOEXEC, kHighFd);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  ::dup2(high_commands, kCommandsFd);
  ::dup2(high_answers, kAnswersFd);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, fd);
  ::setpgid(0, 0);
  const std::string data = "--user-data-dir=" + folder.string();
  ::execlp("chromium", "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
           "--disable-background-networking", "--disable-component-update",
           "--disable-dev-shm-usage", "--remote-debugging-pipe", data.c_str(), "about:blank",
           static_cast<char*>(nullptr));
  ::_exit(127);
}

std::string TextOf(const boost::json::object& object, const char* key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

}  // namespace

bool Browser::IsThere() { return std::system("command -v chromium >/dev/null 2>&1") == 0; }

Browser::Browser(const std::filesystem::path& folder) {
  std::array<int, 2> commands{}, answers{};
  if (::pipe2(commands.data(), O_CLOEXEC) != 0 || ::pipe2(answers.data(), O_CLOEXEC) != 0) {
    throw std::runtime_error("no pipe");
  }
  pid_ = ::fork();
  if (pid_ == 0) BecomeBrowser(folder, commands[0], answers[1]);
  ::close(commands[0]);
  ::close(answers[1]);
  to_ = commands[1];
  from_ = answers[0];
  const auto targets = Command("Target.getTargets").at("targetInfos").as_array();
  boost::json::value page;
  for (const auto& target : targets) {
    if (target.at("type") == "page") page = target.at("targetId");
  }
  session_ = TextOf(Command("Target.attachToTarget", {{"targetId", page}, {"flatten", true}}),
                    "sessionId");
  for (const char* domain : {"Page", "Network", "Log", "Runtime"}) {
    Command(std::string(domain) + ".enable");
  }
}

Browser::~Browser() {
  ::close(to_);
  ::close(from_);
  // Its helpers too: they are of its group.
  ::kill(-pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Browser::Send(const boost::json::object& message) const {
  const std::string text = boost::json::serialize(message) + '\0';
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t size = ::write(to_, text.data() + at, text.size() - at);
    if (size <= 0) throw std::runtime_error("chromium is gone");
    at += static_cast<std::size_t>(size);
  }
}

boost::json::object Browser::Receive() {
  std::size_t end = read_.find('\0');
  while (end == std::string::npos) {
    std::array<char, 65536> bytes;
    const ssize_t size = ::read(from_, bytes.data(), bytes.size());
    if (size <= 0) throw std::runtime_error("chromium is gone");
    const std::size_t before = read_.size();
    read_.append(bytes.data(), static_cast<std::size_t>(size));
    end = read_.find('\0', before);
  }
  boost::json::object message = boost::json::parse(read_.substr(0, end)).as_object();
  read_.erase(0, end + 1);
  if (message.contains("method")) Note(message);
  return message;
}

void Browser::Note(const boost::json::object& event) {
  const std::string method = TextOf(event, "method");
  const boost::json::value& told = event.at("params");
  if (method == "Page.loadEventFired") loaded_ = true;
  if (method == "Network.requestWillBeSent") {
    requests_.emplace_back(told.at("request").at("url").as_string());
  }
  if (method == "Log.entryAdded") {
    complaints_.emplace_back(boost::json::serialize(told.at("entry")));
  }
  if (method == "Runtime.exceptionThrown" || method == "Runtime.consoleAPICalled") {
    complaints_.emplace_back(boost::json::serialize(told));
  }
}

boost::json::object Browser::Ask(const std::string& method, boost::json::object parameters) {
  const std::int64_t id = ++commands_;
  boost::json::object message{{"id", id}, {"method", method}, {"params", std::move(parameters)}};
  if (!session_.empty()) message["sessionId"] = session_;
  Send(message);
  while (true) {
    boost::json::object answer = Receive();
    const auto* of = answer.if_contains("id");
    if (of != nullptr && *of == id) return answer;
  }
}

boost::json::object Browser::Command(const std::string& method, boost::json::object parameters) {
  boost::json::object answer = Ask(method, std::move(parameters));
  if (const auto* error = answer.if_contains("error")) {
    throw std::runtime_error(method + ": " + boost::json::serialize(*error));
  }
  return std::move(answer.at("result").as_object());
}

void Browser::Open(const std::string& url) {
  loaded_ = false;
  Command("Page.navigate", {{"url", url}});
  while (!loaded_) Receive();
}

boost::json::value Browser::Evaluate(const std::string& expression) {
  const boost::json::object answer =
      Command("Runtime.evaluate",
              {{"expression", expression}, {"awaitPromise", true}, {"returnByValue", true}});
  if (answer.contains("exceptionDetails")) {
    ADD_FAILURE() << expression << ": " << boost::json::serialize(answer);
    return nullptr;
  }
  const auto* value = answer.at("result").as_object().if_contains("value");
  return value == nullptr ? boost::json::value(nullptr) : *value;
}

void Browser::WaitUntil(const std::string& expression) {
  const std::string wait =
      "new Promise((done) => {"
      "  const watch = new MutationObserver(() => look());"
      "  const look = () => { if (" +
      expression +
      ") { watch.disconnect(); done(true); } };"
      "  watch.observe(document, {subtree: true, childList: true, characterData: true,"
      "                           attributes: true});"
      "  look();"
      "})";
  while (true) {
    const boost::json::object answer =
        Ask("Runtime.evaluate",
            {{"expression", wait}, {"awaitPromise", true}, {"returnByValue", true}});
    const auto* result = answer.if_contains("result");
    // Else the page has gone, or is not there yet.
    if (result != nullptr && !result->as_object().contains("exceptionDetails")) return;
  }
}

}  // namespace beamgrid
