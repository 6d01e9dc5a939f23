// Runs a fuzz target without libFuzzer: over a corpus and over mutants of it, deterministically and
// within a memory bound.
//
//   fuzz_NAME CORPUS [MUTANTS [DICTIONARY]]   a folder of inputs and so many mutants of them
//   fuzz_NAME FILE                            one input
//
// An input that ends the program is left behind as failed-input in the current folder; the next run
// there that ends well takes it away.

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "registry/util/files.h"
#include "tests/fuzz/memory_bound.h"
#include "tests/fuzz/mutator.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace beamgrid::fuzz {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMemoryBound = 128 << 20;
constexpr std::size_t kLongestInput = 64 << 10;
constexpr unsigned kLongestSeconds = 60;
constexpr char kFailedInput[] = "failed-input";

const std::string* current_input = nullptr;

/// Leaves the input at hand behind; async-signal-safe.
void OnDeath(int signal) {
  if (current_input == nullptr) ::_exit(128 + signal);
  const int file = ::open(kFailedInput, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file >= 0) static_cast<void>(!::write(file, current_input->data(), current_input->size()));
  ::_exit(128 + signal);
}

std::size_t most_held = 0;

void RunOne(const std::string& input) {
  current_input = &input;
  ::alarm(kLongestSeconds);  // a reader that hangs dies of it
  SetMemoryBound(kMemoryBound);
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
  most_held = std::max(most_held, MostMemoryHeld());
}

std::vector<std::string> InputsOf(const fs::path& corpus) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(corpus)) files.push_back(entry.path());
  std::ranges::sort(files);
  std::vector<std::string> inputs;
  for (const fs::path& file : files) inputs.push_back(ReadFile(file));
  return inputs;
}

int Main(const std::vector<std::string>& arguments) {
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM}) {
    ::signal(signal, OnDeath);
  }
  if (arguments.empty()) return 2;
  if (!fs::is_directory(arguments[0])) {
    RunOne(ReadFile(arguments[0]));
    return 0;
  }
  const std::vector<std::string> inputs = InputsOf(arguments[0]);
  if (inputs.empty()) {
    std::fprintf(stderr, "%s holds no inputs\n", arguments[0].c_str());
    return 1;
  }
  for (const std::string& input : inputs) RunOne(input);
  const int mutants = arguments.size() > 1 ? std::atoi(arguments[1].c_str()) : 0;
  std::vector<std::string> words;
  if (arguments.size() > 2) words = ReadDictionary(arguments[2]);
  Mutator mutator(inputs, std::move(words), kLongestInput, 2018);
  for (int i = 0; i < mutants; ++i) RunOne(mutator.Next());
  std::printf("%zu inputs and %d mutants; at most %zu KiB held\n", inputs.size(), mutants,
              most_held >> 10);
  std::error_code ignored;
  fs::remove(kFailedInput, ignored);  // of a mistake that is mended
  return 0;
}

}  // namespace
}  // namespace beamgrid::fuzz

int main(int argc, char** argv) {
  return beamgrid::fuzz::Main(std::vector<std::string>(argv + 1, argv + argc));
}
