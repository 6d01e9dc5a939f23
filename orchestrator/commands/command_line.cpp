#include "orchestrator/commands/command_line.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <sstream>
#include <tuple>
#include <utility>

#include "orchestrator/commands/command.h"
#include "orchestrator/commands/output_file.h"
#include "orchestrator/commands/pager.h"
#include "orchestrator/commands/terminal.h"
#include "orchestrator/progress_display.h"
#include "registry/util/error.h"
#include "registry/util/folded.h"
#include "registry/util/input_error.h"
#include "registry/util/json.h"
#include "registry/util/nearest_spelling.h"
#include "registry/util/printable.h"
#include "registry/util/system_error.h"
#include "registry/util/text.h"
#include "registry/util/user_path.h"
#include "registry/util/words.h"
#include "search/diagnostics.h"

namespace beamgrid {

void PrintJson(std::ostream& out, const boost::json::value& value) {
  const Verbatim as_it_is(out);
  out << CanonicalJson(value) << "\n";
}

std::vector<CommandInfo>& Commands() {
  // Inside the function: the registrations of other files run before main, in no order that we
  // know.
  static std::vector<CommandInfo> commands;
  return commands;
}

CLI::Validator OneOf(const std::vector<std::string>& words) {
  return {[words](const std::string& word) {
            const bool known = std::ranges::find(words, word) != words.end();
            return known ? "" : "'" + word + "' " + RefusalOf(word, words);
          },
          CLI::detail::generate_set(words)};
}

CLI::Validator AtLeastOne() {
  return {[](const std::string& text) {
            const auto number = ParseNumber<std::int64_t>(text);
            const bool positive = number && *number >= 1;
            return positive ? "" : "'" + text + "' must be a whole number from 1";
          },
          "POSITIVE"};
}

CLI::Validator Between(double low, double high) {
  std::ostringstream range;
  range << "[" << low << " - " << high << "]";
  return {[low, high, range = range.str()](const std::string& text) {
            const auto number = ParseNumber<double>(text);
            const bool is_in = number && *number >= low && *number <= high;
            return is_in ? "" : "'" + text + "' must be a number in " + range;
          },
          "FLOAT in " + range.str()};
}

namespace {

/// The headings of the groups in the help.
constexpr Word<CommandGroup> kHeadings[] = {{CommandGroup::kSearch, "Search"},
                                            {CommandGroup::kRecord, "Record"},
                                            {CommandGroup::kResults, "Results"},
                                            {CommandGroup::kData, "Data"},
                                            {CommandGroup::kMachine, "Machine"}};

/// Lets an option that names files take `~` and `$NAME` where no shell has put their values in, as
/// in --db=~/beamgrid.db, and refuses an empty one: a variable of a script that was not set.
void ExpandPaths(CLI::App& app) {
  const auto expand = [](const char* what) {
    return CLI::Validator(
        [what](std::string& name) {
          if (name.empty()) return std::string("'' must be the path of a ") + what;
          try {
            name = UserPath(name);
            return std::string();
          } catch (const Error& error) {
            return std::string(error.what());
          }
        },
        "", "user path");
  };
  for (CLI::Option* option : app.get_options()) {
    const std::string type = option->get_type_name();
    const std::string name = option->get_single_name();
    const bool is_path =
        type.starts_with("FILE") || type.starts_with("DIR") || name == "RECIPE" || name == "FILES";
    if (is_path) option->transform(expand(type.starts_with("DIR") ? "folder" : "file"));
  }
}

/// CommandTree is the CLI11 tree over all registered commands, and which of them was chosen.
class CommandTree {
 public:
  CommandTree();

  [[nodiscard]] CLI::App& app() { return app_; }
  [[nodiscard]] Verbosity verbosity() const;
  /// True if the command that was chosen prints a list; after parsing.
  [[nodiscard]] bool IsList() const;
  /// Runs the command that was chosen; after parsing. Prints the help where none was, or only a
  /// group (`beamgrid data`): whoever names no command asks which there are.
  [[nodiscard]] int Run(CommandContext& context);
  /// Returns one message for what CLI11 refused, with the nearest spelling of what was meant.
  [[nodiscard]] std::string Explain(const CLI::ParseError& error,
                                    const std::vector<std::string>& arguments) const;

