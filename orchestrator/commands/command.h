#pragma once
// The contract of every command of `beamgrid`, and how one file adds a command.
//
// A command is one file in orchestrator/commands/ with a class and a REGISTER_COMMAND line. It adds
// its options to the CLI11 app it is given and, when it was chosen, runs once. Parsing, help,
// errors, exit codes and completion follow from that. Data goes to context.out, everything else to
// context.err.

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

namespace beamgrid {

/// ExitCode is what `beamgrid` exits with (other people's scripts depend on them: never renumber).
enum ExitCode : int {
  kExitDone = 0,
  /// The environment broke (a disk, the memory, a file that cannot be read, the record and its
  /// files), or trials failed for good.
  kExitBroken = 1,
  /// What the user gave is wrong: the command line, the recipe, or what a data or CSV file holds.
  kExitUsage = 2,
  kExitUnfinished = 3,    ///< all trained and recorded, but an ensemble or table was not made of it
  kExitInterrupted = 130  ///< stopped by the user, state safe
};

/// Verbosity says how much is told on context.err.
enum class Verbosity { kQuiet, kNormal, kVerbose };

/// CommandContext is what a command may use of the world around it.
struct CommandContext {
  std::ostream& out;  ///< data, and only data
  std::ostream& err;  ///< progress, remarks
  Verbosity verbosity = Verbosity::kNormal;
  bool may_ask = false;  ///< somebody reads `err` and can answer on standard input
  /// Shows what is held back for a pager; empty: nothing is.
  std::function<void()> show_list;

  /// Says a remark for people; --quiet drops it. What was printed before it is seen before it.
  void Remark(const std::string& text) const {
    if (verbosity == Verbosity::kQuiet) return;
    if (show_list) show_list();
    err << text << "\n";
  }
  /// Says what only --verbose wants to hear.
  void Detail(const std::string& text) const {
    if (verbosity == Verbosity::kVerbose) err << text << "\n";
  }
};

/// Prints one line of compact JSON, keys sorted, numbers in their shortest exact form.
void PrintJson(std::ostream& out, const boost::json::value& value);

/// Subcommand is one command of `beamgrid`.
class Subcommand {
 public:
  virtual ~Subcommand() = default;
  /// Adds the command's options to `app`, its own. Called once, before parsing.
  virtual void AddOptions(CLI::App& app) = 0;
  /// Carries the command out and returns an ExitCode. Called at most once, after parsing. Throws
  /// RecipeError, UsageError, InputError or Error.
  [[nodiscard]] virtual int Run(CommandContext& context) = 0;
  /// True if it prints a list to read through, which goes through a pager on a terminal. Asked
  /// after parsing.
  [[nodiscard]] virtual bool IsList() const { return false; }
};

/// CommandGroup is a heading of `beamgrid --help`, in this order.
enum class CommandGroup { kSearch, kRecord, kResults, kData, kMachine };

/// CommandInfo is what the command line knows of a command before it is chosen.
struct CommandInfo {
  std::string name;  ///< "plan", or "data inspect" for a command of a command
  CommandGroup group;
  std::string help;
  std::unique_ptr<Subcommand> (*make)();
};

/// Returns every command; filled before main by the registrations.
[[nodiscard]] std::vector<CommandInfo>& Commands();

/// REGISTER_COMMAND adds a command. It stands at the end of the command's file, inside its unnamed
/// namespace.
#define REGISTER_COMMAND(name, group, help, Class)                                            \
  [[maybe_unused]] const bool registered_##Class = [] {                                       \
    ::beamgrid::Commands().push_back(                                                         \
        {name, ::beamgrid::CommandGroup::group, help,                                         \
         [] { return std::unique_ptr<::beamgrid::Subcommand>(std::make_unique<Class>()); }}); \
    return true;                                                                              \
  }()

/// Returns the check of an option that takes one of `words`: help lists them, and so does the
/// refusal of another word, with the nearest one.
[[nodiscard]] CLI::Validator OneOf(const std::vector<std::string>& words);

/// AtLeastOne checks that an option is a whole number from 1.
[[nodiscard]] CLI::Validator AtLeastOne();

}  // namespace beamgrid
