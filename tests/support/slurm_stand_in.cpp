// Stands in for sbatch, squeue, sacct, scancel and sinfo: whichever of them it is called as. The
// cluster is the folder $BEAMGRID_STAND_IN (slurm_stand_in.h); nothing of it runs anywhere, jobs
// are what somebody writes there. An option that it does not know is an error, as it is for Slurm.

#include "tests/support/slurm_stand_in.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <set>
#include <stdexcept>

namespace beamgrid {
namespace {

/// Options are what follows a command's name: --name=value, and what is no option.
struct Options {
  std::map<std::string, std::string> named;
  std::vector<std::string> others;
};

Options ReadOptions(int argc, char** argv, const std::set<std::string>& known) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (!argument.starts_with("--")) {
      options.others.push_back(argument);
      continue;
    }
    const std::string name = argument.substr(2, argument.find('=') - 2);
    if (!known.contains(name)) throw std::runtime_error("unrecognized option '--" + name + "'");
    const auto value = argument.find('=');
    options.named[name] = value == std::string::npos ? "" : argument.substr(value + 1);
  }
  return options;
}

std::set<std::string> Parts(const std::string& list) {
  std::set<std::string> parts;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    parts.insert(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::string Me() { return std::to_string(::getuid()); }

void Sbatch(StandInSlurm& slurm, int argc, char** argv) {
  const Options options = ReadOptions(
      argc, argv,
      {"parsable", "job-name", "comment", "output", "open-mode", "requeue", "nodes", "ntasks",
       "chdir", "cpus-per-task", "mem", "time", "signal", "partition", "gres"});
  std::cout << slurm.Add({.user = Me(),
                          .name = options.named.at("job-name"),
                          .state = "PENDING",
                          .reason = "Priority",
                          .comment = options.named.at("comment")})
            << '\n';
}

void Squeue(StandInSlurm& slurm, int argc, char** argv) {
  const Options options = ReadOptions(argc, argv, {"noheader", "all", "states", "user", "format"});
  std::string output;
  for (const StandInJob& job : slurm.Jobs()) {
    if (job.is_forgotten || job.user != options.named.at("user")) continue;
    const std::string& format = options.named.at("format");
    for (std::size_t i = 0; i < format.size(); ++i) {
      if (format[i] != '%') {
        output += format[i];
        continue;
      }
      switch (format.at(++i)) {
        case 'i':
          output += job.id;
          break;
        case 'T':
          output += job.state;
          break;
        case 'r':
          output += job.reason.empty() ? "None" : job.reason;
          break;
        case 'N':
          output += job.node;
          break;
        case 'S':
          output += job.node.empty() ? "N/A" : "2026-11-29T17:50:18";
          break;
        case 'j':
          output += job.name;
          break;
        case 'k':
          output += job.comment.empty() ? "(null)" : job.comment;
          break;
        default:
          throw std::runtime_error("Invalid job format specification");
      }
    }
    output += '\n';
  }
  std::cout << output;
}

void Sacct(StandInSlurm& slurm, int argc, char** argv) {
  const Options options = ReadOptions(argc, argv,
                                      {"noheader", "parsable2", "allocations", "duplicates", "user",
                                       "starttime", "format", "delimiter", "name"});
  if (options.named.at("format") != "JobIDRaw,State,ExitCode,JobName") {
    throw std::runtime_error("Invalid field requested");
  }
  const std::string& separator = options.named.at("delimiter");
  const auto list = options.named.find("name");
  const std::set<std::string> names =
      list == options.named.end() ? std::set<std::string>() : Parts(list->second);
  std::string output;
  for (const StandInJob& job : slurm.Jobs()) {
    if (job.user != options.named.at("user")) continue;
    if (list != options.named.end() && !names.contains(job.name)) continue;
    output += job.id + separator + job.state + separator + "0:0" + separator + job.name + '\n';
  }
  std::cout << output;
}

void Scancel(StandInSlurm& slurm, int argc, char** argv) {
  const Options options = ReadOptions(argc, argv, {"quiet", "user", "name"});
  const std::set<std::string> ids(options.others.begin(), options.others.end());
  const auto name = options.named.find("name");
  slurm.Change([&](std::vector<StandInJob>& jobs) {
    for (StandInJob& job : jobs) {
      const bool is_meant =
          name != options.named.end() ? job.name == name->second : ids.contains(job.id);
      if (is_meant && job.user == options.named.at("user")) job.state = "CANCELLED";
    }
  });
}

void Call(const std::string& name, int argc, char** argv) {
  const char* folder = std::getenv("BEAMGRID_STAND_IN");
  if (folder == nullptr) throw std::runtime_error("$BEAMGRID_STAND_IN names no folder");
  StandInSlurm slurm(folder);
  slurm.NoteCall(name);
  if (name == "sbatch") return Sbatch(slurm, argc, argv);
  if (name == "squeue") return Squeue(slurm, argc, argv);
  if (name == "sacct") return Sacct(slurm, argc, argv);
  if (name == "scancel") return Scancel(slurm, argc, argv);
  if (name == "sinfo") {
    std::cout << "main*\n";
    return;
  }
  throw std::runtime_error("stands in for sbatch, squeue, sacct, scancel and sinfo, not for it");
}

}  // namespace
}  // namespace beamgrid

int main(int argc, char** argv) {
  const std::string name = std::filesystem::path(argv[0]).filename().string();
  try {
    beamgrid::Call(name, argc, argv);
  } catch (const std::exception& error) {
    std::cerr << name << ": error: " << error.what() << '\n';
    return 1;
  }
}