 private:
  /// Returns the subcommand `name` of `parent`, made if it is not there yet.
  CLI::App* Group(CLI::App* parent, const std::string& name, const std::string& heading);

  CLI::App app_{"beamgrid: searches over the parts of video-classification models", "beamgrid"};
  bool quiet_ = false;
  bool verbose_ = false;
  std::vector<std::pair<CLI::App*, std::unique_ptr<Subcommand>>> commands_;
};

/// Where the descriptions of options begin.
constexpr std::size_t kHelpColumn = 34;

/// SteadyFormatter names the options that another one needs or excludes in the order of the
/// alphabet. CLI11 has them in the order of their addresses, another one each time.
class SteadyFormatter : public CLI::Formatter {
 public:
  std::string make_option_opts(const CLI::Option* option) const override {
    std::string text = CLI::Formatter::make_option_opts(option);
    for (const std::string heading : {" Excludes:", " Needs:"}) {
      const std::size_t at = text.find(heading);
      if (at == std::string::npos) continue;
      const std::size_t begin = at + heading.size();
      const std::size_t end = std::min(text.find(" Excludes:", begin), text.size());
      std::istringstream list(text.substr(begin, end - begin));
      std::vector<std::string> names{std::istream_iterator<std::string>(list), {}};
      std::ranges::sort(names);
      text.replace(begin, end - begin, " " + Join(names, " "));
    }
    return text;
  }
};

CommandTree::CommandTree() {
  app_.set_version_flag("--version", "beamgrid " BEAMGRID_VERSION, "Print the version");
  auto* quiet = app_.add_flag("-q,--quiet", quiet_, "No remarks and no progress, only data");
  app_.add_flag("-v,--verbose", verbose_, "Say more of what is done")->excludes(quiet);
  app_.fallthrough();
  app_.footer(
      "`beamgrid help COMMAND` says what a command takes, `beamgrid help recipe` every key of\n"
      "a recipe, `beamgrid components NAME` every option of a component,\n"
      "`beamgrid strategies NAME` those of a search.");
  app_.formatter(std::make_shared<SteadyFormatter>());
  app_.get_formatter()->column_width(kHelpColumn);

  std::vector<CommandInfo> infos = Commands();
  // Registered in the order in which the linker put the files, which says nothing.
  std::sort(infos.begin(), infos.end(), [](const CommandInfo& a, const CommandInfo& b) {
    return std::tie(a.group, a.name) < std::tie(b.group, b.name);
  });
  for (const CommandInfo& info : infos) {
    CLI::App* parent = &app_;
    std::string name = info.name;
    if (const auto space = name.find(' '); space != std::string::npos) {
      parent = Group(&app_, name.substr(0, space), WordFor(kHeadings, info.group));
      name = name.substr(space + 1);
    }
    CLI::App* app = parent->add_subcommand(name, info.help);
    if (parent == &app_) app->group(WordFor(kHeadings, info.group));
    commands_.emplace_back(app, info.make());
    commands_.back().second->AddOptions(*app);
    ExpandPaths(*app);
  }
}

CLI::App* CommandTree::Group(CLI::App* parent, const std::string& name,
                             const std::string& heading) {
  for (CLI::App* existing : parent->get_subcommands([](CLI::App*) { return true; })) {
    if (existing->get_name() == name) return existing;
  }
  CLI::App* group = parent->add_subcommand(name);
  group->group(heading);
  std::string members;
  for (const CommandInfo& info : Commands()) {
    if (info.name.starts_with(name + " ")) {
      members += (members.empty() ? "" : ", ") + info.name.substr(name.size() + 1);
    }
  }
  group->description(name + " commands: " + members);
  return group;
}

Verbosity CommandTree::verbosity() const {
  if (quiet_) return Verbosity::kQuiet;
  return verbose_ ? Verbosity::kVerbose : Verbosity::kNormal;
}

void PrintHelp(std::ostream& out, const std::string& help) {
  const auto width = TerminalWidth(out);
  out << (width ? BrokenHelp(help, kHelpColumn, *width) : help);
}

/// Runs the command. An error of what it writes names it as the user did.
int RunCommand(Subcommand& command, const CLI::App& app, CommandContext& context) {
  try {
    return command.Run(context);
  } catch (const SystemError& error) {
    for (const char* name : {"--out", "--tensorboard", "TO"}) {
      const CLI::Option* option = app.get_option_no_throw(name);
      if (option == nullptr || option->empty()) continue;
      if (const auto fault = OutputFault(error, name, option->results().back())) {
        throw Error(*fault);
      }
    }
    throw;
  }
}

bool CommandTree::IsList() const {
  return std::ranges::any_of(
      commands_, [](const auto& one) { return one.first->parsed() && one.second->IsList(); });
}

int CommandTree::Run(CommandContext& context) {
  for (auto& [app, command] : commands_) {
    if (app->parsed()) return RunCommand(*command, *app, context);
  }
  PrintHelp(context.out, app_.help());
  return kExitDone;
}

std::vector<std::string> SubcommandNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(sub->get_name());
  }
  return names;
}

