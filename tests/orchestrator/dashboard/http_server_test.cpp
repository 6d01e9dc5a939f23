// The server with a handler of the test's own, over real sockets.

#include "orchestrator/dashboard/http_server.h"

#include <gmock/gmock.h>

#include <list>
#include <map>
#include <mutex>
#include <thread>

#include "registry/util/error.h"
#include "tests/support/await.h"
#include "tests/support/error_text.h"
#include "tests/support/http_client.h"

namespace beamgrid {
namespace http_server_test {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

/// Echo answers with the target. "/later" waits for Release, "/events" is a stream.
class Echo : public HttpHandler {
 public:
  void Get(const std::string& target, std::function<void(HttpAnswer)> answer) override {
    HttpAnswer made{.type = "text/plain", .body = std::make_shared<const std::string>(target)};
    if (target != "/later") return answer(std::move(made));
    const std::lock_guard lock(mutex_);
    later_.push_back([answer = std::move(answer), made] { answer(made); });
  }
  std::unique_ptr<EventStream> Follow(const std::string& target,
                                      std::function<void()> news) override {
    if (target != "/events") return nullptr;
    const std::lock_guard lock(mutex_);
    news_ = std::move(news);
    ++streams_;
    return std::make_unique<Stream>(*this);
  }
  std::optional<HttpAnswer> Meanwhile(const std::string& target) override {
    if (target != "/later") return std::nullopt;
    return HttpAnswer{.type = "text/plain", .body = std::make_shared<const std::string>("wait")};
  }
  HttpAnswer Refuse(int status, const std::string& why, const std::string& target) override {
    return {status, "text/plain", std::make_shared<const std::string>(target + " " + why)};
  }

  void Release() {
    AwaitThat("a request for later", [this] { return !later_.empty(); });
    const std::lock_guard lock(mutex_);
    later_.front()();
    later_.pop_front();
  }
  void Say(const std::string& text) {
    AwaitThat("a follower", [this] { return streams_ > 0; });
    const std::lock_guard lock(mutex_);
    text_ += text;
    news_();
  }
  void WaitForNoStream() {
    AwaitThat("the end of all followers", [this] { return streams_ == 0; });
  }

 private:
  template <typename Held>
  void AwaitThat(const std::string& what, const Held& held) {
    Await(what, [&] {
      const std::lock_guard lock(mutex_);
      return held();
    });
  }
  struct Stream : public EventStream {
    explicit Stream(Echo& echo) : echo_(echo) {}
    ~Stream() override {
      const std::lock_guard lock(echo_.mutex_);
      --echo_.streams_;
    }
    std::string Next() override {
      const std::lock_guard lock(echo_.mutex_);
      return std::exchange(echo_.text_, {});
    }
    Echo& echo_;
  };

  std::mutex mutex_;
  std::list<std::function<void()>> later_;  ///< answers that were asked for, oldest first
  std::function<void()> news_;
  std::string text_;
  int streams_ = 0;
};

class HttpServerTest : public testing::Test {
 protected:
  void Start(HttpLimits limits = {}) {
    server_ = std::make_unique<HttpServer>(0, echo_, limits);
    thread_ = std::thread([this] { server_->Run(); });
  }
  ~HttpServerTest() override {
    if (!thread_.joinable()) return;
    server_->Stop();
    thread_.join();
  }
  /// Returns the answer to a request whose first lines are these.
  std::string Ask(const std::string& lines) const {
    HttpClient client(server_->port());
    client.Send(lines + "Connection: close\r\n\r\n");
    return client.ReadAll();
  }

