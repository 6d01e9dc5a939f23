#include "tests/fuzz/mutator.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <fstream>
#include <utility>

namespace beamgrid::fuzz {
namespace {

/// The words where a dictionary gives none.
const std::vector<std::string> kAnyWords = {"\"", "{", "}", "[", "]", ":",    ",",
                                            "\n", " ", "-", ".", "/", "null", "../"};

const std::vector<std::string> kNumbers = {"0",
                                           "-0.0",
                                           "-1",
                                           "1e400",
                                           "1e-400",
                                           "2147483647",
                                           "2147483648",
                                           "4294967296",
                                           "9223372036854775807",
                                           "-9223372036854775808",
                                           "18446744073709551615",
                                           "99999999999999999999",
                                           "0.1",
                                           "1.7976931348623157e308"};

std::string Unescaped(std::string_view text) {
  std::string word;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      word += text[i];
    } else if (text[i + 1] == 'x' && i + 3 < text.size()) {
      unsigned byte = 0;
      std::from_chars(text.data() + i + 2, text.data() + i + 4, byte, 16);
      word += static_cast<char>(byte);
      i += 3;
    } else {
      word += text[++i];
    }
  }
  return word;
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::vector<std::string> ReadDictionary(const std::filesystem::path& path) {
  std::vector<std::string> words;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::size_t begin = line.find('"'), end = line.rfind('"');
    if (line.starts_with('#') || begin == end) continue;
    words.push_back(Unescaped(std::string_view(line).substr(begin + 1, end - begin - 1)));
  }
  return words;
}

Mutator::Mutator(std::vector<std::string> inputs, std::vector<std::string> words,
                 std::size_t longest, std::uint64_t seed)
    : inputs_(std::move(inputs)), words_(std::move(words)), longest_(longest), random_(seed) {
  if (words_.empty()) words_ = kAnyWords;
}

std::string Mutator::Next() {
  std::string bytes = OneOf(inputs_);
  for (std::size_t changes = 1 + Below(8); changes > 0; --changes) Change(bytes);
  if (bytes.size() > longest_) bytes.resize(longest_);
  return bytes;
}

void Mutator::Change(std::string& bytes) {
  if (bytes.empty()) return InsertWord(bytes);
  switch (Below(9)) {
    case 0:
      return FlipBit(bytes);
    case 1:
      return SetByte(bytes);
    case 2:
      return Erase(bytes);
    case 3:
      return Repeat(bytes);
    case 4:
      return InsertWord(bytes);
    case 5:
      return SpliceOther(bytes);
    case 6:
      return SetLength(bytes);
    case 7:
      return SetNumber(bytes);
    default:
      return bytes.resize(Below(bytes.size()));
  }
}

void Mutator::FlipBit(std::string& bytes) {
  bytes[Below(bytes.size())] ^= static_cast<char>(1 << Below(8));
}

void Mutator::SetByte(std::string& bytes) {
  bytes[Below(bytes.size())] = static_cast<char>(Below(256));
}

void Mutator::Erase(std::string& bytes) { bytes.erase(Below(bytes.size()), 1 + Below(16)); }

void Mutator::Repeat(std::string& bytes) {
  const std::string piece = bytes.substr(Below(bytes.size()), 1 + Below(32));
  const std::size_t at = Below(bytes.size());
  for (std::size_t times = 1 + Below(4); times > 0; --times) bytes.insert(at, piece);
}

void Mutator::InsertWord(std::string& bytes) {
  bytes.insert(bytes.empty() ? 0 : Below(bytes.size() + 1), OneOf(words_));
}

/// The front of this one, the end of another.
void Mutator::SpliceOther(std::string& bytes) {
  const std::string& other = OneOf(inputs_);
  bytes.resize(Below(bytes.size() + 1));
  bytes += other.substr(Below(other.size() + 1));
}

/// A little-endian number somewhere becomes what a length must not be, or differs by a little.
void Mutator::SetLength(std::string& bytes) {
  const std::size_t width = std::size_t{1} << Below(4);
  if (bytes.size() < width) return;
  char* const place = bytes.data() + Below(bytes.size() - width + 1);
  std::uint64_t number = 0;
  std::memcpy(&number, place, width);
  const std::array<std::uint64_t, 10> limits = {0,
                                                1,
                                                bytes.size(),
                                                0x7f,
                                                0x7fffffff,
                                                0x80000000,
                                                0xffffffff,
                                                std::uint64_t{1} << 40,
                                                std::uint64_t{1} << 63,
                                                ~std::uint64_t{0}};
  const std::size_t choice = Below(limits.size() + 4);
  number = choice < limits.size() ? limits[choice] : number + Below(17) - 8;
  std::memcpy(place, &number, width);
}

/// A number in digits becomes one at a limit.
void Mutator::SetNumber(std::string& bytes) {
  const auto from = bytes.begin() + static_cast<std::ptrdiff_t>(Below(bytes.size()));
  const auto begin = std::find_if(from, bytes.end(), IsDigit);
  const auto end = std::find_if_not(begin, bytes.end(), IsDigit);
  if (begin != end) bytes.replace(begin, end, OneOf(kNumbers));
}

std::size_t Mutator::Below(std::size_t bound) {
  return random_.Below(static_cast<std::uint32_t>(bound));
}

const std::string& Mutator::OneOf(const std::vector<std::string>& texts) {
  return texts[Below(texts.size())];
}

}  // namespace beamgrid::fuzz
