#pragma once
// A cluster that is a folder of files, as slurm_stand_in (the programs) and a test see it.

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace beamgrid {

/// StandInJob is a job of that cluster. No text of it has a tab or a new line.
struct StandInJob {
  std::string id, user, name, state, reason, node, comment;
  bool is_forgotten = false;  ///< in no queue any more; the accounting knows it
};

/// StandInSlurm is the cluster of a folder. Any number of processes may use it at once.
class StandInSlurm {
 public:
  explicit StandInSlurm(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Puts a job without an id into the queue; returns the id that it gets.
  std::string Add(StandInJob job) {
    const Lock lock(*this);
    // A job is added by a line, not by the file written anew, of which ten thousand are 10 GB.
    int count = 0;
    std::ifstream(folder_ / "count") >> count;
    std::ofstream(folder_ / "count") << count + 1;
    job.id = std::to_string(count + 1);
    std::ofstream(folder_ / "jobs", std::ios::app) << Line(job);
    return job.id;
  }
  [[nodiscard]] std::vector<StandInJob> Jobs() {
    const Lock lock(*this);
    return Read();
  }
  /// Changes what the jobs are; their number stays.
  void Change(const std::function<void(std::vector<StandInJob>&)>& change) {
    const Lock lock(*this);
    std::vector<StandInJob> jobs = Read();
    change(jobs);
    std::string text;
    for (const StandInJob& job : jobs) text += Line(job);
    std::ofstream(folder_ / "jobs") << text;
  }
  /// Notes that a program was called.
  void NoteCall(const std::string& program) {
    const Lock lock(*this);
    std::ofstream(folder_ / "calls", std::ios::app) << program << '\n';
  }
  /// Returns how often each program was called.
  [[nodiscard]] std::map<std::string, int> Calls() {
    const Lock lock(*this);
    std::map<std::string, int> calls;
    std::ifstream file(folder_ / "calls");
    for (std::string program; file >> program;) ++calls[program];
    return calls;
  }

 private:
  class Lock {
   public:
    explicit Lock(const StandInSlurm& slurm)
        : file_(::open((slurm.folder_ / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
      if (file_ < 0 || ::flock(file_, LOCK_EX) != 0) throw std::runtime_error("cannot be locked");
    }
    ~Lock() { ::close(file_); }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

   private:
    int file_;
  };

  static std::string Line(const StandInJob& job) {
    std::string line;
    for (const std::string* text :
         {&job.id, &job.user, &job.name, &job.state, &job.reason, &job.node, &job.comment}) {
      line += *text + '\t';
    }
    return line + (job.is_forgotten ? "1\n" : "0\n");
  }
  [[nodiscard]] std::vector<StandInJob> Read() const {
    std::vector<StandInJob> jobs;
    std::ifstream file(folder_ / "jobs");
    for (std::string line; std::getline(file, line);) {
      std::size_t begin = 0;
      const auto next = [&] {
        const std::size_t end = std::min(line.find('\t', begin), line.size());
        const std::string text = line.substr(begin, end - begin);
        begin = std::min(end + 1, line.size());
        return text;
      };
      StandInJob job;
      for (std::string* text :
           {&job.id, &job.user, &job.name, &job.state, &job.reason, &job.node, &job.comment}) {
        *text = next();
      }
      job.is_forgotten = next() == "1";
      jobs.push_back(std::move(job));
    }
    return jobs;
  }

  std::filesystem::path folder_;
};

}  // namespace beamgrid
