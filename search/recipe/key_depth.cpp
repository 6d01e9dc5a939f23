#include "search/recipe/key_depth.h"

#include <string>

namespace beamgrid {
namespace {

class Scanner {
 public:
  Scanner(std::string_view text, int most) : text_(text), most_(most) {}

  std::optional<TextPosition> Find() {
    int parts = 1;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"' || c == '\'') {
        SkipString(c);
      } else if (c == '#') {
        SkipTo('\n');
      } else {
        if (c == '.' && ++parts > most_) return Position();
        if (EndsKey(c)) parts = 1;
        ++at_;
      }
    }
    return std::nullopt;
  }

 private:
  static bool EndsKey(char c) {
    return std::string_view("=,[]{}\n").find(c) != std::string_view::npos;
  }

  void SkipTo(char end) {
    while (at_ < text_.size() && text_[at_] != end) ++at_;
  }

  [[nodiscard]] bool Tripled(char quote) const {
    return text_.substr(at_, 3) == std::string(3, quote);
  }

  void SkipString(char quote) {
    const bool lines = Tripled(quote);
    at_ += lines ? 3 : 1;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n' && !lines) return;
      if (c == '\\' && quote == '"') {
        at_ += 2;
      } else if (c == quote && (!lines || Tripled(quote))) {
        at_ += lines ? 3 : 1;
        return;
      } else {
        ++at_;
      }
    }
  }

  [[nodiscard]] TextPosition Position() const {
    TextPosition position;
    for (const char c : text_.substr(0, at_)) {
      if (c == '\n') {
        ++position.line;
        position.column = 1;
      } else {
        ++position.column;
      }
    }
    return position;
  }

  std::string_view text_;
  int most_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<TextPosition> FindLongKey(std::string_view text, int most) {
  return Scanner(text, most).Find();
}

}  // namespace beamgrid