void AddOptionNames(const CLI::App& app, std::vector<std::string>* names) {
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names->push_back("--" + name);
  }
}

std::string UnknownCommand(const std::string& path, const std::string& word,
                           const std::vector<std::string>& names) {
  return path + ": unknown command `" + word + "`" + Suggestion(word, names, "`") + "; `" + path +
         " --help` lists the commands";
}

/// Throws UsageError where the first word names no command: CLI11 answers --help before it looks.
void RequireCommand(const CLI::App& app, const std::vector<std::string>& arguments) {
  const auto word = std::ranges::find_if(
      arguments, [](const std::string& argument) { return !argument.starts_with("-"); });
  const std::vector<std::string> names = SubcommandNames(app);
  if (word == arguments.end() || std::ranges::count(names, *word) > 0) return;
  throw UsageError(UnknownCommand("beamgrid", *word, names));
}

std::string CommandTree::Explain(const CLI::ParseError& error,
                                 const std::vector<std::string>& arguments) const {
  const CLI::App* app = &app_;
  std::string path = "beamgrid";
  std::vector<std::string> options;
  AddOptionNames(*app, &options);
  for (const std::string& word : arguments) {
    if (word == "--") break;
    if (word.starts_with("--")) {
      const std::string name = word.substr(0, word.find('='));
      if (std::find(options.begin(), options.end(), name) == options.end()) {
        return path + ": unknown option " + name + Suggestion(name, options, "`") + "; `" + path +
               " --help` lists the options";
      }
    }
    const std::vector<std::string> names = SubcommandNames(*app);
    if (names.empty() || word.starts_with("-")) continue;
    if (std::find(names.begin(), names.end(), word) == names.end()) {
      return UnknownCommand(path, word, names);
    }
    app = app->get_subcommand(word);
    path += " " + word;
    AddOptionNames(*app, &options);
  }
  return path + ": " + error.what() + "; `" + path + " --help` shows what it takes";
}

/// Returns the word before an error: red where colours may be.
const char* ErrorPrefix(const std::ostream& err) {
  const bool coloured = &err == &std::cerr && LiveColours(STDERR_FILENO) == Colour::kYes;
  return coloured ? "\033[1;31merror:\033[0m " : "error: ";
}

/// Returns `data synth --help` for `help data synth`, whose words CLI11 would take for commands to
/// run. `help recipe` and options of help itself stay.
std::vector<std::string> WithHelpLast(std::vector<std::string> arguments) {
  const auto is_word = [](const std::string& argument) { return !argument.starts_with("-"); };
  const auto help = std::ranges::find_if(arguments, is_word);
  if (help == arguments.end() || *help != "help") return arguments;
  const auto next = help + 1;
  if (next != arguments.end() && (!is_word(*next) || *next == "recipe")) return arguments;
  arguments.erase(help);
  arguments.emplace_back("--help");
  return arguments;
}

/// ShownOutput is where commands print: text that a terminal only shows, in lines that fit it.
class ShownOutput {
 public:
  /// Without a width `target` leads to no terminal.
  ShownOutput(std::ostream& target, std::optional<std::size_t> width)
      : printable_(target), width_(width) {
    if (!width) return;
    folded_ = std::make_unique<TerminalOutput>(printable_, *width, &target);
    if (MayColour(target)) AllowColours(*folded_);
  }

