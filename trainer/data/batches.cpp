#include "trainer/data/batches.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <numeric>
#include <stop_token>
#include <thread>
#include <utility>

#include "trainer/data/random.h"

namespace beamgrid {

std::vector<std::uint32_t> EpochOrder(std::int64_t size, std::uint64_t seed, std::int64_t epoch,
                                      BatchOrder order) {
  std::vector<std::uint32_t> examples(static_cast<std::size_t>(size));
  std::iota(examples.begin(), examples.end(), 0U);
  if (order == BatchOrder::kShuffled) {
    // A stream per epoch: the order of epoch 7 is known without shuffling the six before it, which
    // is what a resumed trial needs.
    Random random(seed, static_cast<std::uint64_t>(epoch));
    Shuffle(examples, random);
  }
  return examples;
}

/// One epoch being read, by a thread of its own where it has several batches. The destructor stops
/// it.
class Batches::ReadAhead {
 public:
  ReadAhead(Dataset& dataset, const BatchesOptions& options, std::int64_t epoch,
            std::int64_t position)
      : dataset_(dataset),
        options_(options),
        order_(EpochOrder(dataset.Size(), options.seed, epoch, options.order)),
        position_(static_cast<std::size_t>(position)) {
    // One batch is read here and now: there is nothing to read ahead, and to start a thread and to
    // wait for it takes longer than a small batch.
    const bool one_batch =
        order_.size() <= position_ + static_cast<std::size_t>(options.batch_size);
    if (one_batch) {
      Run({});
    } else {
      thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
    }
  }

  bool Next(Batch& batch) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !ready_.empty() || finished_; });
    // What was read before the error is handed out first: the batches before a damaged record are
    // the same whether or not the reading thread was ahead.
    if (ready_.empty()) {
      if (error_) std::rethrow_exception(error_);
      return false;
    }
    // The caller's old batch goes back to be filled again. Allocating 44 MB for each batch anew
    // would cost page faults over all of them.
    std::swap(batch, ready_.front());
    spare_.push_back(std::move(ready_.front()));
    ready_.pop_front();
    changed_.notify_all();
    return true;
  }

 private:
  void Run(const std::stop_token& stop) {
    std::exception_ptr error;
    try {
      while (position_ < order_.size() && !stop.stop_requested()) {
        Batch batch = TakeSpare();
        ReadOne(batch);
        // A batch of skipped records only: the next one's position is behind it too.
        if (batch.Size() > 0) Put(std::move(batch), stop);
      }
    } catch (...) {
      error = std::current_exception();  // handed to the consumer, which rethrows it
    }
    // Under the lock, or the consumer could fall asleep between its check and our call.
    const std::scoped_lock lock(mutex_);
    error_ = error;
    finished_ = true;
    changed_.notify_all();
  }

  void ReadOne(Batch& batch) {
    const auto count =
        std::min(static_cast<std::size_t>(options_.batch_size), order_.size() - position_);
    dataset_.Read(std::span(order_).subspan(position_, count), batch);
    position_ += count;
    batch.next_position = static_cast<std::int64_t>(position_);
  }

  Batch TakeSpare() {
    const std::scoped_lock lock(mutex_);
    if (spare_.empty()) return {};
    Batch batch = std::move(spare_.back());
    spare_.pop_back();
    return batch;
  }

  void Put(Batch batch, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    // A stop ends the wait: the destructor joins this thread while nobody takes batches any more.
    changed_.wait(lock, stop, [&] { return std::ssize(ready_) < options_.read_ahead; });
    ready_.push_back(std::move(batch));
    changed_.notify_all();
  }

  Dataset& dataset_;
  const BatchesOptions options_;
  const std::vector<std::uint32_t> order_;
  std::size_t position_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Batch> ready_;
  std::vector<Batch> spare_;  ///< emptied by the consumer, their memory to be filled again
  std::exception_ptr error_;
  bool finished_ = false;

  std::jthread thread_;  ///< last: it must not run before the members above exist
};

Batches::Batches(Dataset& dataset, const BatchesOptions& options)
    : dataset_(dataset), options_(options) {
  options_.batch_size = std::max<std::int64_t>(1, options_.batch_size);
  options_.read_ahead = std::max<std::int64_t>(1, options_.read_ahead);
}

Batches::~Batches() = default;

void Batches::Start(std::int64_t epoch, std::int64_t position) {
  read_ahead_.reset();  // the dataset serves one thread at a time
  read_ahead_ = std::make_unique<ReadAhead>(dataset_, options_, epoch, position);
}

bool Batches::Next(Batch& batch) { return read_ahead_ && read_ahead_->Next(batch); }

}  // namespace beamgrid