  Echo echo_;
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

TEST_F(HttpServerTest, AnswersAndKeepsTheConnection) {
  Start();
  HttpClient client(server_->port());
  for (const char* target : {"/a", "/b?c=d"}) {
    client.Send(std::string("GET ") + target + " HTTP/1.1\r\nHost: localhost:99\r\n\r\n");
    EXPECT_THAT(client.ReadAnswer(),
                AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("Cache-Control: no-store"),
                      EndsWith(std::string("\r\n\r\n") + target)));
  }
  client.Send("GET /c HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n");
  EXPECT_THAT(client.ReadAll(), EndsWith("/c")) << "an old client gets its answer and the end";
}

TEST_F(HttpServerTest, ABrowserIsShownSomethingMeanwhileAndAProgramWaits) {
  Start();
  const std::string later = "GET /later HTTP/1.1\r\nHost: localhost\r\n";
  EXPECT_THAT(Ask(later + "Accept: text/html,*/*\r\n"), EndsWith("wait"));
  HttpClient program(server_->port());
  program.Send(later + "Accept: */*\r\nConnection: close\r\n\r\n");
  echo_.Release();  // of the browser; what comes too late is lost
  echo_.Release();
  EXPECT_THAT(program.ReadAll(), EndsWith("/later"));
  EXPECT_THAT(Ask("GET /a HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n"), EndsWith("/a"));
}

TEST_F(HttpServerTest, AHeadHasNoBody) {
  Start();
  EXPECT_THAT(Ask("HEAD /abc HTTP/1.1\r\nHost: localhost\r\n"),
              AllOf(HasSubstr("Content-Length: 4\r\n"), EndsWith("\r\n\r\n")));
}

TEST_F(HttpServerTest, OnlyReadsAndOnlyForThisMachine) {
  Start();
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "FETCH"}) {
    EXPECT_THAT(Ask(std::string(method) + " / HTTP/1.1\r\nHost: localhost\r\n"),
                AllOf(StartsWith("HTTP/1.1 405 "), HasSubstr("Allow: GET, HEAD")))
        << method;
  }
  for (const char* host :
       {"evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8017", "10.0.0.1",
        "127.0.0.1:x", "127.0.0.1:", "user@127.0.0.1", "[::1]", ""}) {
    EXPECT_THAT(Ask(std::string("GET / HTTP/1.1\r\nHost: ") + host + "\r\n"),
                StartsWith("HTTP/1.1 421 "))
        << host;
  }
  EXPECT_THAT(Ask("GET / HTTP/1.1\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(Ask("GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n"),
              StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(Ask("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n"),
              StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(Ask("GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"),
              StartsWith("HTTP/1.1 400 "));
}

TEST_F(HttpServerTest, BoundsARequest) {
  Start({.header_bytes_max = 1000});
  EXPECT_THAT(Ask("GET /" + std::string(2000, 'a') + " HTTP/1.1\r\nHost: localhost\r\n"),
              StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(Ask("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(2000, 'a') + "\r\n"),
              StartsWith("HTTP/1.1 431 "));
  for (const char* text : {"\x16\x03\x01 TLS\r\n", "GET\r\n", "GET / HTTP/9.9\r\n", "\r\n\r\n"}) {
    EXPECT_THAT(Ask(text), StartsWith("HTTP/1.1 400 ")) << text;
  }
  EXPECT_THAT(Ask("GET /ok HTTP/1.1\r\nHost: localhost\r\n"), EndsWith("/ok")) << "it goes on";
}

TEST_F(HttpServerTest, LetsGoOfWhoSaysNothing) {
  Start({.request = std::chrono::milliseconds(10)});
  HttpClient client(server_->port());
  client.Send("GET / HTT");
  EXPECT_THAT(client.ReadAll(), IsEmpty());
}

TEST_F(HttpServerTest, TurnsAwayWhoComesWhereThereAreTooMany) {
  Start({.connections_max = 2});
  {
    std::vector<HttpClient> clients;
    for (int i = 0; i < 2; ++i) {
      clients.emplace_back(server_->port());
      clients.back().Send("GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n");
      EXPECT_THAT(clients.back().ReadAnswer(), EndsWith("/a"));
    }
    HttpClient third(server_->port());
    EXPECT_THAT(third.ReadAll(), StartsWith("HTTP/1.1 503 "));
  }
  // The two have gone: sooner or later there is room.
  std::string answer;
  Await(
      "room for one more", [&] { return answer.starts_with("HTTP/1.1 200 "); },
      [&] { answer = HttpGet(server_->port(), "/b"); });
  EXPECT_THAT(answer, EndsWith("/b"));
}

TEST_F(HttpServerTest, TwoHundredAreServedAtOnce) {
  Start();
  std::vector<HttpClient> clients;
  for (int i = 0; i < 200; ++i) clients.emplace_back(server_->port());
  for (const HttpClient& client : clients) {
    client.Send("GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n");
  }
  for (HttpClient& client : clients) EXPECT_THAT(client.ReadAnswer(), EndsWith("/x"));
}

TEST_F(HttpServerTest, AnAnswerMayComeLaterFromAnotherThread) {
  Start();
  HttpClient waiting(server_->port());
  waiting.Send("GET /later HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(HttpGet(server_->port(), "/now"), EndsWith("/now")) << "others do not wait for it";
  echo_.Release();
  EXPECT_THAT(waiting.ReadAll(), EndsWith("/later"));
}

TEST_F(HttpServerTest, AStreamSaysWhatIsNewAndEndsWithItsClient) {
  Start({.heartbeat = std::chrono::milliseconds(5)});
  {
    HttpClient client(server_->port());
    client.Send("GET /events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n");
    EXPECT_THAT(client.ReadUntil("\r\n\r\n"), HasSubstr("Content-Type: text/event-stream"));
    echo_.Say("data: one\n\n");
    EXPECT_THAT(client.ReadUntil("data: one\n\n"), EndsWith("data: one\n\n"));
    EXPECT_THAT(client.ReadUntil(": still here\n\n"), EndsWith(": still here\n\n"));
    echo_.Say("data: two\n\n");
    EXPECT_THAT(client.ReadUntil("data: two\n\n"), EndsWith("data: two\n\n"));
  }
  echo_.WaitForNoStream();
  EXPECT_THAT(Ask("GET /none HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n"),
              EndsWith("/none"))
      << "what has no stream is answered once";
}

TEST_F(HttpServerTest, EndsWithStreamsAndQuestionsOpen) {
  Start();
  HttpClient events(server_->port()), later(server_->port());
  events.Send("GET /events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n");
  EXPECT_THAT(events.ReadUntil("\r\n\r\n"), StartsWith("HTTP/1.1 200 OK"));
  later.Send("GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n");
  server_->Stop();
  thread_.join();
  server_.reset();
  EXPECT_THAT(events.ReadAll(), Not(HasSubstr("HTTP")));
  echo_.WaitForNoStream();
}

TEST_F(HttpServerTest, APortInUseIsToldWithTheWayOut) {
  Start();
  EXPECT_THAT(
      ErrorText<UsageError>([&] { HttpServer(server_->port(), echo_); }),
      AllOf(HasSubstr(std::to_string(server_->port())), HasSubstr("in use"), HasSubstr("--port")));
}

}  // namespace http_server_test
}  // namespace beamgrid