  [[nodiscard]] std::ostream& stream() {
    if (folded_) return *folded_;
    return printable_;
  }
  /// Prints a text and a newline where `start`, which is there already, leaves off.
  void PrintAfter(const std::string& start, const std::string& text) {
    printable_ << (width_ ? FoldedLines(start + Printable(text), *width_).substr(start.size())
                          : text)
               << "\n";
  }

 private:
  PrintableOutput printable_;
  std::optional<std::size_t> width_;
  std::unique_ptr<TerminalOutput> folded_;
};

/// `paged`: null where nothing is to be paged.
int ParseAndRun(const std::vector<std::string>& given, CommandContext context, PagedOutput* paged) {
  const std::vector<std::string> arguments = WithHelpLast(given);
  CommandTree tree;
  try {
    // CLI11 takes a vector of arguments from its end.
    tree.app().parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::Success& help_or_version) {
    RequireCommand(tree.app(), arguments);
    std::ostringstream text;
    const int code = tree.app().exit(help_or_version, text, context.err);
    PrintHelp(context.out, text.str());
    return code;
  } catch (const CLI::ParseError& error) {
    throw UsageError(tree.Explain(error, arguments));
  }
  context.verbosity = tree.verbosity();
  if (paged != nullptr && tree.IsList()) {
    paged->Hold(RowsOfDescriptor(STDOUT_FILENO));
    context.show_list = [&context, paged] {
      context.out.flush();
      paged->Show();
    };
  }
  const int code = tree.Run(context);
  if (context.show_list) context.show_list();
  // Only now is a full disk certain to show: a script must not take half of the data for all.
  context.out.flush();
  if (!context.out) throw Error("standard output: cannot write; is the disk full?");
  return code;
}

/// Returns the error's words; those of the standard library (no thread can be started, no file be
/// renamed) with what to do about it, as ours have it.
std::string WithFix(const std::exception& error) {
  const bool ours = dynamic_cast<const Error*>(&error) != nullptr;
  const std::string fix = ours ? "" : FixForSystemError(SystemCode(error));
  return error.what() + (fix.empty() ? "" : "; " + fix);
}

}  // namespace

int RunCommandLine(const std::vector<std::string>& arguments, std::ostream& out,
                   std::ostream& err) {
  // Everything that commands print passes through these two.
  const bool ours = &out == &std::cout && &err == &std::cerr;
  const std::optional<std::size_t> width =
      ours ? WidthOfDescriptor(STDOUT_FILENO) : TerminalWidth(out);
  PagedOutput paged(out);
  if (ours ? LiveColours(STDOUT_FILENO) == Colour::kYes : MayColour(out)) AllowColours(paged);
  ShownOutput shown_out(paged, width);
  ShownOutput shown_err(err, ours ? WidthOfDescriptor(STDERR_FILENO) : TerminalWidth(err));
  const auto fail = [&](ExitCode code, const std::string& why) {
    shown_out.stream().flush();
    paged.Show();
    shown_err.stream().flush();
    err << ErrorPrefix(err);  // not through it: its colours are ours
    shown_err.PrintAfter("error: ", why);
    return code;
  };
  try {
    return ParseAndRun(
        arguments,
        {.out = shown_out.stream(),
         .err = shown_err.stream(),
         .may_ask = ours && ::isatty(STDIN_FILENO) != 0 && ::isatty(STDERR_FILENO) != 0},
        ours && width ? &paged : nullptr);
  } catch (const RecipeError& error) {
    for (const Diagnostic& diagnostic : error.diagnostics()) {
      shown_err.stream() << ToString(diagnostic) << "\n";
    }
    return kExitUsage;
  } catch (const UsageError& error) {
    return fail(kExitUsage, error.what());
  } catch (const InputError& error) {
    return fail(kExitUsage, error.what());
  } catch (const std::filesystem::filesystem_error& error) {
    // Where nobody thought that a look at a file could fail: a loop of links, a name too long.
    const int problem = SystemCode(error);
    const SystemError told(error.path1(), "cannot be used", problem);
    return fail(IsMachineFault(problem) ? kExitBroken : kExitUsage, told.what());
  } catch (const std::bad_alloc&) {
    return fail(kExitBroken,
                "out of memory; free memory or allow more (ulimit -v), then run again");
  } catch (const std::exception& error) {
    return fail(kExitBroken, WithFix(error));
  }
}

}  // namespace beamgrid
