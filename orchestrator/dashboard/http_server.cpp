#include "orchestrator/dashboard/http_server.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <optional>

#include "registry/util/error.h"
#include "registry/util/system_error.h"

namespace beamgrid {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

/// Bell lets one coroutine wait for calls from other threads. Those who may still ring it keep it
/// alive, longer than the server perhaps: it holds nothing of Asio's.
class Bell : public std::enable_shared_from_this<Bell> {
 public:
  explicit Bell(asio::io_context& io) : io_(io) {}

  /// From any thread, while the server lives.
  void Ring() {
    asio::post(io_, [self = shared_from_this()] {
      self->rung_ = true;
      if (self->timer_ != nullptr) self->timer_->cancel();
    });
  }
  /// Waits until it was rung since the last call, at most so long. Returns whether it was.
  asio::awaitable<bool> Wait(std::chrono::milliseconds most) {
    if (!rung_) {
      error_code ignored;
      asio::steady_timer timer(io_, most);
      timer_ = &timer;
      co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
      timer_ = nullptr;
    }
    co_return std::exchange(rung_, false);
  }

 private:
  asio::io_context& io_;
  asio::steady_timer* timer_ = nullptr;  ///< of the coroutine while it waits
  bool rung_ = false;
};

/// Letter is an answer on its way from another thread.
struct Letter {
  std::shared_ptr<Bell> bell;
  std::optional<HttpAnswer> answer;
};

constexpr std::chrono::hours kNoLimit{24};

bool IsToken(std::string_view list, std::string_view wanted) {
  return list.find(wanted) != std::string_view::npos;
}

}  // namespace

bool IsOwnHost(std::string_view host) {
  const std::size_t colon = std::min(host.find(':'), host.size());
  const std::string_view port = host.substr(std::min(colon + 1, host.size()));
  const bool has_digits = std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; });
  const bool has_port = colon == host.size() || (!port.empty() && has_digits && port.size() <= 5);
  const std::string_view name = host.substr(0, colon);
  return has_port && (name == "127.0.0.1" || beast::iequals(name, "localhost"));
}

