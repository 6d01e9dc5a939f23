#pragma once
// HTTP on 127.0.0.1, to read only. It knows sockets, limits and times, and nothing of what it
// serves.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace beamgrid {

/// HttpLimits bounds what one client and all of them may take.
struct HttpLimits {
  std::size_t connections_max = 256;
  std::size_t header_bytes_max = 8192;  ///< of a request, its target included
  /// From the beginning of a connection, or of the answer before, to the end of a request.
  std::chrono::milliseconds request{15'000};
  std::chrono::milliseconds write{30'000};      ///< for a client to take an answer
  std::chrono::milliseconds heartbeat{15'000};  ///< between two signs of life in a stream
  /// For an answer, before a browser is shown something meanwhile.
  std::chrono::milliseconds patience{8};
};

/// HttpAnswer is what a request is answered with.
struct HttpAnswer {
  int status = 200;
  std::string type;
  std::shared_ptr<const std::string> body;
  std::vector<std::pair<std::string, std::string>> headers = {};  ///< further ones
};

/// EventStream is what one client follows. It ends with its destruction.
class EventStream {
 public:
  virtual ~EventStream() = default;
  /// Returns the bytes that the client lacks; empty: nothing is new. Called on the server's thread.
  [[nodiscard]] virtual std::string Next() = 0;
};

/// HttpHandler says what is served. Its members are called on the server's thread and must not
/// block; what they are handed may be called from any thread, until the server is gone.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  /// Calls `answer` once, now or later.
  virtual void Get(const std::string& target, std::function<void(HttpAnswer)> answer) = 0;
  /// Returns the stream of a target, and calls `news` whenever it may have something to say. Null:
  /// there is none, and Get says why.
  virtual std::unique_ptr<EventStream> Follow(const std::string& target,
                                              std::function<void()> news) = 0;
  /// Returns what a person may be shown while the answer to a target is not there; nothing where
  /// there is only to wait.
  [[nodiscard]] virtual std::optional<HttpAnswer> Meanwhile(const std::string& target) = 0;
  /// Returns the answer to a request that the server refuses; `why` is a sentence. `target`: what
  /// it asked for; empty where that is not known.
  [[nodiscard]] virtual HttpAnswer Refuse(int status, const std::string& why,
                                          const std::string& target) = 0;
};

/// True if a request that names this host in its header is meant for a server on 127.0.0.1. Another
/// name may be one that its owner has made lead here, to read with a user's browser what no other
/// machine can (DNS rebinding). Any port will do: tunnels have ports of their own.
[[nodiscard]] bool IsOwnHost(std::string_view host);

/// HttpServer answers GET and HEAD, and refuses all else.
class HttpServer {
 public:
  /// Listens. Port 0 is any that is free. Throws UsageError where the port cannot be had.
  HttpServer(std::uint16_t port, HttpHandler& handler, HttpLimits limits = {});
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  /// Serves until Stop.
  void Run();
  /// May be called from anywhere, from inside a signal handler too.
  void Stop() noexcept;

 private:
  class Sessions;
  std::unique_ptr<Sessions> sessions_;
};

}  // namespace beamgrid
