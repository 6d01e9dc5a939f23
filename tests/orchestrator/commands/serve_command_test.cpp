// `beamgrid serve` as a whole, in this process: real sockets, a real record.

#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <thread>

#include "orchestrator/commands/command_line.h"
#include "registry/util/files.h"
#include "registry/util/json.h"
#include "tests/orchestrator/commands/command_test_support.h"
#include "tests/reports/page/page_support.h"
#include "tests/support/await.h"
#include "tests/support/http_client.h"
#include "tests/support/page_check.h"

namespace beamgrid {
namespace serve_command_test {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

/// LineBuffer hands out its first line to another thread.
class LineBuffer : public std::streambuf {
 public:
  std::string FirstLine() { return line_.get_future().get(); }

 private:
  int overflow(int c) override {
    if (c == '\n' && !told_) {
      told_ = true;
      line_.set_value(text_);
    }
    text_ += static_cast<char>(c);
    return c;
  }
  std::string text_;
  bool told_ = false;
  std::promise<std::string> line_;
};

/// Server is the command at work, on a port of its own.
class Server {
 public:
  explicit Server(const std::string& database)
      : thread_([this, database] {
          std::ostream out(&out_);
          exit_code_ = RunCommandLine({"serve", "--port", "0", "--db", database}, out, err_);
        }) {
    url_ = out_.FirstLine();
    port_ = static_cast<std::uint16_t>(std::stoul(url_.substr(url_.rfind(':') + 1)));
  }
  ~Server() {
    if (thread_.joinable()) static_cast<void>(End(SIGINT));
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string Get(const std::string& target) const { return HttpGet(port_, target); }
  /// Asks until the answer holds the text: the record is looked at once a second.
  void WaitFor(const std::string& target, const std::string& text) const {
    Await(text + " in " + target, [&] { return Get(target).find(text) != std::string::npos; });
  }
  int End(int signal) {
    // To the command's own thread, as in a program whose main thread it is.
    ::pthread_kill(thread_.native_handle(), signal);
    thread_.join();
    return exit_code_;
  }
  [[nodiscard]] std::string err() const { return err_.str(); }

 private:
  LineBuffer out_;
  std::ostringstream err_;
  int exit_code_ = -1;
  std::string url_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

std::string BodyOf(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }

class ServeCommandTest : public CommandTest {
 protected:
  ServeCommandTest() {
    UseFakeTrainer();
    Store store(database_, OpenMode::kReadWrite);
    FillPageStudy(store, "s", "<b>bold</b>");
  }
  [[nodiscard]] std::string Refusal(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "serve");
    const Called called = Call(arguments);
    EXPECT_EQ(called.exit_code, 2) << called.err;
    EXPECT_EQ(called.out, "");
    return called.err;
  }

  const std::string database_ = Path("record.db");
};

TEST_F(ServeCommandTest, PrintsItsAddressServesAndEndsBySignal) {
  for (const int signal : {SIGINT, SIGTERM}) {
    Server server(database_);
    EXPECT_THAT(server.url(), testing::MatchesRegex("http://127\\.0\\.0\\.1:[0-9]+/"));
    const std::string answer = server.Get("/");
    EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 200 OK"), HasSubstr("frame-ancestors 'none'"),
                              HasSubstr("nosniff"), HasSubstr("/studies/s")));
    EXPECT_THAT(ProblemsOfPage(BodyOf(answer), PageLinks::kIntoItsServer), IsEmpty());
    EXPECT_EQ(server.End(signal), 0);
    EXPECT_THAT(server.err(), IsEmpty());
  }
}

TEST_F(ServeCommandTest, EachViewIsThere) {
  const Server server(database_);
  EXPECT_THAT(server.Get("/studies/s"), HasSubstr("Leaderboard"));
  const std::string report = server.Get("/studies/s/report");
  EXPECT_THAT(report, HasSubstr("What was asked"));
  EXPECT_THAT(ProblemsOfPage(BodyOf(report), PageLinks::kIntoItsServer), IsEmpty());
  EXPECT_THAT(server.Get("/studies/s/report/effects?classifier=moe"),
              HasSubstr("classifier = moe"));
  EXPECT_EQ(ParseJson(BodyOf(server.Get("/api/studies/s"))).at("name"), "s");
  EXPECT_THAT(server.Get("/studies/none"),
              AllOf(StartsWith("HTTP/1.1 404 "), HasSubstr("studies: s")));
  EXPECT_THAT(server.Get("/nothing"), StartsWith("HTTP/1.1 404 "));
  const std::string nosuch = server.Get("/api/nosuch");
  EXPECT_THAT(nosuch, AllOf(StartsWith("HTTP/1.1 404 "), HasSubstr("application/json")));
  EXPECT_THAT(ParseJson(BodyOf(nosuch)).at("error").as_string(), HasSubstr("no such page"));
  EXPECT_THAT(server.Get("/studies/s/trials/1"), HasSubstr("beamgrid show 1"));
  EXPECT_EQ(ParseJson(BodyOf(server.Get("/api/studies/s/trials/1"))).at("id"), 1);
  EXPECT_THAT(server.Get("/studies/s?temporl=x"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(HttpGet(server.port(), "/", "Host: evil.example\r\n"), StartsWith("HTTP/1.1 421 "));
}

TEST_F(ServeCommandTest, PushesWhatChanges) {
  const Server server(database_);
  HttpClient client(server.port());
  client.Send("GET /studies/s HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n");
  EXPECT_THAT(client.ReadUntil("event: sections\ndata: "), HasSubstr("text/event-stream"));
  const auto all = ParseJson(client.ReadUntil("\n\n"));
  EXPECT_EQ(all.at("sections").as_array().size(), all.at("ids").as_array().size());
  {
    Store store(database_, OpenMode::kReadWrite);
    static_cast<void>(store.AddTrials(store.FindStudy("s")->id, {ExampleNewTrial()}));
  }
  client.ReadUntil("event: sections\ndata: ");
  const auto changed = ParseJson(client.ReadUntil("\n\n"));
  std::vector<std::string> ids;
  for (const auto& section : changed.at("sections").as_array()) {
    ids.emplace_back(section.at("id").as_string());
  }
  EXPECT_THAT(ids, testing::ElementsAre("live-now", "live-queue"));
  EXPECT_THAT(std::string(changed.at("sections").at(1).at("html").as_string()),
              HasSubstr("MC-BLSTM512"));
}

TEST_F(ServeCommandTest, GoesOnWhateverBecomesOfTheRecord) {
  const Server server(database_);
  EXPECT_THAT(server.Get("/studies/s"), StartsWith("HTTP/1.1 200 "));
  const std::filesystem::path away = Path("away.db");
  std::filesystem::rename(database_, away);
  server.WaitFor("/studies/s", "no database");
  EXPECT_THAT(server.Get("/api/studies"), StartsWith("HTTP/1.1 503 "));
  Write("record.db", "this is no database, however long it is looked at");
  server.WaitFor("/studies/s", "not a database");
  {
    Store other(Path("other.db"), OpenMode::kReadWrite);
    FillPageStudy(other, "u");
  }
  std::filesystem::rename(Path("other.db"), database_);
  server.WaitFor("/", "/studies/u");
  server.WaitFor("/studies/s", "HTTP/1.1 404 ");
}

TEST_F(ServeCommandTest, ALivePageNeedsNoTrainer) {
  setenv("BEAMGRID_TRAINER", "/nowhere/trainer", 1);
  const Server server(database_);
  EXPECT_THAT(server.Get("/studies/s"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(server.Get("/studies/s/report"),
              AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("/nowhere/trainer")));
}

TEST_F(ServeCommandTest, RefusesWhatItCannotServe) {
  EXPECT_THAT(Refusal({"--db", Path("none.db")}), HasSubstr("no database"));
  EXPECT_THAT(Refusal({"--db", database_, "--port", "65536"}), HasSubstr("--port"));
  EXPECT_THAT(Refusal({"--db", database_, "--port", "x"}), HasSubstr("--port"));
  const Server server(database_);
  EXPECT_THAT(Refusal({"--db", database_, "--port", std::to_string(server.port())}),
              AllOf(HasSubstr("in use"), HasSubstr("--port")));
  Write("text.db", "some text that is no database at all, in a file that is long enough");
  const Called called = Call({"serve", "--db", Path("text.db"), "--port", "0"});
  EXPECT_EQ(called.exit_code, 1);
  EXPECT_THAT(called.err, HasSubstr("something else"));
}

}  // namespace serve_command_test
}  // namespace beamgrid