/// Sessions is the server's inside: one coroutine per connection, all on one thread.
class HttpServer::Sessions {
 public:
  Sessions(std::uint16_t port, HttpHandler& handler, HttpLimits limits)
      : handler_(handler), limits_(limits), acceptor_(io_), stop_(io_) {
    const tcp::endpoint place(asio::ip::address_v4::loopback(), port);
    error_code failed;
    acceptor_.open(place.protocol());
    // Else a port is not to be had for a minute after its last server ended.
    acceptor_.set_option(tcp::acceptor::reuse_address(true));
    if (!acceptor_.bind(place, failed))
      acceptor_.listen(asio::socket_base::max_listen_connections, failed);
    if (failed) {
      throw UsageError("port " + std::to_string(port) + " of 127.0.0.1: " + failed.message() +
                       "; name another one by --port, or 0 for any that is free");
    }
    const int event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event < 0) throw SystemError("eventfd", "cannot be made", errno);
    stop_.assign(event);
  }

  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

  void Run() {
    stop_.async_wait(asio::posix::stream_descriptor::wait_read,
                     [this](const error_code&) { io_.stop(); });
    asio::co_spawn(io_, Accept(), asio::detached);
    io_.run();
  }

  void Stop() noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t ignored = ::write(stop_.native_handle(), &one, sizeof one);
  }

 private:
  using Parser = http::request_parser<http::empty_body>;
  using Request = http::request<http::empty_body>;
  enum class Then { kNextRequest, kClose };

  asio::awaitable<void> Accept() {
    while (true) {
      error_code failed;
      tcp::socket socket =
          co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, failed));
      if (failed) {
        // No descriptor is left, or the client has gone: the next may fare better.
        constexpr std::chrono::milliseconds kPause{100};
        asio::steady_timer pause(io_, kPause);
        co_await pause.async_wait(asio::use_awaitable);
      } else if (connections_ >= limits_.connections_max) {
        TurnAway(socket);
      } else {
        ++connections_;
        asio::co_spawn(io_, Serve(beast::tcp_stream(std::move(socket))),
                       [this](const std::exception_ptr&) { --connections_; });
      }
    }
  }

  /// Says that there are too many. It fits into what the system keeps for a socket: nothing waits.
  static void TurnAway(tcp::socket& socket) {
    error_code ignored;
    socket.non_blocking(true, ignored);
    const std::string why = "Too many pages are open; close some of them\n";
    const std::string text =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: " +
        std::to_string(why.size()) + "\r\nRetry-After: 5\r\nConnection: close\r\n\r\n" + why;
    socket.send(asio::buffer(text), 0, ignored);
  }

  asio::awaitable<void> Serve(beast::tcp_stream stream) {
    beast::flat_buffer buffer(limits_.header_bytes_max);
    Then then = Then::kNextRequest;
    while (then == Then::kNextRequest) {
      Parser parser;
      parser.header_limit(static_cast<std::uint32_t>(limits_.header_bytes_max));
      error_code failed;
      stream.expires_after(limits_.request);
      co_await http::async_read_header(stream, buffer, parser,
                                       asio::redirect_error(asio::use_awaitable, failed));
      if (failed) {
        if (const auto refusal = RefusalOf(failed)) co_await Write(stream, {}, *refusal);
        break;
      }
      then = co_await Answer(stream, parser);
    }
    error_code ignored;
    stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
  }

  /// Returns the answer to what is no request; nothing where the client is gone, or too slow.
  [[nodiscard]] std::optional<HttpAnswer> RefusalOf(const error_code& failed) {
    static const auto& of_http = http::make_error_code(http::error::bad_target).category();
    const bool ended =
        failed == http::error::end_of_stream || failed == http::error::partial_message;
    if (failed.category() != of_http || ended) return std::nullopt;
    const bool too_large =
        failed == http::error::header_limit || failed == http::error::buffer_overflow;
    return too_large ? Refusal(431, "the request is too large")
                     : Refusal(400, "this is no request of HTTP");
  }

  [[nodiscard]] HttpAnswer Refusal(int status, const std::string& why,
                                   const std::string& target = "") {
    HttpAnswer answer = handler_.Refuse(status, why, target);
    if (status == 405) answer.headers.emplace_back("Allow", "GET, HEAD");
    return answer;
  }

  /// Returns why the request is refused, whatever it asks for.
  [[nodiscard]] std::optional<HttpAnswer> WhyNot(const Parser& parser) {
    const Request& request = parser.get();
    const std::string target(request.target().data(), request.target().size());
    if (request.method() != http::verb::get && request.method() != http::verb::head) {
      return Refusal(405, "this server only shows the record: it answers GET and HEAD", target);
    }
    const bool has_body = parser.chunked() || parser.content_length().value_or(0) > 0;
    if (has_body) return Refusal(400, "a request that reads has no body", target);
    if (request.count(http::field::host) != 1) {
      return Refusal(400, "a request names the host that it is for, once", target);
    }
    if (!IsOwnHost({request[http::field::host].data(), request[http::field::host].size()})) {
      return Refusal(421, "this server answers to 127.0.0.1 and localhost alone", target);
    }
    return std::nullopt;
  }

  asio::awaitable<Then> Answer(beast::tcp_stream& stream, const Parser& parser) {
    const Request& request = parser.get();
    if (auto refusal = WhyNot(parser)) {
      // What else it sent would be taken for the next request.
      (void)co_await Write(stream, request, *std::move(refusal));
      co_return Then::kClose;
    }
    const std::string target(request.target().data(), request.target().size());
    const auto accept = request[http::field::accept];
    const bool follows = request.method() == http::verb::get &&
                         IsToken({accept.data(), accept.size()}, "text/event-stream");
    if (follows) {
      const auto bell = std::make_shared<Bell>(io_);
      if (const auto events = handler_.Follow(target, [bell] { bell->Ring(); })) {
        co_await Stream(stream, *events, bell);
        co_return Then::kClose;
      }
    }
    const auto letter = std::make_shared<Letter>(Letter{std::make_shared<Bell>(io_), {}});
    handler_.Get(target, [this, letter](HttpAnswer answer) {
      asio::post(io_, [letter, answer = std::move(answer)]() mutable {
        letter->answer = std::move(answer);
        letter->bell->Ring();
      });
    });
    // A program, which does not ask for HTML by name, wants the answer itself.
    if (IsToken({accept.data(), accept.size()}, "text/html")) {
      (void)co_await letter->bell->Wait(limits_.patience);
      if (!letter->answer) letter->answer = handler_.Meanwhile(target);
    }
    while (!letter->answer) (void)co_await letter->bell->Wait(kNoLimit);
    co_return co_await Write(stream, request, *std::move(letter->answer));
  }

  asio::awaitable<Then> Write(beast::tcp_stream& stream, const Request& request,
                              HttpAnswer answer) {
    http::response<http::span_body<const char>> response;
    response.version(request.version() == 0 ? 11 : request.version());
    response.result(static_cast<unsigned>(answer.status));
    response.set(http::field::content_type, answer.type);
    response.set(http::field::cache_control, "no-store");
    for (const auto& [name, value] : answer.headers) response.set(name, value);
    response.keep_alive(request.keep_alive() && answer.status < 400);
    response.body() = {answer.body->data(), answer.body->size()};
    response.prepare_payload();
    http::response_serializer<http::span_body<const char>> serializer(response);
    error_code failed;
    stream.expires_after(limits_.write);
    if (request.method() == http::verb::head) {
      co_await http::async_write_header(stream, serializer,
                                        asio::redirect_error(asio::use_awaitable, failed));
    } else {
      co_await http::async_write(stream, serializer,
                                 asio::redirect_error(asio::use_awaitable, failed));
    }
    co_return !failed && response.keep_alive() ? Then::kNextRequest : Then::kClose;
  }

  /// Sends what is new for as long as the client listens. A slow one gets the latest state, not all
  /// that came before it: nothing piles up.
  asio::awaitable<void> Stream(beast::tcp_stream& stream, EventStream& events,
                               const std::shared_ptr<Bell>& bell) {
    const auto gone = std::make_shared<bool>(false);
    // A client has nothing to say here: whatever it sends is its end.
    stream.socket().async_wait(tcp::socket::wait_read, [gone, bell](const error_code&) {
      *gone = true;
      bell->Ring();
    });
    std::string text =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n";
    while (!*gone) {
      text += events.Next();
      if (!text.empty()) {
        error_code failed;
        stream.expires_after(limits_.write);
        co_await asio::async_write(stream, asio::buffer(text),
                                   asio::redirect_error(asio::use_awaitable, failed));
        if (failed) co_return;
        stream.expires_never();
        text.clear();
        continue;
      }
      if (!co_await bell->Wait(limits_.heartbeat)) text = ": still here\n\n";
    }
  }

  HttpHandler& handler_;
  HttpLimits limits_;
  asio::io_context io_{1};
  tcp::acceptor acceptor_;
  asio::posix::stream_descriptor stop_;
  std::size_t connections_ = 0;
};

HttpServer::HttpServer(std::uint16_t port, HttpHandler& handler, HttpLimits limits)
    : sessions_(std::make_unique<Sessions>(port, handler, limits)) {}
HttpServer::~HttpServer() = default;

std::uint16_t HttpServer::port() const { return sessions_->port(); }
void HttpServer::Run() { sessions_->Run(); }
void HttpServer::Stop() noexcept { sessions_->Stop(); }

}  // namespace beamgrid
