#pragma once
// Changes inputs as damage and malice would: bits, pieces, lengths, numbers at their limits, words
// of the format. Deterministic: the same seed gives the same inputs on every machine.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "trainer/data/random.h"

namespace beamgrid::fuzz {

/// The words of a libFuzzer dictionary: a line each, "word" or name="word", with \\, \" and \xHH.
[[nodiscard]] std::vector<std::string> ReadDictionary(const std::filesystem::path& path);

class Mutator {
 public:
  /// `inputs`, not empty: what mutants are made from. No mutant is longer than `longest`.
  Mutator(std::vector<std::string> inputs, std::vector<std::string> words, std::size_t longest,
          std::uint64_t seed);

  /// One of the inputs with one to eight changes.
  [[nodiscard]] std::string Next();

 private:
  void Change(std::string& bytes);
  void FlipBit(std::string& bytes);
  void SetByte(std::string& bytes);
  void Erase(std::string& bytes);
  void Repeat(std::string& bytes);
  void InsertWord(std::string& bytes);
  void SpliceOther(std::string& bytes);
  void SetLength(std::string& bytes);
  void SetNumber(std::string& bytes);

  [[nodiscard]] std::size_t Below(std::size_t bound);
  [[nodiscard]] const std::string& OneOf(const std::vector<std::string>& texts);

  std::vector<std::string> inputs_, words_;
  std::size_t longest_;
  Random random_;
};

}  // namespace beamgrid::fuzz
