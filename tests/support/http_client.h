#pragma once
// A client of HTTP for tests: says what it is told to, byte for byte.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

namespace beamgrid {

/// HttpClient is one connection to 127.0.0.1.
class HttpClient {
 public:
  explicit HttpClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_port = htons(port);
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&place), sizeof place) != 0) {
      ::close(fd_);
      throw std::runtime_error("cannot connect");
    }
  }
  ~HttpClient() {
    if (fd_ >= 0) ::close(fd_);
  }
  HttpClient(HttpClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), read_(std::move(other.read_)) {}
  HttpClient& operator=(HttpClient&&) = delete;

  void Send(const std::string& text) const {
    // The server may have closed its end already.
    (void)!::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
  }
  /// Returns what came until the text did, it included; all of it where the server closed before.
  std::string ReadUntil(const std::string& text) {
    while (true) {
      const std::size_t at = read_.find(text);
      if (at != std::string::npos) {
        std::string before = read_.substr(0, at + text.size());
        read_.erase(0, before.size());
        return before;
      }
      if (!ReadMore()) return std::exchange(read_, {});
    }
  }
  /// Returns all until the server closes.
  std::string ReadAll() {
    while (ReadMore()) {
    }
    return std::exchange(read_, {});
  }
  /// Returns an answer with a Content-Length, header and body.
  std::string ReadAnswer() {
    std::string answer = ReadUntil("\r\n\r\n");
    const std::size_t at = answer.find("Content-Length: ");
    if (at == std::string::npos) return answer;
    const std::size_t length = std::stoul(answer.substr(at + 16));
    while (read_.size() < length && ReadMore()) {
    }
    answer += read_.substr(0, length);
    read_.erase(0, length);
    return answer;
  }

 private:
  bool ReadMore() {
    char bytes[4096];
    const ssize_t size = ::recv(fd_, bytes, sizeof bytes, 0);
    if (size <= 0) return false;
    read_.append(bytes, static_cast<std::size_t>(size));
    return true;
  }

  int fd_;
  std::string read_;
};

/// Returns the answer to a GET of the target, to the end of the connection.
inline std::string HttpGet(std::uint16_t port, const std::string& target,
                           const std::string& headers = "Host: 127.0.0.1\r\n") {
  HttpClient client(port);
  client.Send("GET " + target + " HTTP/1.1\r\n" + headers + "Connection: close\r\n\r\n");
  return client.ReadAll();
}

}  // namespace beamgrid
