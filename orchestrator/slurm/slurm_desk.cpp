#include "orchestrator/slurm/slurm_desk.h"

#include <algorithm>
#include <iterator>

#include "registry/util/error.h"

namespace beamgrid {

SlurmDesk::SlurmDesk(SlurmClient& client, std::chrono::milliseconds interval,
                     std::function<void()> on_news)
    : client_(client),
      interval_(interval),
      on_news_(std::move(on_news)),
      thread_([this] { Work(); }) {}

SlurmDesk::~SlurmDesk() { (void)Finish(); }

SlurmDesk::Uncancelled SlurmDesk::Finish() {
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  return uncancelled_;
}

void SlurmDesk::Submit(JobRequest request) {
  Put([this, request = std::move(request)] {
    {
      const std::scoped_lock lock(mutex_);
      if (ending_) return;
    }
    SubmitAnswer answer;
    try {
      const std::scoped_lock lock(client_mutex_);
      answer = client_.Submit(request);
    } catch (const Error& error) {
      answer = {.outcome = Submission::kRefused, .message = error.what()};
    }
    Tell([&](News& news) { news.submitted.emplace_back(request.name, std::move(answer)); });
  });
}

void SlurmDesk::Cancel(std::vector<std::string> names) {
  {
    const std::scoped_lock lock(mutex_);
    // Jobs that do not go are cancelled at each look at the queue, and a scancel may take a minute.
    std::erase_if(names,
                  [this](const std::string& name) { return !to_cancel_.insert(name).second; });
    if (names.empty()) return;
    if (tasks_.empty() || tasks_.back().act) tasks_.emplace_back();
    std::ranges::move(names, std::back_inserter(tasks_.back().cancelled));
  }
  wake_.notify_one();
}

void SlurmDesk::AskEnded(std::vector<std::string> names) {
  Put([this, names = std::move(names)] {
    EndedAnswer answer;
    try {
      const std::scoped_lock lock(client_mutex_);
      answer = client_.Ended(names);
    } catch (const Error& error) {
      answer = {.accounting = Accounting::kOff, .message = error.what()};
    }
    Tell([&](News& news) { news.ended = std::move(answer); });
  });
}

void SlurmDesk::LookNow() {
  Put([this] { Look(); });
}

SlurmDesk::News SlurmDesk::Take() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(news_, {});
}

QueueAnswer SlurmDesk::Queue() {
  try {
    const std::scoped_lock lock(client_mutex_);
    return client_.Queue();
  } catch (const Error& error) {
    return {.message = error.what()};
  }
}

void SlurmDesk::Work() {
  auto next_look = std::chrono::steady_clock::now() + interval_;
  const auto due = [&] {
    return interval_.count() > 0 && std::chrono::steady_clock::now() >= next_look;
  };
  while (true) {
    std::optional<Task> task;
    {
      std::unique_lock lock(mutex_);
      const auto something = [&] { return ending_ || !tasks_.empty(); };
      if (interval_.count() > 0) {
        wake_.wait_until(lock, next_look, something);
      } else {
        wake_.wait(lock, something);
      }
      if (ending_ && tasks_.empty()) return;
      // A long row of submissions must not hide the queue.
      if (!tasks_.empty() && !due()) {
        task = std::move(tasks_.front());
        tasks_.pop_front();
        for (const std::string& name : task->cancelled) to_cancel_.erase(name);
      }
    }
    if (task) {
      CarryOut(*task);
    } else if (due()) {
      Look();
      next_look = std::chrono::steady_clock::now() + interval_;
    }
  }
}

void SlurmDesk::CarryOut(const Task& task) {
  if (task.act) return task.act();
  EndJobs(task.cancelled);
}

void SlurmDesk::EndJobs(const std::vector<std::string>& names) {
  CancelAnswer answer;
  try {
    const std::scoped_lock lock(client_mutex_);
    answer = client_.Cancel(names);
  } catch (const Error& error) {
    answer = {.answered = false, .message = error.what()};
  }
  const std::scoped_lock lock(mutex_);
  for (const std::string& name : names) uncancelled_.names.erase(name);
  if (answer.answered) return;
  uncancelled_.names.insert(names.begin(), names.end());
  uncancelled_.message = answer.message;
}

void SlurmDesk::Look() {
  QueueAnswer answer = Queue();
  Tell([&](News& news) { news.queue = std::move(answer); });
}

void SlurmDesk::Put(std::function<void()> act) {
  {
    const std::scoped_lock lock(mutex_);
    tasks_.push_back({.act = std::move(act), .cancelled = {}});
  }
  wake_.notify_one();
}

template <typename Note>
void SlurmDesk::Tell(const Note& note) {
  {
    const std::scoped_lock lock(mutex_);
    note(news_);
  }
  on_news_();
}

}  // namespace beamgrid
